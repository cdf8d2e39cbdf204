package entity

import (
	"context"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/topicdesk/topicdesk/messages"
)

// How a node leaves its cluster (docs/decisions.md, D165). The others have its shards when they know that it leaves. What its
// entities tell their next activations when they stop, such as what is left of a key's limits, is sent only then; and it has to
// leave this process, and to arrive, before the process ends.

const (
	// knownWithin is how long a node that leaves waits until the others know.
	knownWithin = 500 * time.Millisecond
	// farewellWithin is how long what is sent last may take to arrive. What is lost then, others find out for themselves, later.
	farewellWithin = time.Second
)

// passedOn asks a way to say when it has passed on all that it has got.
type passedOn struct{}

// Leave has a node of a cluster tell the others that its shards are theirs now.
func (n *Node) Leave(ctx context.Context) error {
	if n.placement == nil {
		return nil
	}
	if err := n.placement.Leave(ctx); err != nil {
		return err
	}
	n.awaitKnown(ctx)
	n.placement.Left()
	n.left.Store(true)
	n.moved()
	return nil
}

// awaitKnown returns when the other nodes have all shards together, or have had their time.
func (n *Node) awaitKnown(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, knownWithin)
	defer cancel()
	for others := n.placement.Others(); len(others) > 0; {
		shards := int64(0)
		for _, addr := range others {
			if reply, err := n.AskNode(ctx, addr, &messages.GetNodeStatus{}, TimeLeft(ctx)); err == nil {
				status, _ := reply.(*messages.NodeStatus)
				shards += status.GetShards()
			}
		}
		if shards >= Shards {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(findPause):
		}
	}
}

// farewell returns when what was told to shards on other nodes has arrived there, or has had its time.
func (n *Node) farewell(ctx context.Context) {
	others := n.placement.Others()
	if !n.left.Load() || len(others) == 0 {
		return
	}
	within := min(farewellWithin, TimeLeft(ctx)/4)
	until := time.Now().Add(within)
	var answers []actor.Future
	await := func() {
		for _, answer := range answers {
			_ = answer.Wait()
		}
		answers = nil
	}
	for _, way := range n.shards {
		answers = append(answers, n.system.Root.RequestFuture(way, passedOn{}, within))
	}
	await()
	// A node takes in what comes from here in order: whoever answers a question has what was sent before.
	question, _ := newMail("", "", &messages.GetNodeStatus{})
	for _, addr := range others {
		within := max(time.Until(until), time.Millisecond)
		answers = append(answers, n.system.Root.RequestFuture(actor.NewPID(addr, noticesName), question, within))
	}
	await()
}
