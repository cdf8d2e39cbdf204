package mongotest_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// formerCommit made MongoDB's schema 8, and is older than what nodes say to each other when they hand shards over.
const formerCommit = "a7ff2ee047075cedd5eb4e972ba1bdcb32835104"

// formerProgram builds the program of a former commit, unless DESK_FORMER names one.
func formerProgram(t *testing.T) string {
	if program := os.Getenv("DESK_FORMER"); program != "" {
		return program
	}
	if !long() {
		t.Skip("DESK_FORMER names no program of a former release, and one is built with TOPICDESK_LONG=1 only")
	}
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed, so no former release can be built; DESK_FORMER may name its program")
	}
	git := func(args ...string) ([]byte, error) {
		return exec.Command("git", append([]string{"-C", "../../.."}, args...)...).CombinedOutput()
	}
	if out, err := git("cat-file", "-e", formerCommit+"^{commit}"); err != nil {
		t.Skipf("this clone does not have the commit %s (it is shallow?), so no former release can be built; DESK_FORMER may name its program: %s",
			formerCommit, out)
	}
	tree := filepath.Join(t.TempDir(), "former")
	if out, err := git("worktree", "add", "--detach", tree, formerCommit); err != nil {
		t.Fatalf("git worktree: %v\n%s", err, out)
	}
	t.Cleanup(func() {
		if out, err := git("worktree", "remove", "--force", tree); err != nil {
			t.Errorf("git worktree: %v\n%s", err, out)
		}
	})
	program := filepath.Join(t.TempDir(), "topicdesk")
	build := exec.Command("go", "build", "-buildvcs=false", "-o", program, "./cmd/topicdesk")
	build.Dir = tree
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("the former release can't be built: %v\n%s", err, out)
	}
	return program
}

// TestClusterUpgrades has people talk and a program change tickets while the nodes of a former release are replaced by today's one
// after the other, and while one goes back to it.
func TestClusterUpgrades(t *testing.T) { // not parallel: it measures
	former := formerProgram(t)
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
