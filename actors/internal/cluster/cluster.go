package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/asynkron/protoactor-go/cluster"
	"github.com/asynkron/protoactor-go/cluster/identitylookup/disthash"
	"github.com/asynkron/protoactor-go/remote"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/topicdesk/topicdesk/actors/internal/entity"
)

// Options are what a node needs to be one of several. All but the TLS and the etcd user are required.
type Options struct {
	Name string // of the cluster
	Addr string // host:port where the other nodes reach this one
	TLS  *TLS   // nil: unencrypted

	Etcd Etcd

	// Fenced is called once when this node must not go on: end the process. It may return; nothing here works then.
	Fenced func(reason string)
	// Drain is called once when somebody asks this node to leave (Drain). nil: nobody can.
	Drain func()
	// GiveUp ends a Join that is under way when it ends. nil: nothing does but the context of Join.
	GiveUp context.Context
	Log    *slog.Logger
}

const (
	kind = "shard"

	// leaseTTL is how long the others wait for a node that is silent before they take its shards over, and so also how long
	// etcd may be away without anybody's shards moving.
	leaseTTL = 5 * time.Second
	// suspendAfter is how long a node that can't reach etcd keeps its shards, from when it last asked for its lease. Others
	// take them over no earlier than leaseTTL after that.
	suspendAfter = 3 * time.Second
	// dialWithin is how long etcd may take to answer at the start.
	dialWithin = 5 * time.Second
)

// Cluster is this node's part of the cluster (entity.Placement).
type Cluster struct {
	o Options

	system   *actor.ActorSystem
	cluster  *cluster.Cluster
	provider *provider
	moved    func()
	fence    *fence

	mu        sync.RWMutex
	etcd      *clientv3.Client // nil until it has been reached
	members   []*cluster.Member
	former    formers
	handsOver map[string]bool // which members do, by address
	started   bool
	owners    atomic.Pointer[[entity.Shards]string]
	leaving   atomic.Bool
	fenced    atomic.Bool
	seen      atomic.Pointer[instant] // since when the lease lasts, at least; the members were read after that
	now       func() instant
	closed    context.Context
	closeOnce sync.Once
	close     context.CancelFunc
}

var _ entity.Placement = (*Cluster)(nil)

// New prepares a node. Join makes it a member.
func New(o Options) (_ *Cluster, err error) {
	if o.Addr, err = canonical(o.Addr); err != nil {
		return nil, err
	}
	if _, err := o.Etcd.config(); err != nil {
		return nil, err
	}
	c := &Cluster{o: o, now: now}
	c.closed, c.close = context.WithCancel(context.Background())
	c.owners.Store(&[entity.Shards]string{})
	c.seen.Store(&instant{})
	return c, nil
}

// Join implements entity.Placement. It returns when this node and the others know of each other.
func (c *Cluster) Join(ctx context.Context, m entity.Member) (err error) {
	if c.o.GiveUp != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(c.o.GiveUp, cancel)()
	}
	client, err := c.o.reach(ctx) // Proto.Actor would wait for etcd without end
	if err != nil {
		return err
	}
	c.mu.Lock()
	c.etcd = client
	c.mu.Unlock()
	host, port, err := splitAddr(c.o.Addr)
	if err != nil {
		return err
	}
	server, dial, err := c.o.TLS.options()
	if err != nil {
		return err
	}
	server = append(server, guards(c.o.Log)...)
	c.system, c.moved = m.System, m.Moved
	c.fence = newFence(c)
	c.provider = newProvider(ctx, c.o, client)
	c.provider.begun, c.provider.joined, c.provider.noted, c.provider.now = c.begun, c.fence.begin, c.noted, c.now
	wire := remote.Configure(host, port, remote.WithAdvertisedHost(c.o.Addr), remote.WithServerOptions(server...),
		remote.WithDialOptions(dial...), remote.WithEndpointWriterBatchSize(batchAtMost),
		remote.WithEndpointWriterQueueSize(queueAtFirst), remote.WithEndpointManagerQueueSize(queueAtFirst))
	wire.MaxRetryCount = 1 // 5, the default, keeps what is sent to a dead node waiting for 10 s
	config := cluster.Configure(c.o.Name, c.provider, disthash.New(), wire, cluster.WithKinds(cluster.NewKind(kind, m.Shard)))
	config.GossipInterval = time.Second // nothing hangs on it
	c.cluster = cluster.New(c.system, config)
	c.system.EventStream.Subscribe(c.onTopology)
	return c.start(ctx)
}

// start starts the member. Where Proto.Actor panics it returns an error.
func (c *Cluster) start(ctx context.Context) (err error) {
	// Proto.Actor would panic in the middle of its start.
	listener, err := net.Listen("tcp", c.o.Addr)
	if err != nil {
		return fmt.Errorf("can't listen on CLUSTER_ADDR: %w", err)
	}
	_ = listener.Close()
	defer func() {
		if r := recover(); r != nil {
			if cause, ok := r.(error); ok {
				err = fmt.Errorf("the cluster can't be joined: %w", cause)
			} else {
				err = fmt.Errorf("the cluster can't be joined: %v", r)
			}
		}
	}()
	c.cluster.StartMember()
	return ctx.Err()
}

// begun notes that there is something to leave and to end.
func (c *Cluster) begun() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.started = true
}

// onTopology takes the members as they are now.
func (c *Cluster) onTopology(event any) {
	topology, ok := event.(*cluster.ClusterTopology)
	if !ok {
		return
	}
	owners := Place(topology.Members)
	c.mu.Lock()
	if c.members == nil { // this node has joined the others, who had everything
		c.former.note(c.o.Addr, Place(others(topology.Members, c.o.Addr)), owners)
	} else {
		c.former.note(c.o.Addr, c.owners.Load(), owners)
	}
	c.members = topology.Members
	c.mu.Unlock()
	c.owners.Store(owners)
	for _, m := range topology.Joined {
		c.o.Log.Info("cluster: a node has joined", "node", m.Address(), "nodes", len(topology.Members))
	}
	for _, m := range topology.Left {
		c.o.Log.Info("cluster: a node has left", "node", m.Address(), "nodes", len(topology.Members))
	}
	c.moved()
}

// Place says which of the members has each shard: the same on each node, and in Proto.Actor.
func Place(members cluster.Members) *[entity.Shards]string {
	rendezvous, owners := cluster.NewRendezvous(), &[entity.Shards]string{}
	rendezvous.UpdateMembers(members)
	for shard := range owners {
		owners[shard] = rendezvous.GetByClusterIdentity(identity(shard))
	}
	return owners
}

func identity(shard int) *cluster.ClusterIdentity {
	return cluster.NewClusterIdentity(strconv.Itoa(shard), kind)
}

// Number implements entity.Placement.
func (c *Cluster) Number(ctx actor.ExtensionContext) int {
	n, err := strconv.Atoi(cluster.GetClusterIdentity(ctx).GetIdentity())
	if err != nil || n < 0 || n >= entity.Shards {
		return -1 // nobody's: nothing is done in its name
	}
	return n
}

// Owner implements entity.Placement.
func (c *Cluster) Owner(shard int) string {
	owner := ""
	if shard >= 0 {
		owner = c.owners.Load()[shard]
	}
	if owner == c.o.Addr && (c.leaving.Load() || !c.Sure()) {
		return ""
	}
	return owner
}

// Sure implements entity.Placement. It goes by the clock, so that it is right at once when a paused process goes on.
func (c *Cluster) Sure() bool {
	return !c.fenced.Load() && c.now().since(*c.seen.Load()) < suspendAfter
}

// Self implements entity.Placement.
func (c *Cluster) Self() string { return c.o.Addr }

// Find implements entity.Placement. It asks the owner itself: Proto.Actor's own way holds a lock for as long as a dead
// node does not answer, which for 5 s keeps this node from learning that it is dead.
func (c *Cluster) Find(shard int, timeout time.Duration) *actor.PID {
	owner := c.Owner(shard)
	if owner == "" {
		select {
		case <-c.closed.Done():
		case <-time.After(min(timeout, ownerless)):
		}
		return nil
	}
	activator := actor.NewPID(owner, disthash.PartitionActivatorActorName)
	request := &cluster.ActivationRequest{ClusterIdentity: identity(shard)}
	future := c.system.Root.RequestFuture(activator, request, timeout)
	stop := context.AfterFunc(c.closed, func() { c.system.Root.Stop(future.PID()) })
	_ = future.Wait()
	if !stop() {
		return nil // a late reply may still be written into the future: don't read it
	}
	reply, err := future.Result()
	if err != nil {
		return nil
	}
	if response, ok := reply.(*cluster.ActivationResponse); ok && !response.Failed {
		return response.Pid
	}
	return nil
}

// ownerless is the pause before a shard that nobody has is looked for again.
const ownerless = 100 * time.Millisecond

// Others implements entity.Placement.
func (c *Cluster) Others() []string {
	c.mu.RLock()
	defer c.mu.RUnlock()
	var addrs []string
	for _, m := range others(c.members, c.o.Addr) {
		addrs = append(addrs, m.Address())
	}
	return addrs
}

// Leave implements entity.Placement.
func (c *Cluster) Leave(ctx context.Context) error {
	c.leaving.Store(true)
	c.mu.RLock()
	started := c.started
	c.mu.RUnlock()
	if !started {
		return nil
	}
	c.fence.end()
	left := make(chan error, 1)
	go func() { left <- c.provider.Shutdown(true) }()
	select {
	case err := <-left:
		if err != nil {
			return fmt.Errorf("leave the cluster: %w", err)
		}
	case <-ctx.Done():
		return fmt.Errorf("leave the cluster: %w", errors.Join(ctx.Err(), errors.New("the others notice it within "+leaseTTL.String())))
	}
	return nil
}

// Left implements entity.Placement.
func (c *Cluster) Left() {
	c.mu.RLock()
	defer c.mu.RUnlock()
	c.owners.Store(Place(others(c.members, c.o.Addr)))
}

// Close implements entity.Placement.
func (c *Cluster) Close() {
	c.closeOnce.Do(func() {
		c.close()
		c.mu.Lock()
		started, etcd := c.started, c.etcd
		c.started = false
		c.mu.Unlock()
		c.leaving.Store(true)
		if started {
			c.fence.end()
			if err := c.provider.Shutdown(false); err != nil {
				c.o.Log.Warn("cluster: the others notice that this node has left within "+leaseTTL.String(), "error", err)
			}
			c.cluster.IdentityLookup.Shutdown()
			c.cluster.Gossip.Shutdown()
			c.cluster.Remote.Shutdown(false)
		}
		if etcd != nil {
			_ = etcd.Close()
		}
	})
}
