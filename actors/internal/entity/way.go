package entity

import (
	"slices"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
)

// way is where a node of a cluster sends what is for a shard, wherever that is. It finds the shard and passes on what it
// gets, in order. A node alone has none: what is for a shard goes to the shard.
//
// It takes envelopes, and replies only to those that it can't pass on, and to passedOn. It stops with the node.
type way struct {
	node    *Node
	number  int
	shard   *actor.PID // nil: not known
	looking bool
	checked time.Time    // when the shard on another node was found to be the one that runs
	waiting []stashed    // until the shard is found
	asked   []*actor.PID // who wants to know when nothing waits
}

type (
	// look has a way find its shard anew, if it is not where its owner is, or if nobody answered there.
	look struct{ silent bool }
	// lookOn has a way go on after a pause.
	lookOn struct{}
	// found is the shard that a way has looked for; nil: there was no answer.
	found struct{ shard *actor.PID }
)

const (
	findTry    = time.Second           // how long one look for a shard waits
	checkEvery = time.Second           // how often a way in use looks whether its shard is still the one that runs
	findPause  = 50 * time.Millisecond // between two of them
	// waitingAtMost is how much waits for a shard that is not found. More is not accepted.
	waitingAtMost = 10_000
)

func (w *way) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case envelope:
		if w.shard == nil {
			w.wait(ctx, m)
		} else {
			w.pass(ctx, m, ctx.Sender())
		}
	case look:
		w.onLook(ctx, m)
	case passedOn:
		w.asked = append(w.asked, ctx.Sender())
		w.tellPassedOn(ctx)
	case lookOn:
		w.looking = false
		w.find(ctx)
	case found:
		w.onFound(ctx, m)
	case *actor.Terminated:
		if m.Who.Equal(w.shard) {
			w.forget(ctx)
		}
	case *actor.Started, *actor.Stopping, *actor.Stopped, *actor.Restarting:
	default:
		w.node.env.Log.Error("way: unknown message", "type", TypeName(m))
	}
}

func (w *way) wait(ctx actor.Context, m envelope) {
	if len(w.waiting) >= waitingAtMost {
		w.refuse(ctx, ctx.Sender(), m, Answer(messages.Code_NOT_OWNER, "too much waits for the owner"))
		return
	}
	w.waiting = append(w.waiting, stashed{m, ctx.Sender()})
	w.find(ctx)
}

// find looks for the shard, beside the way.
func (w *way) find(ctx actor.Context) {
	if w.looking {
		return
	}
	w.looking = true
	self := ctx.Self()
	w.node.dispatcher.Schedule(func() {
		shard := w.node.placement.Find(w.number, findTry)
		w.node.system.Root.Send(self, found{shard})
	})
}

func (w *way) onFound(ctx actor.Context, m found) {
	w.looking = false
	if w.shard != nil { // it was only checked
		if m.shard == nil || m.shard.Equal(w.shard) {
			return
		}
		w.forget(ctx)
		defer w.node.enqueueAgainSoon() // what went to the former shard is lost
	}
	if m.shard != nil && m.shard.Address == w.node.placement.Owner(w.number) {
		w.shard, w.checked = m.shard, time.Now()
		ctx.Watch(w.shard)
		waiting := w.waiting
		w.waiting = nil
		for _, s := range waiting {
			w.pass(ctx, s.message.(envelope), s.sender)
		}
		w.tellPassedOn(ctx)
		return
	}
	// Whoever asked asks again; what nobody waits for stays here.
	kept := w.waiting[:0]
	for _, s := range w.waiting {
		if s.sender == nil {
			kept = append(kept, s)
			continue
		}
		w.refuse(ctx, s.sender, s.message.(envelope), Answer(messages.Code_NOT_OWNER, "the owner is not found"))
	}
	clear(w.waiting[len(kept):])
	if w.waiting = kept; len(kept) > 0 {
		w.looking = true // until the pause is over
		self := ctx.Self()
		w.node.env.AfterFunc(findPause, func() { w.node.system.Root.Send(self, lookOn{}) })
	}
	w.tellPassedOn(ctx)
}

// tellPassedOn tells whoever has asked that nothing waits any more.
func (w *way) tellPassedOn(ctx actor.Context) {
	if len(w.waiting) > 0 {
		return
	}
	for _, sender := range w.asked {
		ctx.Send(sender, passedOn{})
	}
	w.asked = nil
}

func (w *way) onLook(ctx actor.Context, m look) {
	if w.shard != nil && (m.silent || w.shard.Address != w.node.placement.Owner(w.number)) {
		w.forget(ctx)
	} else if w.shard != nil {
		w.check(ctx)
	}
}

// check looks whether the shard on another node is still the one that runs there. Proto.Actor does not tell of the end of
// an actor that had ended before it was watched, nor whoever sends to it and waits for no reply.
func (w *way) check(ctx actor.Context) {
	if w.shard.Address != w.node.system.Address() {
		w.checked = time.Now()
		w.find(ctx)
	}
}

// forget tells a node that is gone nothing: Proto.Actor would connect to it anew for that.
func (w *way) forget(ctx actor.Context) {
	if w.shard.Address == w.node.system.Address() || slices.Contains(w.node.placement.Others(), w.shard.Address) {
		ctx.Unwatch(w.shard)
	}
	w.shard = nil
}

// pass sends a message to the shard, in the name of whoever sent it.
func (w *way) pass(ctx actor.Context, m envelope, sender *actor.PID) {
	if w.shard.Address == w.node.system.Address() {
		deliver(ctx, w.shard, m, sender)
		return
	}
	mail, refusal := newMail(m.kind, m.identity, m.message)
	if refusal != nil {
		w.refuse(ctx, sender, m, refusal)
		return
	}
	mail.Forwarded, mail.Traceparent = m.forwarded, m.mark.Traceparent()
	deliver(ctx, w.shard, mail, sender)
	if time.Since(w.checked) > checkEvery {
		w.check(ctx)
	}
}

func (w *way) refuse(ctx actor.Context, sender *actor.PID, m envelope, refusal *messages.Reply) {
	if sender != nil {
		ctx.Send(sender, w.node.outbound(sender, refusal))
		return
	}
	w.node.env.Log.Error("a message is dropped; its owner sends it again", "kind", m.kind, "id", m.identity,
		"message", TypeName(m.message), "why", refusal.Reason)
}

// outbound is a reply as it travels to whoever asked: as it is within the node, else as mail.
func (n *Node) outbound(to *actor.PID, reply proto.Message) proto.Message {
	if n.placement == nil || to.Address == n.system.Address() {
		return reply
	}
	mail, refusal := newMail("", "", reply)
	if refusal != nil {
		n.env.Log.Error("a reply can't travel to another node", "why", refusal.Reason)
		mail, _ = newMail("", "", refusal)
	}
	return mail
}

// inbound is a reply as whoever asked gets it.
func inbound(reply any) (any, error) {
	if mail, travelled := reply.(*messages.Mail); travelled {
		return open(mail)
	}
	return reply, nil
}
