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

func drainKey(name, id string) string { return baseKey + "/" + name + "/drain/" + id }

// Drain asks the node at an address to leave, and returns when it has.
func Drain(ctx context.Context, o Options, addr string) error {
	config, err := o.Etcd.config()
	if err != nil {
		return err
	}
	client, err := connect(config)
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
				return fmt.Errorf("etcd: %w", err)
			}
			if _, err := client.Put(ctx, drainKey(o.Name, id), addr, clientv3.WithLease(lease.ID)); err != nil {
				return fmt.Errorf("etcd: %w", err)
			}
			asked = id
		case id != asked:
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the node at %s has not left yet: %w", addr, ctx.Err())
		case <-time.After(keyEvery):
		}
	}
}

func (p *provider) membersWithin(ctx context.Context) ([]member, error) {
	ctx, cancel := context.WithTimeout(ctx, dialWithin)
	defer cancel()
	return p.read(ctx)
}

// awaitDrain calls Drain when somebody asks this node to leave.
func (p *provider) awaitDrain() {
	for p.ctx.Err() == nil {
		for change := range p.etcd.Watch(clientv3.WithRequireLeader(p.ctx), drainKey(p.o.Name, p.self.ID)) {
			for _, e := range change.Events {
				if e.Type == clientv3.EventTypePut {
					p.o.Drain()
					return
				}
			}
		}
		select {
		case <-p.ctx.Done():
		case <-time.After(keyEvery):
		}
	}
}
