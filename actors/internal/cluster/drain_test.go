//go:build !race

package cluster_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/actors/internal/cluster"
)

// drain asks the node at an address to leave.
func (b *bench) drain(addr string) error {
	ctx, cancel := context.WithTimeout(b.t.Context(), patience)
	defer cancel()
	way := b.way()
	way.Endpoints = []string{b.etcd.URL}
	return cluster.Drain(ctx, cluster.Options{Name: "test", Etcd: way}, addr)
}

// TestDrainBeforeTheNodeListens asks a node that can't read the request yet.
func TestDrainBeforeTheNodeListens(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	proxy, addr := b.etcd.Proxy(), "127.0.0.16:17171"
	b.urls = []string{proxy.URL}
	joining := make(chan *node, 1)
	go func() {
		n, err := b.try(addr)
		if err != nil {
			t.Error(err)
		}
		joining <- n
	}()
	b.etcd.Awaits("/topicdesk/test/nodes/")
	proxy.StallRequests()
	drained := make(chan error, 1)
	go func() { drained <- b.drain("127.0.0.16:017171") }()
	b.etcd.Awaits("/topicdesk/test/drain/")
	proxy.Resume()
	n := <-joining
	select {
	case <-n.drained:
	case <-time.After(patience):
		t.Fatal("it is not asked to leave")
	}
	n.stop()
	if err := <-drained; err != nil {
		t.Error(err)
	}
}

func TestDrainOfANodeThatIsKilled(t *testing.T) {
	if served(t) {
		return
	}
	t.Parallel()
	b := newBench(t)
	addr := "127.0.0.17:17171"
	p := b.process(addr)
	drained := make(chan error, 1)
	go func() { drained <- b.drain(addr) }()
	b.etcd.Awaits("/topicdesk/test/drain/")
	must(t, p.Process.Kill())
	if err := <-drained; err == nil || !strings.Contains(err.Error(), "has ended without leaving") {
		t.Error(err)
	}
}
