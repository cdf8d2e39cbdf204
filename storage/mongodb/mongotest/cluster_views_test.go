package mongotest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// member is a node as the command line, the API and the probe show it.
type member struct {
	Addr             string // its CLUSTER_ADDR
	Shards, Entities int
	Polls            bool
}

// all are the members in one text.
func all(members []member) string {
	var b strings.Builder
	for _, m := range members {
		fmt.Fprintf(&b, "%+v ", m)
	}
	return b.String()
}

// awaitNodes waits until all nodes show the same by each way: each node by its CLUSTER_ADDR, with all shards among them, and one that polls
// in polling mode. It returns that one. The command line is that of one node.
func (d *desks) awaitNodes(from *node) (poller *node) {
	d.Helper()
	var members []member
	views := map[string]string{}
	if !d.within(patience, func() bool {
		members = d.members(from.http, "/api/v1/monitoring/nodes")
		if !d.complete(members) {
			views["the API of "+from.http] = all(members)
			return false
		}
		for _, n := range d.nodes {
			views["the API of "+n.http] = all(d.members(n.http, "/api/v1/monitoring/nodes"))
			views["the probe of "+n.http] = all(d.members(n.http, "/readyz?verbose"))
		}
		if !same(views, all(members)) {
			return false
		}
		var listed struct{ Nodes []member }
		must(d.T, json.Unmarshal([]byte(d.command(from, "cluster", "status", "--json")), &listed))
		views["the command line of "+from.http] = all(listed.Nodes)
		if !same(views, all(members)) {
			delete(views, "the command line of "+from.http) // it is asked last, and again
			return false
		}
		return true
	}) {
		d.Fatalf("waited in vain for one picture of %d nodes: %v", len(d.nodes), views)
	}
	for _, n := range d.nodes {
		if slices.ContainsFunc(members, func(m member) bool { return m.Polls && m.Addr == n.peers }) {
			poller = n
		}
	}
	return poller
}

func same(views map[string]string, want string) bool {
	for _, got := range views {
		if got != want {
			return false
		}
	}
	return true
}

// complete says whether these are all nodes, by their CLUSTER_ADDR, with all shards.
func (d *desks) complete(members []member) bool {
	shards, entities, polls := 0, 0, 0
	for _, m := range members {
		if !slices.ContainsFunc(d.nodes, func(n *node) bool { return n.peers == m.Addr }) {
			return false
		}
		shards, entities = shards+m.Shards, entities+m.Entities
		if m.Polls {
			polls++
		}
	}
	return len(members) == len(d.nodes) && shards == 256 && entities > 0 && (polls == 1) == (d.mode == "polling") && polls < 2
}

// members are the nodes that a node shows at a path; nil: it does not answer.
func (d *desks) members(host, path string) []member {
	r, err := http.NewRequestWithContext(d.Context(), http.MethodGet, "http://"+host+path, nil)
	must(d.T, err)
	r.Header.Set("Authorization", "Bearer "+d.key())
	answer, err := (&http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
	if err != nil {
		return nil
	}
	defer func() { _ = answer.Body.Close() }()
	var got struct{ Nodes []member }
	if text, err := io.ReadAll(answer.Body); err != nil || json.Unmarshal(text, &got) != nil {
		return nil
	}
	return got.Nodes
}

// key is an API key that may do all; the first call makes it.
func (d *desks) key() string {
	d.Helper()
	if d.events.key == "" {
		said := strings.TrimSpace(d.command(d.nodes[0], "apikey", "create", "--name", "test", "--scopes", "admin"))
		d.events.key = said[strings.LastIndex(said, "\n")+1:]
	}
	return d.events.key
}
