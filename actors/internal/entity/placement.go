package entity

import (
	"context"
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

// Placement is what a node needs of a cluster: the shards are on several nodes, each on one of them, and move when nodes
// come and go. While that happens nodes may disagree for a moment, so two of them may have started the same shard.
type Placement interface {
	// Join makes this node a member. From then on others send to its shards.
	Join(ctx context.Context, member Member) error
	// Number is the number of the shard whose actor has this context.
	Number(ctx actor.ExtensionContext) int
	// Owner is the address of the node that has a shard, as far as this node knows; "": none.
	Owner(shard int) string
	// Find asks the owner of a shard for the shard's actor, which starts if it has to. nil: there was no answer in time.
	Find(shard int, timeout time.Duration) *actor.PID
	// Former are the nodes that had a shard until a moment ago and may still be at it: members, as far as this node knows.
	Former(shard int) []string
	// Sure says whether this node knows that it is a member. When it does not, others may have its shards by now.
	Sure() bool
	// Self is the address of this node, Others are those of the others.
	Self() string
	Others() []string
	// Leave tells the others that this node has no shards any more. It is still reached, and answers that. Nobody has its
	// shards, as far as it says, until Left is called: from then on those do that have them without it.
	Leave(ctx context.Context) error
	Left()
	// Close ends what is left. Call it after Leave, or instead of it when the node can't leave in peace.
	Close()
}

// Member is what a node brings into a cluster.
type Member struct {
	System *actor.ActorSystem
	Shard  *actor.Props // makes the actor of a shard
	// Moved is called after each change of the owners.
	Moved func()
}

// owns says whether this node has a shard.
func (n *Node) owns(shard int) bool {
	return n.placement == nil || n.placement.Owner(shard) == n.system.Address()
}

// Owns says whether this node has the shard of an entity.
func (n *Node) Owns(kind, identity string) bool { return n.owns(ShardNumber(kind, identity)) }

// Shards says which shards this node has.
func (n *Node) Shards() (owned [Shards]bool) {
	for i := range owned {
		owned[i] = n.owns(i)
	}
	return owned
}

// Gained says whether this node has the shard of an entity, and has it only since then.
func (n *Node) Gained(kind, identity string, since time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	shard := ShardNumber(kind, identity)
	return n.owns(shard) && n.gained[shard].After(since)
}

// SettleAfter is how long after a move no shard is any more where it was. What was sent to one that was just stopping is lost,
// so it is sent again then.
const SettleAfter = 3 * time.Second

func (n *Node) enqueueAgain() {
	for _, pid := range n.here() {
		n.system.Root.Send(pid, enqueueAgain{})
	}
}

// enqueueAgainSoon does it once for all shards that turn out within a moment to be elsewhere.
func (n *Node) enqueueAgainSoon() {
	if !n.againSoon.Swap(true) {
		n.env.AfterFunc(findPause, func() {
			n.againSoon.Store(false)
			n.enqueueAgain()
		})
	}
}

// moved is what a node does when shards have changed their owners: what was sent to the former owners may be lost, so
// all entities here enqueue again what is not done, and the ways look for the new owners.
func (n *Node) moved() {
	now := time.Now()
	n.mu.Lock()
	for i := range n.gained {
		if !n.owns(i) {
			n.gained[i] = time.Time{}
		} else if n.gained[i].IsZero() {
			n.gained[i] = now
		}
	}
	n.mu.Unlock()
	for i := range n.shards {
		n.tellLetGo(i, nil)
	}
	for _, pid := range n.shards {
		n.system.Root.Send(pid, look{})
	}
	n.enqueueAgain()
	n.env.AfterFunc(SettleAfter, n.enqueueAgain)
	for _, f := range n.onMoved {
		f()
	}
}

// here are the actors of the shards on this node.
func (n *Node) here() []*actor.PID {
	if n.placement == nil {
		return n.shards[:]
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	all := make([]*actor.PID, 0, len(n.resident))
	for pid := range n.resident {
		all = append(all, pid)
	}
	return all
}

// arrived notes that a shard runs here, gone that it has ended.
func (n *Node) arrived(shard *actor.PID, number int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.resident[shard] = nil
	if number >= 0 {
		n.running[number]++
	}
	n.env.Metrics.shards.Set(float64(len(n.resident)))
}

func (n *Node) gone(shard *actor.PID, number int) {
	n.tellLetGo(number, func() { n.ended(shard, number) })
}

func (n *Node) ended(shard *actor.PID, number int) {
	if number >= 0 {
		n.running[number]--
	}
	if f := n.resident[shard]; f != nil {
		f()
	}
	delete(n.resident, shard)
	n.env.Metrics.shards.Set(float64(len(n.resident)))
}

// atItsEnd has f run when a shard ends, or now if it has; not after stop. On a node alone shards end with the node.
func (n *Node) atItsEnd(shard *actor.PID, f func()) (stop func()) {
	if n.placement == nil {
		return func() {}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, runs := n.resident[shard]; !runs {
		f()
		return func() {}
	}
	n.resident[shard] = f
	return func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		if _, runs := n.resident[shard]; runs {
			n.resident[shard] = nil
		}
	}
}
