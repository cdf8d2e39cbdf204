package entity

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
)

// What the nodes of a cluster tell each other that is for no entity. A notice may be lost, so whoever needs it also looks
// into storage from time to time.

// notices hears what other nodes tell this one, one message after the other, and replies to those that ask.
type notices struct {
	node *Node
	hear func(proto.Message) proto.Message
}

const noticesName = "notices"

func (o *notices) Receive(ctx actor.Context) {
	mail, ok := ctx.Message().(*messages.Mail)
	if !ok {
		return
	}
	m, err := open(mail)
	if err != nil { // of a newer version
		o.node.env.Log.Debug("a notice that can't be read", "error", err)
		return
	}
	if asked, is := m.(*messages.AskLetGo); is {
		o.node.onAskLetGo(int(asked.Shard), ctx.Sender())
		return
	}
	if reply, sender := o.hear(m), ctx.Sender(); reply != nil && sender != nil {
		ctx.Send(sender, o.node.outbound(sender, reply))
	}
}

// Hear has f hear what other nodes tell this one, and reply to what they ask. Call it before Join, and once.
func (n *Node) Hear(f func(proto.Message) proto.Message) error {
	if n.placement == nil {
		return nil
	}
	pid, err := n.Spawn(noticesName, func() actor.Actor { return &notices{n, f} })
	n.notices = pid
	return err
}

// Announce tells all other nodes, and waits for nothing.
func (n *Node) Announce(m proto.Message) {
	if n.placement == nil {
		return
	}
	mail, refusal := newMail("", "", m)
	if refusal != nil {
		n.env.Log.Error("a notice can't travel to other nodes", "why", refusal.Reason)
		return
	}
	for _, addr := range n.placement.Others() {
		n.system.Root.Send(actor.NewPID(addr, noticesName), mail)
	}
}

// AskNode asks another node.
func (n *Node) AskNode(ctx context.Context, addr string, m proto.Message, timeout time.Duration) (any, error) {
	mail, refusal := newMail("", "", m)
	if refusal != nil {
		return nil, errors.New(refusal.Reason)
	}
	mail.Traceparent = n.env.markOf(ctx).Traceparent() // Traced does not travel
	reply, err := n.request(ctx, actor.NewPID(addr, noticesName), mail, timeout)
	if err != nil {
		return nil, err
	}
	return inbound(reply)
}

// Nodes are the addresses of all nodes, this one first; none: it is alone.
func (n *Node) Nodes() []string {
	if n.placement == nil {
		return nil
	}
	return append([]string{n.placement.Self()}, n.placement.Others()...)
}

// Status is what this node says of its shards.
func (n *Node) Status() *messages.NodeStatus {
	status := &messages.NodeStatus{Running: int64(len(n.here())), Entities: n.entities.Load()}
	if n.placement != nil {
		status.Addr = n.placement.Self()
	}
	for _, owned := range n.Shards() {
		if owned {
			status.Shards++
		}
	}
	n.leases.Range(func(_, lease any) bool {
		status.Leases = append(status.Leases, lease.(*messages.NodeLease))
		return true
	})
	slices.SortFunc(status.Leases, func(a, b *messages.NodeLease) int { return strings.Compare(a.Entity, b.Entity) })
	return status
}

// Clustered says whether this node is one of several.
func (n *Node) Clustered() bool { return n.placement != nil }
