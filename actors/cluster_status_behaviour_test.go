//go:build !race

package actors_test

import (
	"slices"
	"testing"

	"github.com/topicdesk/topicdesk/actors"
	"github.com/topicdesk/topicdesk/messages"
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
