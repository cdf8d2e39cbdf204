package entity

import (
	"context"
	"slices"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/topicdesk/topicdesk/messages"
)

// How a shard moves from one node that lives to another, because one has joined (docs/decisions.md, D153).
//
// The former owner begins nothing new in it. What is in flight there ends, no later than handOverWithin; its outcomes are
// written, and the shard stops. The new owner, which is asked for the shard meanwhile, starts it at once, but it keeps what
// arrives until the former owner says that it has let go, no longer than letGoWithin. Nobody waits for a node that is no
// member, and the fences stay what they were: a new owner that waits no longer begins beside the former one, as after a cut.

const (
	// handOverWithin is how long what is in flight may go on in a shard that moves: updates wait meanwhile, for 2 s at most.
	handOverWithin = 1500 * time.Millisecond
	// letGoWithin is how long a new owner waits for the former one. An update is refused after 2 s by whoever has taken it in.
	letGoWithin = 3 * time.Second
	// letGoTry is how long it waits before it asks again: the question, or the answer, may be lost.
	letGoTry = time.Second
)

type (
	// poisoned is what a shard hears in place of Proto.Actor's pill, which the cluster gives to shards that have moved: a
	// shard hands over before it stops.
	poisoned struct{}
	// finish has an entity begin nothing new, and say when nothing is in flight any more.
	finish struct{}
	// finished says that nothing is in flight in an entity any more.
	finished struct{ pid *actor.PID }
	// handedOver ends a shard whatever is in flight; end ends it when what arrived before is refused.
	handedOver struct{}
	end        struct{}
	// letGo has a shard begin.
	letGo struct{}
)

// handOverFirst gives a shard poisoned in place of a pill.
func handOverFirst() actor.PropsOption {
	return actor.WithReceiverMiddleware(func(next actor.ReceiverFunc) actor.ReceiverFunc {
		return func(c actor.ReceiverContext, m *actor.MessageEnvelope) {
			if _, is := m.Message.(*actor.PoisonPill); is {
				m = &actor.MessageEnvelope{Message: poisoned{}}
			}
			next(c, m)
		}
	})
}

// inPeace says whether this node may take its time to leave a shard: it lives, and knows that it does.
func (n *Node) inPeace() bool { return !n.env.Draining() && n.env.Ctx.Err() == nil }

// onPoisoned takes the pill of a shard that has moved. One that comes late, when the shard is back here, means nothing.
func (h *shard) onPoisoned(ctx actor.Context) {
	if h.leaving || !h.node.inPeace() || !h.node.owns(h.number) {
		h.leave(ctx)
	}
}

// guard says whether this node has the shard, as far as it knows by now. If not, the shard leaves.
func (h *shard) guard(ctx actor.Context, m envelope) bool {
	if h.node.placement == nil || !h.leaving && h.node.owns(h.number) {
		return true
	}
	h.refuse(ctx, m, ctx.Sender())
	h.leave(ctx)
	return false
}

func (h *shard) onEnqueueAgain(ctx actor.Context) {
	if h.leaving || !h.node.owns(h.number) {
		h.leave(ctx)
		return
	}
	for _, r := range h.resident {
		ctx.Send(r.pid, enqueueAgain{})
	}
}

// moved says whether another node had an entity a moment ago, so that what others have sent to it there may be lost.
func (h *shard) moved(key entityKey) bool {
	return h.node.placement != nil && (time.Since(h.began) < movedFor || time.Since(h.fenced[key]) < movedFor)
}

// leave has a shard stop that is another node's now.
func (h *shard) leave(ctx actor.Context) {
	first := !h.leaving
	h.leaving = true
	switch {
	case h.ending:
	case !h.node.inPeace() || h.waits:
		h.end(ctx)
	case !first && h.node.owns(h.number): // it is back here already, and would refuse all until it is handed over
		h.end(ctx)
	case first:
		for _, r := range h.resident {
			h.toFinish[r.pid.Id] = true
			ctx.Send(r.pid, finish{})
		}
		self := ctx.Self()
		h.node.env.AfterFunc(handOverWithin, func() { h.node.system.Root.Send(self, handedOver{}) })
		h.endIfFinished(ctx)
	}
}

func (h *shard) endIfFinished(ctx actor.Context) {
	if h.leaving && len(h.toFinish) == 0 {
		h.end(ctx)
	}
}

// end stops the shard. What is in its mailbox is refused first, so that nobody waits for a time-out.
func (h *shard) end(ctx actor.Context) {
	if h.ending {
		return
	}
	h.ending = true
	h.waits = false
	held := h.held
	h.held = nil
	for _, s := range held {
		h.refuse(ctx, s.message.(envelope), s.sender)
	}
	ctx.Send(ctx.Self(), end{})
}

// refuse tells whoever asked that this node does not have the shard, and passes on what nobody waits for, once.
func (h *shard) refuse(ctx actor.Context, m envelope, sender *actor.PID) {
	if sender != nil {
		h.node.env.Metrics.notOwner.Inc()
		ctx.Send(sender, h.node.outbound(sender, Answer(messages.Code_NOT_OWNER, "")))
	} else if !m.forwarded {
		m.forwarded = true
		ctx.Send(h.node.shards[h.number], m)
	}
}

// hold keeps a message until the former owner has let go.
func (h *shard) hold(ctx actor.Context, m envelope) {
	if len(h.held) >= waitingAtMost {
		h.refuse(ctx, m, ctx.Sender())
		return
	}
	h.held = append(h.held, stashed{m, ctx.Sender()})
}

// onLetGo has the shard begin with what has arrived meanwhile.
func (h *shard) onLetGo(ctx actor.Context) {
	if !h.waits {
		return
	}
	if !h.node.owns(h.number) {
		h.leave(ctx)
		return
	}
	h.waits, h.began = false, time.Now()
	held := h.held
	h.held = nil
	for _, s := range held {
		h.take(ctx, s.message.(envelope), s.sender)
	}
}

// awaitLetGo calls done when the nodes that had a shard a moment ago have let go of it, or when they have had their time. false:
// there are none.
func (n *Node) awaitLetGo(shard int, done func()) bool {
	former := n.placement.Former(shard)
	if len(former) == 0 {
		return false
	}
	n.dispatcher.Schedule(func() {
		defer done()
		ctx, cancel := context.WithTimeout(n.env.Ctx, letGoWithin)
		defer cancel()
		for i := 0; i < len(former) && ctx.Err() == nil; {
			if former[i] == n.placement.Self() || !slices.Contains(n.placement.Others(), former[i]) {
				i++
				continue
			}
			began := time.Now()
			reply, err := n.AskNode(ctx, former[i], &messages.AskLetGo{Shard: int64(shard)}, letGoTry)
			answer, ok := reply.(*messages.LetGo)
			if err == nil && ok {
				for _, f := range answer.Former {
					if !slices.Contains(former, f) {
						former = append(former, f)
					}
				}
				i++
				continue
			}
			select { // it is not reached: a failure may come at once
			case <-ctx.Done():
			case <-time.After(min(findPause, letGoTry-time.Since(began))):
			}
		}
	})
	return true
}

// onAskLetGo replies when this node has let go of a shard.
func (n *Node) onAskLetGo(shard int, sender *actor.PID) {
	if sender == nil || shard < 0 || shard >= Shards {
		return
	}
	n.tellLetGo(shard, func() {
		if n.waiters[shard] == nil {
			n.waiters[shard] = map[string]*actor.PID{}
		}
		n.waiters[shard][sender.Address] = sender
	})
}

// tellLetGo notes a change, and then replies to those who wait for a shard, if this node has let go of it.
func (n *Node) tellLetGo(shard int, change func()) {
	n.mu.Lock()
	if change != nil {
		change()
	}
	var waiters map[string]*actor.PID
	if shard >= 0 && len(n.waiters[shard]) > 0 && n.running[shard] == 0 && !n.owns(shard) {
		waiters, n.waiters[shard] = n.waiters[shard], nil
	}
	n.mu.Unlock()
	for addr, sender := range waiters {
		if !slices.Contains(n.placement.Others(), addr) {
			continue // it has died meanwhile
		}
		answer := &messages.LetGo{}
		for _, f := range n.placement.Former(shard) {
			if f != addr {
				answer.Former = append(answer.Former, f)
			}
		}
		n.system.Root.Send(sender, n.outbound(sender, answer))
	}
}
