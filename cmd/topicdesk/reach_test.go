//go:build !race

package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/actors"
	"github.com/topicdesk/topicdesk/actors/etcdtest"
	"github.com/topicdesk/topicdesk/bot"
	"github.com/topicdesk/topicdesk/config"
	"github.com/topicdesk/topicdesk/simulator"
	"github.com/topicdesk/topicdesk/storage/sqlite"
)

// These tests run without the race detector: a started cluster of Proto.Actor's always reports races of its own. The nodes
// are in one process, over one SQLite file.

// reachable are nodes of a cluster, each with a way to Telegram that can be cut.
type reachable struct {
	t    *testing.T
	sim  *simulator.Server
	etcd *etcdtest.Server
	path string
	n    int
}

func newReachable(t *testing.T) *reachable {
	sim, err := simulator.New(simulator.Options{})
	must(t, err)
	t.Cleanup(func() { _ = sim.Close() })
	return &reachable{t: t, sim: sim, etcd: etcdtest.Start(t), path: filepath.Join(t.TempDir(), "desk.db")}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// node is a node that has not joined yet. While cut is true it does not reach Telegram.
func (r *reachable) node(cut *atomic.Bool) *edge {
	r.t.Helper()
	way := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if cut.Load() {
			panic(http.ErrAbortHandler)
		}
		r.sim.ServeHTTP(w, req)
	}))
	r.t.Cleanup(way.Close)
	store, err := sqlite.Open(r.t.Context(), r.path, sqlite.WithoutSync())
	must(r.t, err)
	r.t.Cleanup(func() { _ = store.Close() })
	log := slog.New(slog.DiscardHandler)
	client, err := bot.NewClient(bot.Options{Token: r.sim.Token(), BaseURL: way.URL, Logger: log})
	must(r.t, err)
	r.t.Cleanup(client.Close)
	r.n++
	system, err := actors.NewSystem(actors.Options{
		Store: store, Telegram: client, Log: log, Owner: fmt.Sprint("node ", r.n), JoinLater: true,
		Webhooks: actors.WebhookOptions{SecretsKey: "a key for tests, of 32 characters or more"},
		Cluster: &actors.ClusterOptions{Name: "desk", Addr: fmt.Sprintf("127.0.2.%d:17373", r.n),
			Etcd: actors.ClusterEtcd{Endpoints: []string{r.etcd.URL}}, Fenced: func(why string) { r.t.Error("fenced:", why) }},
	})
	must(r.t, err)
	r.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := system.Stop(ctx); err != nil {
			r.t.Error(err)
		}
	})
	return &edge{config: config.Config{TelegramMode: config.ModePolling}, client: client, system: system, log: log,
		state: &intakeState{}}
}

func (r *reachable) eventually(what string, is func() bool) {
	r.t.Helper()
	for end := time.Now().Add(20 * time.Second); !is(); {
		if time.Now().After(end) {
			r.t.Fatal("not so: " + what)
		}
		<-time.After(20 * time.Millisecond)
	}
}

// TestANodeJoinsOnlyWhenItReachesTelegram: one that does not would hold up the shards that it took.
func TestANodeJoinsOnlyWhenItReachesTelegram(t *testing.T) {
	r := newReachable(t)
	var no, cut atomic.Bool
	one := r.node(&no)
	must(t, one.start(t.Context()))
	cut.Store(true)
	two := r.node(&cut)
	ctx, cancel := context.WithCancel(t.Context())
	started := make(chan error, 1)
	go func() { started <- two.start(ctx) }()
	defer func() {
		cancel()
		if err := <-started; err != nil {
			t.Log(err)
		}
		one.tasks.Wait()
		two.tasks.Wait()
	}()
	r.eventually("it has tried", func() bool { return two.state.check(ctx) != errNotYet })
	if nodes := one.system.Nodes(ctx); len(nodes) != 1 || !one.system.Polls() {
		t.Errorf("there are %v", nodes)
	}
	if err := two.system.Check(ctx); err == nil {
		t.Error("it is ready")
	}
	cut.Store(false)
	r.eventually("it joins", func() bool { return len(one.system.Nodes(ctx)) == 2 && two.system.Check(ctx) == nil })
}

// TestANodeOutOfReachLeavesToOthers: one that reaches Telegram does not leave.
func TestANodeOutOfReachLeavesToOthers(t *testing.T) {
	const every, within = 500 * time.Millisecond, 2 * time.Second
	r := newReachable(t)
	var cut, other atomic.Bool
	one, two := r.node(&cut), r.node(&other)
	must(t, one.start(t.Context()))
	must(t, two.start(t.Context()))
	ctx, cancel := context.WithCancel(t.Context())
	left, stayed := make(chan struct{}), make(chan struct{})
	one.tasks.Go(func() { one.keepInReach(ctx, every, within, func() { close(left) }) })
	two.tasks.Go(func() { two.keepInReach(ctx, every, within, func() { close(stayed) }) })
	defer func() { cancel(); one.tasks.Wait(); two.tasks.Wait() }()
	cut.Store(true)
	select {
	case <-left:
	case <-stayed:
		t.Error("the node that reaches Telegram leaves")
	case <-time.After(20 * time.Second):
		t.Error("it stays")
	}
}
