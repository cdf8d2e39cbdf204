//go:build !race

package actors_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/actors"
	"github.com/topicdesk/topicdesk/actors/etcdtest"
	"github.com/topicdesk/topicdesk/messages"
)

// These tests run without the race detector: a started cluster of Proto.Actor's always reports races of its own. The nodes
// are in one process, over one SQLite file; the real thing is in storage/mongodb/mongotest.

// clustered are the options of a desk of several nodes.
func clustered(t *testing.T) options {
	etcd := etcdtest.Start(t)
	var nodes atomic.Int32
	return options{speed: 1, cluster: func(string) *actors.ClusterOptions {
		return &actors.ClusterOptions{
			Name: "desk", Addr: nodeAddr(int(nodes.Add(1))),
			Etcd:   actors.ClusterEtcd{Endpoints: []string{etcd.URL}},
			Fenced: func(reason string) { t.Error("fenced: " + reason) },
		}
	}}
}

// nodeAddr is where the nth node listens for the others, from 1 on.
func nodeAddr(n int) string { return fmt.Sprintf("127.0.1.%d:17272", n) }

// joins starts another node.
func (d *desk) joins(owner string) *process {
	d.t.Helper()
	p := d.another(owner)
	d.must(p.system.StartPolling(d.t.Context(), "bot", polling{p}))
	return p
}

func TestClusterWorksAsOneDesk(t *testing.T) {
	d := ready(t, clustered(t))
	second := d.joins("second")
	defer second.stop(t)
	type pair struct {
		k    *ticket
		side int
	}
	var pairs []pair
	for i := range 8 {
		k := d.open(d.ann, d.support, fmt.Sprintf("Printer %d", i))
		pairs = append(pairs, pair{k, d.mention(d.ann, k, "@bob_eng", d.engineering)})
	}
	said := 0
	talk := func() {
		t.Helper()
		said++
		for i, p := range pairs {
			d.say(d.ann, d.support, p.k.thread, fmt.Sprintf("question %d.%d", said, i))
			d.say(d.bob, d.engineering, p.side, fmt.Sprintf("answer %d.%d", said, i))
		}
		for i, p := range pairs {
			d.awaitText(d.engineering, p.side, fmt.Sprintf("question %d.%d", said, i))
			d.awaitText(d.support, p.k.thread, fmt.Sprintf("answer %d.%d", said, i))
		}
	}
	talk()
	if a, b := d.process.metric(t, "cluster_shards"), second.metric(t, "cluster_shards"); a == 0 || b == 0 {
		t.Errorf("%v and %v shards", a, b)
	}
	first := d.process
	d.process = second
	first.stop(t)
	talk()
	third := d.joins("third")
	defer third.stop(t)
	talk()
	for i, p := range pairs {
		for n := 1; n <= said; n++ {
			d.copiedOnce(d.engineering, p.side, fmt.Sprintf("question %d.%d", n, i))
			d.copiedOnce(d.support, p.k.thread, fmt.Sprintf("answer %d.%d", n, i))
		}
	}
}

// copiedOnce wants a text once in a thread, by the bot.
func (d *desk) copiedOnce(chat int64, thread int, text string) {
	d.t.Helper()
	n := 0
	for _, m := range d.byBot(chat, thread) {
		if strings.HasSuffix(m.Text, text) {
			n++
		}
	}
	if n != 1 {
		d.t.Errorf("%q is there %d times", text, n)
	}
}

func TestClusterSharesTheCallsPerSecond(t *testing.T) {
	const limit, n = 12, 60
	o := clustered(t)
	d := ready(t, o)
	k := d.open(d.ann, d.support, "Printer")
	eng := d.mention(d.ann, k, "@bob_eng", d.engineering)
	d.stop()
	d.opt.pace = actors.Pace{GlobalPerSecond: limit}
	d.start()
	second := d.joins("second")
	defer second.stop(t)
	before := len(d.counted(0))
	long := strings.Repeat(" and so on", 300) // so that no two copies fit into one message
	say := func(from int) {
		for i := from; i < from+n; i++ {
			d.say(d.ann, d.support, k.thread, "question "+itoa(i)+"."+long)
			d.say(d.bob, d.engineering, eng, "answer "+itoa(i)+"."+long)
		}
		d.awaitText(d.engineering, eng, fmt.Sprintf("question %d.", from+n-1))
		d.awaitText(d.support, k.thread, fmt.Sprintf("answer %d.", from+n-1))
	}
	say(0)
	times := d.counted(0)[before:]
	if most := most(times, 950*time.Millisecond); most > limit { // the network may push two calls together
		t.Errorf("%d calls in a second, %d are allowed", most, limit)
	}
	// A machine that is too slow for the pace uses it in some second at least.
	took, ideal := times[len(times)-1].Sub(times[0]), 2*n*time.Second/limit
	if best := most(times, time.Second); took > 2*ideal && best < limit*3/4 {
		t.Errorf("%d calls took %v, the pace allows %v; in the best second there were %d", len(times), took, ideal, best)
	}
	first := d.process
	d.process = second
	first.stop(t)
	before = len(d.counted(0))
	say(n)
	times = d.counted(0)[before:]
	if most := most(times, 950*time.Millisecond); most > limit {
		t.Errorf("after a node has left: %d calls in a second, %d are allowed", most, limit)
	}
}

func TestClusterTellsEventsOnEveryNode(t *testing.T) {
	d := ready(t, clustered(t))
	second := d.joins("second")
	defer second.stop(t)
	heard := d.hears(&messages.WebhookSettings{Events: []string{"ticket.created"}}, nil)
	for n, p := range []*process{d.process, second} {
		woken, stop := p.system.WatchLog(&messages.LogFilter{Types: []string{"ticket.created"}})
		defer stop()
		d.open(d.ann, d.support, "Printer "+itoa(n))
		select {
		case <-woken:
		case <-time.After(patience):
			t.Fatal("a reader sleeps on")
		}
	}
	for n := range 6 {
		d.open(d.ann, d.support, "Scanner "+itoa(n))
	}
	d.eventually("all 8 are delivered", func() bool {
		heard.mu.Lock()
		defer heard.mu.Unlock()
		return len(heard.arrived) == 8
	})
	heard.mu.Lock()
	defer heard.mu.Unlock()
	for id, times := range heard.taken {
		if times != 1 {
			t.Errorf("%s is delivered %d times", id, times)
		}
	}
}
