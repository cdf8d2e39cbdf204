package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/cluster"
	"go.etcd.io/etcd/api/v3/mvccpb"
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
	begun  func()                             // called when Proto.Actor runs, so that it is to be ended
	joined func(asked instant, them []member) // called when the own key is there; asked is when the lease was asked for
	noted  func(members []member)             // called before Proto.Actor is told of them
	now    func() instant

	cluster *cluster.Cluster
	self    member
	renewal renewal
	created int64         // revision in which the own key was made
	changed chan struct{} // has one when the members have changed, or may have
	asked   atomic.Bool   // to leave (drain.go)
	start   context.Context
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
	// HandsOver says that its version hands shards over, and answers whether it has (entity, move.go).
	HandsOver bool `json:"handsOver"`

	key     string
	created int64 // revision in which the key was made
}

// etcdWithin is how long one request to etcd may take.
const etcdWithin = 2 * time.Second

// newProvider makes a provider. Its start ends with ctx.
func newProvider(ctx context.Context, o Options, client *clientv3.Client) *provider {
	p := &provider{etcd: client, prefix: o.nodesKey(), o: o, start: ctx, changed: make(chan struct{}, 1)}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	return p
}

// StartMember implements cluster.ClusterProvider. What it has done when it fails, Shutdown takes back.
func (p *provider) StartMember(c *cluster.Cluster) error {
	p.begun()
	p.cluster = c
	// Not the id of the actor system, by which gossip would judge who lives: nodes that can't reach each other, but etcd,
	// would each take the other's shards over.
	p.self = member{ID: c.Config.Name + "@" + c.ActorSystem.ID, Addr: p.o.Addr, Kinds: c.GetClusterKinds(), Started: time.Now(),
		HandsOver: true}
	ctx, cancel := context.WithTimeout(p.start, dialWithin)
	defer cancel()
	asked := p.now()
	lease, err := p.etcd.Grant(ctx, int64(leaseTTL/time.Second))
	if err != nil {
		return p.o.failed("take a lease", err)
	}
	p.renewal = renewal{etcd: p.etcd, lease: lease.ID}
	members, err := p.enter(ctx)
	if err != nil {
		return err
	}
	p.joined(asked, members)
	p.loops.Go(p.watch)
	if p.o.Drain != nil {
		p.loops.Go(p.awaitDrain)
	}
	return nil
}

// StartClient implements cluster.ClusterProvider. All nodes are members.
func (p *provider) StartClient(*cluster.Cluster) error {
	return fmt.Errorf("a node that is no member is not supported")
}

// enter writes the own key, and returns the members. It deletes the keys of former processes at the same address: whoever
// listens there has outlived them. So the others learn of the end and of the start together; when they learnt of the end
// later, they would cut off the new process.
func (p *provider) enter(ctx context.Context) ([]member, error) {
	value, err := json.Marshal(p.self)
	if err != nil {
		return nil, err
	}
	for {
		before, err := p.etcd.Get(ctx, p.prefix, clientv3.WithPrefix())
		if err != nil {
			return nil, p.o.failed("read the members", err)
		}
		var changes []clientv3.Op
		for _, m := range p.parse(before.Kvs) {
			if m.Addr == p.o.Addr {
				changes = append(changes, clientv3.OpDelete(m.key))
			}
		}
		changes = append(changes, clientv3.OpPut(p.prefix+p.self.ID, string(value), clientv3.WithLease(p.renewal.lease)),
			clientv3.OpGet(p.prefix, clientv3.WithPrefix()))
		unchanged := clientv3.Compare(clientv3.ModRevision(p.prefix), "<", before.Header.Revision+1).WithPrefix()
		written, err := p.etcd.Txn(ctx).If(unchanged).Then(changes...).Commit()
		if err != nil {
			return nil, p.o.failed("write the own key", err)
		}
		if !written.Succeeded {
			continue // somebody else came in between
		}
		p.created = written.Header.Revision
		return newest(p.parse(written.Responses[len(changes)-1].GetResponseRange().Kvs)), nil
	}
}

// newest are the members without those that another one at the same address has outlived.
func newest(all []member) (members []member) {
	at := map[string]int{}
	for _, m := range all {
		i, known := at[m.Addr]
		switch {
		case !known:
			at[m.Addr] = len(members)
			members = append(members, m)
		case m.created > members[i].created:
			members[i] = m
		}
	}
	return members
}

// look renews the lease, reads the members and tells the cluster of them. lost says why this node is no member any more.
func (p *provider) look(ctx context.Context) (lost string, err error) {
	renew, cancel := context.WithTimeout(ctx, lookWithin)
	err = p.renewal.renew(renew)
	cancel()
	if errors.Is(err, errEnded) {
		return leaseEnded, nil
	} else if err != nil {
		return "", err
	}
	ask, cancel := context.WithTimeout(ctx, lookWithin)
	defer cancel()
	members, err := p.read(ask)
	if err != nil {
		return "", err
	}
	for _, m := range members {
		if m.Addr != p.o.Addr {
			continue
		}
		if m.ID != p.self.ID {
			return fmt.Sprintf("another node has come to its address %s: each needs a CLUSTER_ADDR of its own", m.Addr), nil
		}
		if m.created == p.created {
			p.publish(members)
			return "", nil
		}
	}
	return leaseEnded, nil
}

const leaseEnded = "others have taken its shards over: its lease in etcd has ended"

// publish tells the cluster who its members are.
func (p *provider) publish(members []member) {
	all := make(cluster.Members, 0, len(members))
	for _, m := range members {
		host, port, err := splitAddr(m.Addr)
		if err != nil {
			p.o.Log.Error("cluster: a member's address can't be read", "member", m.ID, "error", err)
			continue
		}
		all = append(all, &cluster.Member{Id: m.ID, Host: host, Port: int32(port), Kinds: m.Kinds})
	}
	p.noted(members)
	p.cluster.MemberList.UpdateClusterTopology(all)
}

func (p *provider) read(ctx context.Context) ([]member, error) {
	answer, err := p.etcd.Get(ctx, p.prefix, clientv3.WithPrefix())
	if err != nil {
		return nil, p.o.failed("read the members", err)
	}
	return newest(p.parse(answer.Kvs)), nil
}

func (p *provider) parse(all []*mvccpb.KeyValue) (members []member) {
	for _, kv := range all {
		m := member{key: string(kv.Key), created: kv.CreateRevision}
		if err := json.Unmarshal(kv.Value, &m); err != nil {
			p.o.Log.Error("cluster: a member can't be read", "key", string(kv.Key), "error", err)
			continue
		}
		members = append(members, m)
	}
	return members
}

// watch has the members read at once whenever one comes or goes. What it misses, the next look finds.
func (p *provider) watch() {
	for p.ctx.Err() == nil {
		for range p.etcd.Watch(clientv3.WithRequireLeader(p.ctx), p.prefix, clientv3.WithPrefix()) {
			select {
			case p.changed <- struct{}{}:
			default:
			}
		}
		select {
		case <-p.ctx.Done():
		case <-time.After(keyEvery):
		}
	}
}

// Shutdown implements cluster.ClusterProvider. The fence has ended before.
func (p *provider) Shutdown(bool) (err error) {
	p.once.Do(func() {
		p.cancel()
		p.loops.Wait()
		p.renewal.end()
		if p.renewal.lease == clientv3.NoLease {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), etcdWithin)
		defer cancel()
		if p.asked.Load() {
			p.sayLeft(ctx)
		}
		if _, err = p.etcd.Revoke(ctx, p.renewal.lease); err != nil {
			err = fmt.Errorf("etcd: give the lease back: %w", err)
		}
	})
	return err
}
