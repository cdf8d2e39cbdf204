package cluster

import (
	"context"
	"fmt"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// A node is asked to leave by a key in etcd that bears its id, so that a later process at the same address is not meant.

// drainAsked is how long a request to leave stays in etcd, in seconds.
const drainAsked = 60

func (o Options) drainKey(id string) string { return o.keys() + "drain/" + id }

// Values of the key. Whoever asks writes the address; the node writes that it leaves, so that a node which was killed
// meanwhile is not taken for one that has left.
const leftInPeace = "left"

// Drain asks the node at an address to leave, and returns when it has.
func Drain(ctx context.Context, o Options, addr string) error {
	addr, err := canonical(addr)
	if err != nil {
		return err
	}
	client, err := o.reach(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	p := newProvider(ctx, o, client)
	asked := ""
	for {
		members, err := p.membersWithin(ctx)
		if err != nil {
			return err
		}
		var addrs []string
		id := ""
		for _, m := range members {
			addrs = append(addrs, m.Addr)
			if m.Addr == addr {
				id = m.ID
			}
		}
		switch {
		case asked == "" && id == "":
			return fmt.Errorf("there is no node at %s; there are %s", addr, strings.Join(addrs, ", "))
		case asked == "":
			lease, err := client.Grant(ctx, drainAsked)
			if err != nil {
				return o.failed("take a lease", err)
			}
			if _, err := client.Put(ctx, o.drainKey(id), addr, clientv3.WithLease(lease.ID)); err != nil {
				return o.failed("write the request", err)
			}
			asked = id
		case id != asked:
			return p.howItEnded(ctx, asked, addr)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the node at %s has not left yet: %w", addr, ctx.Err())
		case <-time.After(keyEvery):
		}
	}
}

// howItEnded is nil when a node that was asked has left.
func (p *provider) howItEnded(ctx context.Context, id, addr string) error {
	answer, err := p.etcd.Get(ctx, p.o.drainKey(id))
	if err != nil {
		return p.o.failed("read the request", err)
	}
	if len(answer.Kvs) == 0 || string(answer.Kvs[0].Value) != leftInPeace {
		return fmt.Errorf("the node at %s has ended without leaving: it was killed, or fenced; see its log", addr)
	}
	return nil
}

func (p *provider) membersWithin(ctx context.Context) ([]member, error) {
	ctx, cancel := context.WithTimeout(ctx, dialWithin)
	defer cancel()
	return p.read(ctx)
}

// awaitDrain calls Drain when somebody asks this node to leave.
func (p *provider) awaitDrain() {
	for p.ctx.Err() == nil {
		if p.isAsked() {
			p.asked.Store(true)
			p.o.Drain()
			return
		}
		select {
		case <-p.ctx.Done():
		case <-time.After(keyEvery):
		}
	}
}

// isAsked waits until somebody asks this node to leave, or already has. It is false when etcd does not answer any more.
func (p *provider) isAsked() bool {
	ctx, cancel := context.WithCancel(clientv3.WithRequireLeader(p.ctx))
	defer cancel()
	key := p.o.drainKey(p.self.ID)
	before, err := p.etcd.Get(ctx, key)
	if err != nil {
		return false
	}
	if len(before.Kvs) > 0 {
		return true
	}
	for change := range p.etcd.Watch(ctx, key, clientv3.WithRev(before.Header.Revision+1)) {
		for _, e := range change.Events {
			if e.Type == clientv3.EventTypePut {
				return true
			}
		}
	}
	return false
}

// sayLeft tells whoever asked that this node leaves.
func (p *provider) sayLeft(ctx context.Context) {
	if _, err := p.etcd.Put(ctx, p.o.drainKey(p.self.ID), leftInPeace, clientv3.WithIgnoreLease()); err != nil {
		p.o.Log.Warn("cluster: whoever asked this node to leave is not told that it does", "error", err)
	}
}
