//go:build !race

package cluster_test

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/etcdtest"
	"github.com/topicdesk/topicdesk/actors/internal/cluster"
	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/storage/sqlite"
)

// patience is how long only a failing test waits.
const patience = 30 * time.Second

func TestMain(m *testing.M) {
	flag.Parse()
	_ = flag.Set("test.parallel", "8") // those that run in parallel do nothing but wait
	os.Exit(m.Run())
}

// bench is etcd, a store, and the nodes of a test.
type bench struct {
	t     testing.TB
	etcd  *etcdtest.Server
	urls  []string        // of etcd, for the next node; nil: the server's
	login cluster.Etcd    // how the next node logs in there
	ends  context.Context // of the next node's start; nil: it does not
	store storage.Store
	tls   func(addr string) *cluster.TLS
}

func newBench(t testing.TB) *bench { return newBenchOf(t, etcdtest.Start(t)) }

func newBenchOf(t testing.TB, etcd *etcdtest.Server) *bench {
	b := &bench{t: t, etcd: etcd, tls: func(string) *cluster.TLS { return nil }}
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "desk.db"), sqlite.WithoutSync())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	b.store = store
	return b
}

// node is one node, with a kind of entity that says on which node it is.
type node struct {
	*entity.Node
	b       *bench
	addr    string
	env     *entity.Env
	place   *cluster.Cluster
	fenced  chan string
	drained chan struct{} // has one when somebody has asked it to leave
	asleep  *atomic.Int64 // how far its wall clock is ahead

	mu    sync.Mutex
	heard []string // what nobody waited for, in order
	once  sync.Once
}

const kindEcho = "echo"

// echo replies to a Reply with the address of its node as the reason; for "large N" with so many bytes.
type echo struct {
	*entity.Host
	n *node
}

func (e *echo) Load() error   { return nil }
func (e *echo) Resume() error { return nil }
func (e *echo) Idle() bool    { return true }

func (e *echo) onReply(m *messages.Reply) (proto.Message, error) {
	if size, large := strings.CutPrefix(m.Reason, "large "); large {
		n, _ := strconv.Atoi(size)
		return &messages.Reply{Code: messages.Code_OK, Reason: strings.Repeat("x", n)}, nil
	}
	return &messages.Reply{Code: messages.Code_OK, Reason: e.n.addr}, nil
}

func (e *echo) onPerson(m *messages.Person) error {
	e.n.mu.Lock()
	defer e.n.mu.Unlock()
	e.n.heard = append(e.n.heard, e.ID+"/"+m.Username)
	return nil
}

func (b *bench) node(addr string) *node {
	b.t.Helper()
	n, err := b.try(addr)
	if err != nil {
		b.t.Fatal(err)
	}
	return n
}

// way is how the next node reaches etcd.
func (b *bench) way() cluster.Etcd {
	way := b.login
	if way.Endpoints = b.urls; b.urls == nil {
		way.Endpoints = []string{b.etcd.URL}
	}
	return way
}

func (b *bench) try(addr string) (*node, error) {
	n := &node{b: b, addr: addr, fenced: make(chan string, 1), drained: make(chan struct{}, 1)}
	log := slog.New(slog.DiscardHandler)
	if os.Getenv("DESK_LOG") != "" {
		log = slog.New(slog.NewTextHandler(os.Stderr, nil)).With("node", addr)
	}
	var err error
	n.place, err = cluster.New(cluster.Options{Name: "test", Addr: addr, TLS: b.tls(addr), Log: log,
		Etcd: b.way(), Fenced: func(reason string) { n.fenced <- reason },
		GiveUp: b.ends, Drain: func() { n.drained <- struct{}{} }})
	if err != nil {
		return nil, err
	}
	n.asleep = n.place.Asleep()
	if n.env, err = entity.NewEnv(entity.EnvOptions{Store: b.store, Owner: addr, Log: log}); err != nil {
		return nil, err
	}
	n.Node, err = entity.Start(n.env, entity.NodeOptions{Placement: n.place}, &entity.Kind{
		Name:     kindEcho,
		New:      func(h *entity.Host) entity.Entity { return &echo{h, n} },
		Messages: []entity.Handler{entity.Replies((*echo).onReply), entity.Takes((*echo).onPerson)},
	})
	if err != nil {
		return nil, err
	}
	b.t.Cleanup(n.stop)
	err = n.Hear(func(m proto.Message) proto.Message {
		if _, asked := m.(*messages.GetNodeStatus); asked {
			return n.Status()
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return n, n.Join(b.t.Context())
}

func (n *node) stop() { n.end((*entity.Node).Leave) }

// giveUp ends a node that could not join.
func (n *node) giveUp() { n.end(func(*entity.Node, context.Context) error { return nil }) }

func (n *node) end(leave func(*entity.Node, context.Context) error) {
	n.once.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_ = leave(n.Node, ctx)
		n.env.Cancel()
		_ = n.Stop(ctx)
	})
}

// ask asks an entity, again and again, until somebody accepts.
func (n *node) ask(id string, m *messages.Reply) *messages.Reply {
	n.b.t.Helper()
	var reply *messages.Reply
	n.b.eventually("the entity "+id+" answers", func() (accepted bool) {
		var err error
		reply, err = n.tryAsk(id, m)
		return err == nil && reply.Code != messages.Code_NOT_OWNER
	})
	return reply
}

func (n *node) tryAsk(id string, m *messages.Reply) (*messages.Reply, error) {
	reply, err := n.Request(n.b.t.Context(), kindEcho, id, m, time.Second)
	if err != nil {
		return nil, err
	}
	r, ok := reply.(*messages.Reply)
	if !ok {
		return nil, fmt.Errorf("replied with %T", reply)
	}
	return r, nil
}

// placed says on which node each of 200 entities is, as n sees it.
func (n *node) placed() map[string]int {
	n.b.t.Helper()
	nodes := map[string]int{}
	for i := range 200 {
		nodes[n.ask("e"+strconv.Itoa(i), &messages.Reply{}).Reason]++
	}
	return nodes
}

func (b *bench) eventually(what string, cond func() bool) {
	b.t.Helper()
	look, inVain := time.NewTicker(20*time.Millisecond), time.After(patience)
	defer look.Stop()
	for !cond() {
		select {
		case <-inVain:
			b.t.Fatal("never came: " + what)
		case <-look.C:
		}
	}
}

// on finds an entity that a node has.
func (n *node) on(owner *node) string {
	n.b.t.Helper()
	for i := range 1000 {
		if id := "on" + strconv.Itoa(i); owner.Owns(kindEcho, id) {
			return id
		}
	}
	n.b.t.Fatal("it has none")
	return ""
}
