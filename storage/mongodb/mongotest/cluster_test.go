package mongotest_test

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/actors/etcdtest"
)

// TestClusterLosesNothing has three real nodes over one database and one etcd meet what happens to nodes, while people
// talk. After each: nothing is lost, the order is kept, few copies come again, traffic flows on in time, and every event
// is delivered and fed.

// trouble is something that happens to a node, or to all.
type trouble struct {
	what string
	node *node // nil: none, or each
	// repeats is how many copies may come again.
	repeats int
	// within is how soon the tickets that had something on the node flow on; others do within a second.
	within time.Duration
	// outage: all may wait until it is over, from then on within counts.
	outage bool
	// asks: a program asks the API meanwhile, and none of its requests fails.
	asks bool
}

const (
	hard   = 10 // repeats, of a node that dies
	gentle = 3  // of one that stops or joins
	others = time.Second
	moving = 10 * time.Second
	ofCut  = 15 * time.Second
)

// How many tickets there are, and the pause between two messages of each. FerretDB carries out one command after the other, so it
// has few; a real server has 60 tickets and 60 messages a second, or as many as DESK_TICKETS and DESK_RATE say.
func tickets() int {
	switch {
	case realURI() != "":
		return load("DESK_TICKETS", 60, 1)
	case long():
		return 12
	}
	return 4
}

func pace() time.Duration {
	if realURI() != "" {
		return time.Duration(tickets()) * time.Second / time.Duration(load("DESK_RATE", 60, 1))
	}
	return forms(1200*time.Millisecond, 4*time.Second)
}

// edits is with every how many messages somebody edits another one, besides; 0: never.
func edits() int { return load("DESK_EDITS", 5, 0) }

// load is a number that the environment may set, from least on.
func load(name string, otherwise, least int) int {
	n, err := strconv.Atoi(cmp.Or(os.Getenv(name), strconv.Itoa(otherwise)))
	if err != nil || n < least {
		panic(fmt.Sprintf("%s must be a number from %d on", name, least))
	}
	return n
}

func (d *desks) within(limit time.Duration, cond func() bool) bool {
	look, inVain := time.NewTicker(20*time.Millisecond), time.After(limit)
	defer look.Stop()
	for !cond() {
		select {
		case <-inVain:
			return false
		case <-look.C:
		}
	}
	return true
}

// has says whether a node has something of a ticket, while these nodes are there.
func (l *line) has(t *testing.T, nodes []*node, n *node) bool {
	var addrs []string
	for _, other := range nodes {
		addrs = append(addrs, other.peers)
	}
	return slices.ContainsFunc(l.entities, func(e [2]string) bool {
		return etcdtest.Owner(t, addrs, e[0], e[1]) == n.peers
	})
}

// victim is the node, of the first so many, without which the most tickets go on.
func (d *desks) victim(of int) *node {
	free := func(n *node) (count int) {
		for _, l := range d.lines {
			if !l.has(d.T, d.nodes, n) {
				count++
			}
		}
		return count
	}
	return slices.MaxFunc(d.nodes[:of], func(a, b *node) int { return free(a) - free(b) })
}

// long says whether the long form is asked for.
func long() bool { return os.Getenv("TOPICDESK_LONG") != "" }

func forms(short, whole time.Duration) time.Duration {
	if long() {
		return whole
	}
	return short
}

func (d *desks) wait(t time.Duration) { d.within(t, func() bool { return false }) }

func (d *desks) join(n *node) {
	d.Helper()
	n.start()
	d.await(n.http+" is ready", n.ready)
}

// joins has another process come in place of one that has ended.
func (d *desks) joins(n *node) {
	d.Helper()
	d.meet(trouble{what: "a node joins", node: n, repeats: gentle, within: moving, asks: true}, func() { d.join(n) })
}

// killed has a node die.
func (d *desks) killed(n *node) {
	d.Helper()
	d.meet(trouble{what: "SIGKILL", node: n, repeats: hard, within: moving}, func() { n.end(kill) })
	d.joins(n)
}

// stopped has a node end by SIGTERM.
func (d *desks) stopped(n *node) {
	d.Helper()
	d.meet(trouble{what: "SIGTERM", node: n, repeats: gentle, within: moving, asks: true}, func() { d.leaves(n) })
	d.joins(n)
}

// leaves has a node end by SIGTERM, and looks at how it does.
func (d *desks) leaves(n *node) {
	d.Helper()
	watched := d.watch(n)
	if status := n.end(term); status != 0 {
		d.fault(watched.asked, "it ended with %d", status)
	}
	watched.judge()
}

// drained has a node end because another one's command line asks it to.
func (d *desks) drained(n *node) {
	d.Helper()
	d.meet(trouble{what: "topicdesk cluster drain", node: n, repeats: gentle, within: moving, asks: true}, func() {
		n.expected()
		watched := d.watch(n)
		if said := d.command(d.other(n), "cluster", "drain", "--node", n.peers); !strings.Contains(said, n.peers+" has left") {
			d.Errorf("the command says %q", said)
		}
		if status := n.ended("it was asked to leave"); status != 0 {
			d.fault(watched.asked, "it ended with %d", status)
		}
		watched.judge()
	})
	d.joins(n)
}

// other is another node than n.
func (d *desks) other(n *node) *node {
	return d.nodes[slices.IndexFunc(d.nodes, func(other *node) bool { return other != n })]
}

// paused has a node be frozen, and go on.
func (d *desks) paused(n *node) {
	d.Helper()
	ends, away := n.ends.Load(), forms(8*time.Second, 20*time.Second)
	d.meet(trouble{what: fmt.Sprintf("SIGSTOP for %v", away), node: n, repeats: hard, within: moving}, func() {
		n.signal(syscall.SIGSTOP)
		d.wait(away)
		n.signal(syscall.SIGCONT)
		d.fenced(n, ends)
	})
}

// cutOff has the third node be cut off from the others and etcd: in polling mode the one that polls.
func (d *desks) cutOff() {
	d.Helper()
	n := d.nodes[2]
	if d.mode == "polling" && d.awaitNodes(d.nodes[0]) != n {
		d.Error("another node polls than the one that is cut off, so this proves nothing about two that poll")
	}
	ends, away := n.ends.Load(), forms(9*time.Second, 20*time.Second)
	d.meet(trouble{what: fmt.Sprintf("a node is cut off for %v", away), node: n, repeats: hard, within: ofCut}, func() {
		d.net.cut(true)
		d.wait(away)
		d.net.cut(false)
		d.fenced(n, ends)
	})
}

// etcdAway has etcd restart.
func (d *desks) etcdAway() {
	d.Helper()
	away := forms(5*time.Second, 20*time.Second)
	d.meet(trouble{what: fmt.Sprintf("etcd is away for %v", away), repeats: gentle, within: moving, outage: true}, func() {
		d.etcd.Stop()
		d.wait(away)
		d.etcd.Again()
	})
}

// storeAway has MongoDB's server be away.
func (d *desks) storeAway() {
	d.Helper()
	away := forms(5*time.Second, 20*time.Second)
	d.meet(trouble{what: fmt.Sprintf("MongoDB is away for %v", away), repeats: hard, within: moving, outage: true}, func() {
		d.server.Away(true)
		d.wait(away)
		d.server.Away(false)
	})
}

// restarted has every node restarted, one after the other, while a program changes and reads the tickets: through a balancer
// none of its requests fails.
func (d *desks) restarted() {
	d.Helper()
	d.meet(trouble{what: "every node is restarted", repeats: gentle * len(d.nodes), within: moving, asks: true}, func() {
		for _, n := range d.nodes {
			d.leaves(n)
			d.join(n)
		}
	})
}

// scene is one case: what happens to a desk of its own, since FerretDB is the slower the more there is.
type scene struct {
	name   string
	brief  bool // the short form has it too
	secure bool // the nodes talk by mutual TLS
	cut    bool // a node is cut off
	happen func(d *desks)
}

// play has each scene happen, and prints what came of them.
func play(t *testing.T, mode string, scenes []scene) {
	var all []figures
	for _, x := range scenes {
		if !x.brief && !long() {
			continue
		}
		t.Run(x.name, func(t *testing.T) {
			began := time.Now()
			var signs *etcdtest.Authority
			if x.secure {
				signs = etcdtest.NewAuthority(t)
			}
			d := newDesks(t, mode, signs)
			if x.cut && d.net == nil {
				t.Skip("no node is cut off") // newNetwork says why
			}
			d.begin(tickets())
			if signs != nil {
				for _, n := range d.nodes {
					guards(t, signs, n.peers)
				}
			}
			x.happen(d)
			d.awaitNodes(d.nodes[0])
			all = append(all, d.figures...)
			t.Logf("the case took %v", rounded(time.Since(began)))
		})
	}
	if long() {
		t.Log(table(mode, all))
	}
}

func TestClusterLosesNothing(t *testing.T) { // not parallel: it measures
	play(t, "webhook", []scene{
		{name: "kill and drain", brief: true, happen: func(d *desks) {
			d.killed(d.victim(3))
			d.drained(d.victim(3))
		}},
		{name: "pause", brief: true, happen: func(d *desks) { d.paused(d.victim(2)) }},
		{name: "stop", happen: func(d *desks) { d.stopped(d.victim(3)) }},
		{name: "restart", happen: (*desks).restarted},
		{name: "cut", cut: true, happen: func(d *desks) {
			d.cutOff()
			d.restarted()
		}},
		{name: "etcd", happen: (*desks).etcdAway},
		{name: "store", happen: (*desks).storeAway},
	})
}

// TestClusterLosesNothingWhenItPolls has the node that polls die and be paused, and the rest of what happens to nodes.
func TestClusterLosesNothingWhenItPolls(t *testing.T) { // not parallel: it measures
	play(t, "polling", []scene{
		{name: "etcd", brief: true, secure: true, happen: (*desks).etcdAway},
		{name: "store", happen: (*desks).storeAway},
		{name: "kill", happen: func(d *desks) { d.killed(d.awaitNodes(d.nodes[0])) }},
		{name: "pause", happen: func(d *desks) { d.paused(d.awaitNodes(d.nodes[0])) }},
		{name: "cut", brief: true, cut: true, happen: (*desks).cutOff},
	})
}

// TestClusterStartsTogether has four nodes start together on an empty database: none ends, and they become one desk.
func TestClusterStartsTogether(t *testing.T) {
	rounds := 1
	if long() {
		rounds = 5
	}
	for range rounds {
		d := desksAt(t, "polling", nil, nil, loopback(4))
		d.together()
		for _, n := range d.nodes {
			d.awaitNodes(n)
		}
		for _, n := range d.nodes {
			n.end(kill)
		}
	}
}
