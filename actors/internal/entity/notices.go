package entity

import (
	"github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
)

// What the nodes of a cluster tell each other that is for no entity. A notice may be lost, so whoever needs it also looks
// into storage from time to time.

// notices hears what other nodes tell all nodes, one notice after the other.
type notices struct {
	node *Node
	hear func(proto.Message)
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
	o.hear(m)
}

// Hear has f hear what other nodes tell. Call it before Join, and once.
func (n *Node) Hear(f func(proto.Message)) error {
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

// Clustered says whether this node is one of several.
func (n *Node) Clustered() bool { return n.placement != nil }
