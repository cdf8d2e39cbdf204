//go:build !race

package actors_test

import (
	"slices"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/actors"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// leases are what a node says of which node has which lease, once each node has told.
func (d *desk) leases(p *process) (by map[string]*messages.NodeLease, on map[string]string, nodes []string) {
	d.t.Helper()
	by, on = map[string]*messages.NodeLease{}, map[string]string{}
	for _, n := range p.system.Nodes(d.t.Context()) {
		if n.Trouble != "" {
			d.t.Log(n.Addr + ": " + n.Trouble)
		}
		nodes = append(nodes, n.Addr)
		for _, l := range n.Leases {
			if by[l.Entity] != nil {
				d.t.Errorf("%s is on %s and on %s", l.Entity, on[l.Entity], n.Addr)
			}
			by[l.Entity], on[l.Entity] = l, n.Addr
		}
	}
	return by, on, nodes
}

// TestClusterNodesTellTheirLeases: each node knows where the poller and the budget are, with their epochs, which grow when another
// node takes them over.
func TestClusterNodesTellTheirLeases(t *testing.T) {
	const limit = 30
	o := clustered(t)
	o.pace = actors.Pace{GlobalPerSecond: limit}
	d := ready(t, o)
	second := d.joins("second")
	defer func() { second.stop(t) }()
	const poller, budget = "poller/bot", "budget/telegram"
	settled := func(p *process, count int) (map[string]*messages.NodeLease, map[string]string) {
		t.Helper()
		var by map[string]*messages.NodeLease
		var on map[string]string
		d.eventually("the nodes tell both leases", func() bool {
			var nodes []string
			by, on, nodes = d.leases(p)
			return len(nodes) == count && slices.IsSorted(nodes) && by[poller] != nil && by[budget] != nil
		})
		return by, on
	}
	by, on := settled(d.process, 2)
	others, onOthers := settled(second, 2)
	for entity, l := range by {
		if l.Epoch == 0 || l.SinceMs == 0 || others[entity].GetEpoch() != l.Epoch || onOthers[entity] != on[entity] {
			t.Errorf("%s: %v on %s, the second node says %v on %s", entity, l, on[entity], others[entity], onOthers[entity])
		}
	}
	d.eventually("the calls per second are shared out", func() bool {
		total := int64(0)
		for _, n := range second.system.Nodes(t.Context()) {
			total += n.CallsPerSecond
		}
		if total > limit {
			t.Errorf("the shares are %d together, %d are allowed", total, limit)
		}
		return total == limit
	})
	first := d.process
	d.process = second
	first.stop(t)
	after, onAfter := settled(second, 1)
	for entity, l := range by {
		moved := on[entity] != onAfter[entity]
		if grown := after[entity].Epoch > l.Epoch; grown != moved {
			t.Errorf("%s: its epoch was %d on %s, and is %d on %s", entity, l.Epoch, on[entity], after[entity].Epoch, onAfter[entity])
		}
	}
}

// TestClusterTakesOverWithinASweep: what came from a node that has left does not wait until all is woken that was pending here.
func TestClusterTakesOverWithinASweep(t *testing.T) {
	const pending = 12_000 // a node wakes 1,000 in a second, and each has half of them
	o := clustered(t)
	o.sweepEvery = time.Second
	d := ready(t, o)
	second := d.joins("second")
	defer func() { second.stop(t) }()
	var on map[string]string
	d.eventually("a node polls", func() bool {
		_, on, _ = d.leases(d.process)
		return on["poller/bot"] != ""
	})
	leaves, stays := d.process, second
	if on["poller/bot"] != nodeAddr(1) {
		leaves, stays = second, d.process
	}
	long := time.Now().Add(-time.Hour)
	records := make([]any, pending)
	for i := range records {
		n := itoa(i)
		records[i] = &storage.Ticket{
			TicketID: messages.TicketID("pending "+n, int64(i)), ShortID: n, Title: n, Status: "open", Priority: "normal",
			CreatedBy: storage.Creator{Kind: "user", ID: "1"}, GroupID: messages.GroupPlace(d.support), Language: "en",
			CreatedAt: long, UpdatedAt: long, LastMessageAt: long, DueAt: long, CardRevision: 1, LinksRevision: 1,
			Home: storage.Topic{TopicID: "home", GroupID: messages.GroupPlace(d.support), TelegramTopicID: 1_000_000 + int64(i), Name: n,
				CardMessageID: 1, CardRevision: 1, Pinned: true, Introduced: true},
			Version: 1,
		}
	}
	d.must(stays.store.(storage.Dumper).Load(t.Context(), records))
	woken := func() float64 { return stays.metric(t, "sweep_woken_total") }
	before := woken()
	d.eventually("a sweep has begun", func() bool { return woken() > before })
	d.process, second = stays, stays
	leaves.stop(t)
	left := time.Now()
	d.eventually("the other node polls", stays.system.Polls)
	t.Logf("it polls %v later, while %v are woken", time.Since(left).Round(time.Millisecond), woken()-before)
	if got := woken() - before; got >= pending/2 {
		t.Errorf("it polls only when %v are woken", got)
	}
}
