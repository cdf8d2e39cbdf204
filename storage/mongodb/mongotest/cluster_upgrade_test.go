package mongotest_test

import (
	"os"
	"testing"
)

// TestClusterUpgrades has people talk and a program change tickets while the nodes of a former release, whose program DESK_FORMER
// names, are replaced by today's one after the other, and while one goes back to it.
func TestClusterUpgrades(t *testing.T) { // not parallel: it measures
	former := os.Getenv("DESK_FORMER")
	if former == "" {
		t.Skip("DESK_FORMER is not set: this test needs the path of a program of a former release")
	}
	d := newDesks(t, "webhook", nil)
	today := d.path
	for _, n := range d.nodes {
		n.program = former
	}
	d.begin(tickets())
	for _, n := range d.nodes {
		d.replaced(n, today)
	}
	d.replaced(d.nodes[1], former)
	d.replaced(d.nodes[1], today)
	d.awaitNodes(d.nodes[0])
}

// replaced has a node be stopped, and another program start in its place.
func (d *desks) replaced(n *node, program string) {
	d.Helper()
	what := "a node of today's release"
	if program != d.path {
		what = "a node of the former release"
	}
	d.meet(trouble{what: what + " in place of another", node: n, repeats: 2 * gentle, within: moving, asks: true}, func() {
		if status := n.end(term); status != 0 {
			d.Errorf("it ended with %d", status)
		}
		n.program = program
		d.join(n)
	})
}
