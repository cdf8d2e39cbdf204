package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/cluster"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// provider tells Proto.Actor's cluster who its members are: those that have a key in etcd, which lives as long as its lease
// is renewed.
//
// Proto.Actor's own provider reads the members and only then begins to watch, without saying from which revision on. So of
// nodes that start together one may never learn of another, and both have the same shards. It also writes a key whose lease
// has ended anew, though by then the others have taken the shards over (docs/decisions.md, D138).
type provider struct {
	etcd   *clientv3.Client
	prefix string // of the keys of all members
	o      Options
	joined func() // called when the own key is there, before this node learns who has which shard

	cluster *cluster.Cluster
	key     string
	lease   clientv3.LeaseID
	created int64 // revision in which the key was made
	ctx     context.Context
	cancel  context.CancelFunc
	loops   sync.WaitGroup
	once    sync.Once
}

var _ cluster.ClusterProvider = (*provider)(nil)

// member is what a node writes of itself.
type member struct {
	ID      string    `json:"id"`
	Addr    string    `json:"addr"`
	Kinds   []string  `json:"kinds"`
	Started time.Time `json:"started"`
}

// etcdWithin is how long one request to etcd may take.
const etcdWithin = 2 * time.Second

func newProvider(o Options, client *clientv3.Client, joined func()) *provider {
	p := &provider{etcd: client, prefix: baseKey + "/" + o.Name + "/nodes/", o: o, joined: joined}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	return p
}

// StartMember implements cluster.ClusterProvider.
func (p *provider) StartMember(c *cluster.Cluster) error {
	p.cluster = c
	// Not the id of the actor system, by which gossip would judge who lives: nodes that can't reach each other, but etcd,
	// would each take the other's shards over.
	self := member{ID: c.Config.Name + "@" + c.ActorSystem.ID, Addr: p.o.Addr, Kinds: c.GetClusterKinds(), Started: time.Now()}
	p.key = p.prefix + self.ID
	value, err := json.Marshal(self)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(p.ctx, dialWithin)
	defer cancel()
	lease, err := p.etcd.Grant(ctx, int64(leaseTTL/time.Second))
	if err != nil {
		return fmt.Errorf("etcd: take a lease: %w", err)
	}
	p.lease = lease.ID
	written, err := p.etcd.Put(ctx, p.key, string(value), clientv3.WithLease(lease.ID))
	if err != nil {
		return fmt.Errorf("etcd: write the own key: %w", err)
	}
	p.created = written.Header.Revision
	p.joined()
	revision, err := p.publish(ctx)
	if err != nil {
		return err
	}
	p.loops.Go(p.renew)
	p.loops.Go(func() { p.watch(revision + 1) })
	if p.o.Drain != nil {
		p.loops.Go(func() { p.awaitDrain(p.o.Name, self.ID, p.o.Drain) })
	}
	return nil
}

// StartClient implements cluster.ClusterProvider. All nodes are members.
func (p *provider) StartClient(*cluster.Cluster) error {
	return fmt.Errorf("a node that is no member is not supported")
}

// renew keeps the lease alive. The client gives up when etcd was away for as long as the lease lasts, though etcd renews all
// leases when it comes back: so it begins again. Whether the lease has ended the fence finds out.
func (p *provider) renew() {
	for p.ctx.Err() == nil {
		if alive, err := p.etcd.KeepAlive(p.ctx, p.lease); err == nil {
			for range alive {
			}
		}
		select {
		case <-p.ctx.Done():
		case <-time.After(clockEvery):
		}
	}
}

// publish tells the cluster who its members are, and returns the revision in which they were.
func (p *provider) publish(ctx context.Context) (revision int64, err error) {
	members, revision, err := p.read(ctx)
	if err != nil {
		return 0, err
	}
	all := make(cluster.Members, 0, len(members))
	for _, m := range members {
		host, port, err := splitAddr(m.Addr)
		if err != nil {
			p.o.Log.Error("cluster: a member's address can't be read", "member", m.ID, "error", err)
			continue
		}
		all = append(all, &cluster.Member{Id: m.ID, Host: host, Port: int32(port), Kinds: m.Kinds})
	}
	p.cluster.MemberList.UpdateClusterTopology(all)
	return revision, nil
}

func (p *provider) read(ctx context.Context) (members []member, revision int64, err error) {
	answer, err := p.etcd.Get(ctx, p.prefix, clientv3.WithPrefix())
	if err != nil {
		return nil, 0, fmt.Errorf("etcd: read the members: %w", err)
	}
	for _, kv := range answer.Kvs {
		var m member
		if err := json.Unmarshal(kv.Value, &m); err != nil {
			p.o.Log.Error("cluster: a member can't be read", "key", string(kv.Key), "error", err)
			continue
		}
		members = append(members, m)
	}
	return members, answer.Header.Revision, nil
}

// watch publishes the members whenever one comes or goes, from a revision on.
func (p *provider) watch(from int64) {
	for p.ctx.Err() == nil {
		changes := p.etcd.Watch(clientv3.WithRequireLeader(p.ctx), p.prefix, clientv3.WithPrefix(), clientv3.WithRev(from))
		for change := range changes {
			if change.Err() != nil {
				break // of a revision that etcd has no more, or without a leader: read anew
			}
			if revision, err := p.publishSoon(); err == nil {
				from = max(from, revision+1)
			}
		}
		if revision, err := p.publishSoon(); err == nil {
			from = revision + 1
		} else if p.ctx.Err() == nil {
			p.o.Log.Warn("cluster: the members can't be read; tried again", "error", err)
			select {
			case <-p.ctx.Done():
			case <-time.After(keyEvery):
			}
		}
	}
}

func (p *provider) publishSoon() (int64, error) {
	ctx, cancel := context.WithTimeout(p.ctx, etcdWithin)
	defer cancel()
	return p.publish(ctx)
}

// Shutdown implements cluster.ClusterProvider.
func (p *provider) Shutdown(bool) (err error) {
	p.once.Do(func() {
		ctx, cancel := context.WithTimeout(p.ctx, etcdWithin)
		defer cancel()
		if _, err = p.etcd.Revoke(ctx, p.lease); err != nil {
			err = fmt.Errorf("etcd: give the lease back: %w", err)
		}
		p.cancel()
		p.loops.Wait()
	})
	return err
}
