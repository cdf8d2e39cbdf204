package main

import (
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	httpedge "github.com/topicdesk/topicdesk/http"
	"github.com/topicdesk/topicdesk/view"
)

// TestClusterStatus: a desk on one node is a table of one.
func TestClusterStatus(t *testing.T) {
	d := wake(t)
	addr := freeAddr(t)
	for name, value := range d.settings("HTTP_ADDR", addr) {
		t.Setenv(name, value)
	}
	if _, _, err := topicdesk(t, "cluster", "status"); err == nil || !strings.Contains(err.Error(), "HTTP_ADDR") {
		t.Errorf("without a service: %v", err)
	}
	r, err := runApp(t, d.config("HTTP_ADDR", addr), io.Discard)
	d.must(err)
	var got struct{ Nodes []httpedge.Node }
	d.await(func() string { return "it polls" }, func() bool {
		d.poke()
		out, _, err := topicdesk(t, "cluster", "status", "--json")
		d.must(err)
		d.must(json.Unmarshal([]byte(out), &got))
		return len(got.Nodes) == 1 && len(got.Nodes[0].Leases) == 1
	})
	n := got.Nodes[0]
	if n.Addr != "" || n.Shards != 256 || n.Entities == 0 || !n.Polls || n.Since == nil || n.Trouble != nil ||
		!strings.HasPrefix(n.Leases[0].Entity, "poller/") || n.Leases[0].Epoch != 1 {
		t.Errorf("%+v", n)
	}
	out, _, err := topicdesk(t, "cluster", "status")
	d.must(err)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != 2 || !strings.HasPrefix(lines[0], "NODE") || !strings.Contains(lines[1], "(alone)") ||
		!strings.Contains(lines[1], "poller/") || !strings.Contains(lines[1], "(epoch 1)") {
		t.Errorf("%s", out)
	}
	if _, _, err := topicdesk(t, "cluster", "drain"); err == nil || !strings.Contains(err.Error(), "CLUSTER_PROVIDER is single") {
		t.Errorf("drain: %v", err)
	}
	d.must(r.stop())
}

// TestPrintNodes: a node that does not answer is named with the reason.
func TestPrintNodes(t *testing.T) {
	t.Parallel()
	since, trouble := view.Time{Time: time.Date(2026, 11, 2, 9, 30, 0, 0, time.UTC)}, "it does not answer"
	var out strings.Builder
	err := printNodes(&out, []httpedge.Node{
		{Addr: "10.0.0.1:7070", Since: &since, Version: "1.4.0", Shards: 140, Entities: 12, CallsPerSecond: 28,
			Leases: []httpedge.Lease{{Entity: "budget/telegram", Epoch: 3}, {Entity: "poller/7", Epoch: 12}}},
		{Addr: "10.0.0.2:7070", Trouble: &trouble},
		{Addr: "10.0.0.3:7070", Since: &since, Version: "1.4.0", Shards: 116, CallsPerSecond: 1},
	})
	const want = `NODE           SINCE                    SHARDS  ENTITIES  CALLS/S  LEASES                                          VERSION
10.0.0.1:7070  2026-11-02 09:30:00 UTC  140     12        28       budget/telegram (epoch 3), poller/7 (epoch 12)  1.4.0
10.0.0.2:7070  -                        -       -         -        -                                               it does not answer
10.0.0.3:7070  2026-11-02 09:30:00 UTC  116     0         1        -                                               1.4.0
`
	if err != nil || out.String() != want {
		t.Errorf("%v\n%s", err, out.String())
	}
}
