package entity

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/tracing"
)

// Shards is how many shards a node has. It never changes: the shard of an entity must not depend on the version that a
// node runs.
const Shards = 256

// Node is the shards of this process, with the entities in them. It knows of a kind only what the kind declares.
type Node struct {
	env        *Env
	kinds      map[string]*Kind
	idle       time.Duration
	perShard   int
	system     *actor.ActorSystem
	dispatcher *dispatcher
	mailbox    actor.MailboxProducer // of entities
	shards     [Shards]*actor.PID    // in a cluster the ways to them

	entities  atomic.Int64 // resident
	leases    sync.Map     // of those that the desk has once, by kind/identity: *messages.NodeLease
	placement Placement    // nil: this node is alone
	left      atomic.Bool  // its cluster, in peace
	onMoved   []func()
	notices   *actor.PID // nil: none are heard
	mu        sync.Mutex
	resident  map[*actor.PID]func() // the shards that run here, in a cluster, and what is to be done at the end of each
	againSoon atomic.Bool           // enqueueAgainSoon is under way
	gained    [Shards]time.Time     // since when this node has each, in a cluster; zero: it does not
	running   [Shards]int           // actors of each that run here, in a cluster
	// waiters wait until this node has let go of a shard: who asked last, by the address.
	waiters [Shards]map[string]*actor.PID
}

// NodeOptions bound what is resident on a node.
type NodeOptions struct {
	IdleAfter   time.Duration // an entity that gets no message for so long retires; 10 minutes when 0
	MaxResident int           // entities; the least recently used retire first; 20,000 when 0
	Placement   Placement     // of a node of a cluster; nil: this node is alone
}

// Start starts the shards. Stop ends them. After an error nothing runs. A node of a cluster has none before Join.
func Start(env *Env, o NodeOptions, kinds ...*Kind) (*Node, error) {
	if o.IdleAfter == 0 {
		o.IdleAfter = 10 * time.Minute
	}
	if o.MaxResident == 0 {
		o.MaxResident = 20_000
	}
	n := &Node{
		env: env, kinds: map[string]*Kind{}, dispatcher: newDispatcher(),
		idle: o.IdleAfter, perShard: max(1, (o.MaxResident+Shards-1)/Shards),
		placement: o.Placement, resident: map[*actor.PID]func(){},
		mailbox: actor.Unbounded(mailboxDepth{env.Metrics.mailbox}),
	}
	for _, k := range kinds {
		if n.kinds[k.Name] != nil {
			return nil, fmt.Errorf("actors: the kind %s is declared twice", k.Name)
		}
		if err := k.ready(); err != nil {
			return nil, err
		}
		if k.Children != nil {
			k.supervisor = k.Children(env)
		}
		n.kinds[k.Name] = k
		env.Metrics.begin(k.Name)
	}
	env.node = n
	n.system = actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger {
		return slog.New(lower{env.Log.Handler()}).With("lib", "protoactor")
	}))
	if n.placement != nil {
		// Proto.Actor numbers the questions of each process from 0, and a reply finds its question by address and number. A
		// late reply to a process that ended must not answer a question of the one that followed it at its address.
		n.system.ProcessRegistry.SequenceID = rand.Uint64N(1 << 62)
	}
	for i := range n.shards {
		producer := func() actor.Actor { return newShard(n) }
		if n.placement != nil {
			producer = func() actor.Actor { return &way{node: n, number: i} }
		}
		pid, err := n.Spawn(fmt.Sprintf("shard-%d", i), producer, actor.WithSupervisor(entitySupervision(env)))
		if err != nil {
			n.shutdown()
			return nil, err
		}
		n.shards[i] = pid
	}
	return n, nil
}

// Join makes a node of a cluster a member. Until then what it sends to entities waits. A node alone has nothing to join.
func (n *Node) Join(ctx context.Context, onMoved ...func()) error {
	if n.placement == nil {
		return nil
	}
	n.onMoved = onMoved
	return n.placement.Join(ctx, Member{
		System: n.system, Moved: n.moved,
		Shard: actor.PropsFromProducer(func() actor.Actor { return newShard(n) },
			actor.WithSupervisor(entitySupervision(n.env)), actor.WithDispatcher(n.dispatcher), handOverFirst()),
	})
}

// Spawn starts an actor that is not an entity, such as a reader.
func (n *Node) Spawn(name string, producer actor.Producer, options ...actor.PropsOption) (*actor.PID, error) {
	options = append(options, actor.WithDispatcher(n.dispatcher))
	pid, err := n.system.Root.SpawnNamed(actor.PropsFromProducer(producer, options...), name)
	if err != nil {
		return nil, fmt.Errorf("actors: %s: %w", name, err)
	}
	return pid, nil
}

// Tell sends a message to an entity (see Env.Tell).
func (n *Node) Tell(kind, identity string, m proto.Message) { n.tell(kind, identity, m, nil) }

func (n *Node) tell(kind, identity string, m proto.Message, because *tracing.Mark) {
	n.system.Root.Send(n.shardOf(kind, identity), envelope{kind: kind, identity: identity, message: m, mark: because})
}

// Request asks an entity once and waits for its reply, as long as ctx and timeout allow.
func (n *Node) Request(
	ctx context.Context, kind, identity string, command proto.Message, timeout time.Duration,
) (any, error) {
	shard, began := n.shardOf(kind, identity), time.Now()
	reply, err := n.request(ctx, shard, envelope{kind: kind, identity: identity, message: command, mark: n.env.markOf(ctx)}, timeout)
	if n.placement == nil {
		return reply, err
	}
	if err == nil {
		reply, err = inbound(reply)
	}
	if !n.Owns(kind, identity) {
		n.env.Metrics.noteRemote(reply, err, time.Since(began))
	}
	refused, ok := reply.(*messages.Reply)
	if err != nil && ctx.Err() == nil || ok && refused.Code == messages.Code_NOT_OWNER {
		n.system.Root.Send(shard, look{silent: true}) // the next try goes to whoever has the shard then
	}
	return reply, err
}

// RequestTo asks an actor of this node once and waits for its reply, as long as ctx and timeout allow.
func (n *Node) RequestTo(ctx context.Context, pid *actor.PID, m proto.Message, timeout time.Duration) (any, error) {
	return n.request(ctx, pid, withMark(m, n.env.markOf(ctx)), timeout)
}

func (n *Node) request(ctx context.Context, pid *actor.PID, m any, timeout time.Duration) (any, error) {
	if err := cmp.Or(n.env.Ctx.Err(), ctx.Err()); err != nil {
		return nil, err
	}
	future := n.system.Root.RequestFuture(pid, m, timeout)
	stop := context.AfterFunc(ctx, func() { n.system.Root.Stop(future.PID()) })
	_ = future.Wait()
	if !stop() {
		return nil, ctx.Err() // a late reply may still be written into the future: don't read it
	}
	return future.Result()
}

// Tick has the shards retire entities that are idle.
func (n *Node) Tick() {
	for _, pid := range n.here() {
		n.system.Root.Send(pid, tick{})
	}
}

// Idle is how long an entity stays resident without a message.
func (n *Node) Idle() time.Duration { return n.idle }

// Barrier returns when every entity has handled what was in its mailbox when Barrier was called. A shard that has left
// meanwhile holds nobody up.
func (n *Node) Barrier(ctx context.Context) error {
	futures := make(map[string]actor.Future, Shards)
	for _, pid := range n.here() {
		f := n.system.Root.RequestFuture(pid, shardBarrier{}, TimeLeft(ctx))
		futures[pid.Id] = f
		defer n.atItsEnd(pid, func() { n.system.Root.Send(f.PID(), barrier{}) })()
	}
	for id, f := range futures {
		if err := f.Wait(); err != nil && !errors.Is(err, actor.ErrDeadLetter) {
			return fmt.Errorf("actors: %s is still busy: %w", id, err)
		}
	}
	return nil
}

// Stop stops the shards with their entities, and the other actors; then it shuts the actor system down. It waits no
// longer than ctx allows. A node of a cluster has left it before, with Leave.
func (n *Node) Stop(ctx context.Context, others ...*actor.PID) error {
	err := n.stop(ctx, n.here()) // in a cluster their ways outlive them
	if n.placement != nil {
		n.farewell(ctx)
		others = slices.Concat(others, n.shards[:])
	}
	if n.notices != nil {
		others = append(others, n.notices)
	}
	err = errors.Join(err, n.stop(ctx, others))
	n.shutdown()
	return err
}

// stop stops actors, and returns when they have ended.
func (n *Node) stop(ctx context.Context, pids []*actor.PID) error {
	stops := make([]actor.Future, len(pids))
	for i, pid := range pids {
		stops[i] = n.system.Root.PoisonFuture(pid)
	}
	stopped := make(chan error, 1)
	go func() {
		var err error
		for i, stop := range stops {
			if e := stop.Wait(); e != nil {
				err = errors.Join(err, fmt.Errorf("actors: %s did not stop: %w", pids[i].Id, e))
			}
		}
		stopped <- err
	}()
	select {
	case err := <-stopped:
		return err
	case <-ctx.Done():
		return fmt.Errorf("actors: not all stopped: %w", ctx.Err())
	}
}

func (n *Node) shutdown() {
	if n.placement != nil {
		n.placement.Close()
	}
	n.system.Shutdown()
	n.dispatcher.close()
}

// TimeLeft is how long ctx allows; 10 s when it sets no limit.
func TimeLeft(ctx context.Context) time.Duration {
	deadline, limited := ctx.Deadline()
	if !limited {
		return 10 * time.Second
	}
	return max(time.Until(deadline), time.Millisecond) // a future with no time-out would wait forever
}

// shardOf finds the shard of an entity, in a cluster the way there.
func (n *Node) shardOf(kind, identity string) *actor.PID {
	return n.shards[ShardNumber(kind, identity)]
}

// ShardNumber is the number of an entity's shard. It is the same on every node and in every version.
func ShardNumber(kind, identity string) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(kind))
	_, _ = h.Write([]byte{'/'})
	_, _ = h.Write([]byte(identity))
	return int(h.Sum32() % Shards)
}
