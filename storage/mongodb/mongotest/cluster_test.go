package mongotest_test

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"sync"
	"sync/atomic"
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
}

const (
	hard   = 10 // repeats, of a node that dies
	gentle = 3  // of one that stops or joins
	others = time.Second
	moving = 10 * time.Second
	ofCut  = 15 * time.Second
)

// pace is the pause between two messages of a ticket.
const pace = 1000 * time.Millisecond

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

// meet has people talk while something happens, and looks at what came of it. f returns when it is over.
func (d *desks) meet(x trouble, f func()) {
	d.Helper()
	before := d.arrived()
	d.balancer.chatsMet(x.node)
	touched := map[*line]bool{}
	for _, l := range d.lines {
		touched[l] = x.node == nil || l.has(d.T, d.nodes, x.node)
	}
	stop := make(chan struct{})
	var talking sync.WaitGroup
	talking.Go(func() {
		for again := time.NewTicker(pace); ; {
			d.talk()
			select {
			case <-stop:
				again.Stop()
				return
			case <-again.C:
			}
		}
	})
	d.wait(3 * pace)
	began := time.Now()
	usual := d.slowest(began)
	f()
	if x.outage {
		began = time.Now()
	}
	d.wait(time.Until(began.Add(3 * pace))) // so that something is said afterwards
	close(stop)
	talking.Wait()
	again := d.arrived() - before
	delivered, fed := d.events.arrived()
	met, refused, slowest := d.balancer.chatsMet(x.node)
	var last, lastOther time.Duration // beyond what is usual on this machine, with this store
	free := 0
	for _, l := range d.lines {
		flows := max(l.flowed(began)-usual, 0)
		if touched[l] || met[l.home] {
			last = max(last, flows)
		} else {
			free++
			lastOther = max(lastOther, flows)
		}
	}
	round := func(t time.Duration) time.Duration { return t.Round(10 * time.Millisecond) }
	d.Logf("%s: flows on after %v (a copy takes %v at most); %d tickets that were not touched after %v; came again: %d copies; in all %d deliveries, %d of the feed; "+
		"%d updates were answered 503, after %v at most", x.what, round(last), round(usual), free, round(lastOther), again, delivered, fed, refused, round(slowest))
	if again > x.repeats {
		d.Errorf("%s: %d came again, want %d at most", x.what, again, x.repeats)
	}
	if !long() { // which has the machine to itself
		return
	}
	if last > x.within {
		d.Errorf("%s: flows on after %v, want %v at most", x.what, last, x.within)
	}
	if lastOther > others && setting(d.nodes[0].env, "TELEGRAM_MODE") == "webhook" { // all need the poller

		d.Errorf("%s: tickets that were not touched flow on after %v, want %v at most", x.what, lastOther, others)
	}
	if slowest > refusedWithin {
		d.Errorf("%s: an update was refused after %v, want %v at most", x.what, slowest, refusedWithin)
	}
}

// refusedWithin is how long an update waits for its shard, and some time for the machine.
const refusedWithin = 2*time.Second + 300*time.Millisecond

// slowest is how long the copies took that came before a moment, at most, of the messages of the last few seconds.
func (d *desks) slowest(before time.Time) (slowest time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, l := range d.lines {
		for word, came := range l.came {
			if came.Before(before) && l.said[word].After(before.Add(-3*pace)) {
				slowest = max(slowest, came.Sub(l.said[word]))
			}
		}
	}
	return slowest
}

// flowed is how long after a moment the first copy came of what was said from then on, or was not there yet.
func (l *line) flowed(since time.Time) (after time.Duration) {
	after = -1
	for _, word := range l.words {
		if l.came[word].Before(since) {
			continue
		}
		from := since
		if l.said[word].After(since) {
			from = l.said[word]
		}
		if wait := l.came[word].Sub(from); after < 0 || wait < after {
			after = wait
		}
	}
	return after
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

// killed has a node die, and another process come in its place.
func (d *desks) killed(n *node) {
	d.Helper()
	d.meet(trouble{what: "SIGKILL", node: n, repeats: hard, within: moving}, func() { n.end(kill) })
	d.meet(trouble{what: "a node joins", repeats: gentle, within: moving}, func() { d.join(n) })
}

// stopped has a node end by SIGTERM.
func (d *desks) stopped(n *node) {
	d.Helper()
	d.meet(trouble{what: "SIGTERM", node: n, repeats: gentle, within: moving}, func() {
		if status := n.end(term); status != 0 {
			d.Errorf("it ended with %d", status)
		}
	})
	d.meet(trouble{what: "a node joins", repeats: gentle, within: moving}, func() { d.join(n) })
}

// paused has a node be frozen, and go on.
func (d *desks) paused(n *node) {
	d.Helper()
	ends, away := n.ends.Load(), forms(8*time.Second, 20*time.Second)
	d.meet(trouble{what: fmt.Sprintf("SIGSTOP for %v", away), node: n, repeats: hard, within: moving}, func() {
		n.signal(syscall.SIGSTOP)
		d.wait(away)
		n.signal(syscall.SIGCONT)
		d.await("it has fenced itself", func() bool { return n.ends.Load() == ends+1 })
	})
	d.await("it is ready", n.ready)
}

// cutOff has the third node be cut off from the others and etcd.
func (d *desks) cutOff() {
	d.Helper()
	if d.net == nil {
		d.Log("no node is cut off") // newNetwork says why
		return
	}
	n := d.nodes[2]
	ends, away := n.ends.Load(), forms(12*time.Second, 20*time.Second)
	d.meet(trouble{what: fmt.Sprintf("a node is cut off for %v", away), node: n, repeats: hard, within: ofCut}, func() {
		d.net.cut(true)
		d.wait(away)
		d.net.cut(false)
		d.await("it has fenced itself", func() bool { return n.ends.Load() == ends+1 })
	})
	d.await("it is ready", n.ready)
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
	d.meet(trouble{what: "every node is restarted", repeats: gentle * len(d.nodes), within: moving}, func() {
		stop := make(chan struct{})
		var asking sync.WaitGroup
		var asked atomic.Int32
		asking.Go(func() {
			for again := time.NewTicker(pace / 2); ; {
				l := d.lines[int(asked.Load())%len(d.lines)]
				for _, call := range []struct {
					method string
					body   any
				}{{http.MethodGet, nil}, {http.MethodPatch, map[string]any{"priority": []string{"low", "high"}[asked.Load()%2]}}} {
					if status, answer := d.events.call(d.Context(), call.method, "/tickets/"+l.ticket, call.body); status != http.StatusOK {
						d.Errorf("%s of %s: %d %s", call.method, l.title, status, answer)
					}
				}
				asked.Add(1)
				select {
				case <-stop:
					again.Stop()
					return
				case <-again.C:
				}
			}
		})
		for _, n := range d.nodes {
			if status := n.end(term); status != 0 {
				d.Errorf("it ended with %d", status)
			}
			d.join(n)
		}
		close(stop)
		asking.Wait()
		d.Logf("%d reads and as many changes meanwhile", asked.Load())
	})
}

func TestClusterLosesNothing(t *testing.T) { // not parallel: it measures
	d := newDesks(t, "webhook")
	d.begin(4)
	d.killed(d.victim(3))
	d.paused(d.victim(2))
	if long() {
		d.stopped(d.victim(3))
		d.restarted()
		d.cutOff()
		d.etcdAway()
		d.storeAway()
	}
	d.awaitNodes(3, false)
}

// TestClusterLosesNothingWhenItPolls has the node that polls die, and be cut off, and etcd restart. In the short form etcd
// restarts only.
func TestClusterLosesNothingWhenItPolls(t *testing.T) { // not parallel: it measures
	d := newDesks(t, "polling")
	d.begin(3)
	d.etcdAway()
	if long() {
		poller := d.awaitNodes(3, true)
		d.killed(d.nodes[slices.IndexFunc(d.nodes, func(n *node) bool { return n.peers == poller })])
		d.paused(d.nodes[0])
		d.cutOff()
	}
	d.awaitNodes(3, true)
}
