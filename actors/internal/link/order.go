package link

import (
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// This file enqueues what is to be posted. Each operation names the one before it in its lane, so that no chat posts it before
// that one, though that one was lost on the way, or waits with an activation of the chat that was overtaken
// (docs/decisions.md, D178).

// enqueueItem enqueues what is not posted yet of the item at that place, or withdraws it once more.
func (n *lane) enqueueItem(topic *storage.Topic, at int) {
	it := n.items[at]
	defer n.link.In(it.mark)()
	after := n.ahead(at)
	enqueue := func(op *messages.Operation) {
		n.link.EnqueueAfter(op, after)
		after = op.Named()
	}
	switch a := it.album; {
	case it.withdrawn:
		for part := it.sent(); part < it.parts; part++ {
			n.withdraw(it, part)
		}
	case a == nil:
		for part := it.sent(); part < it.postable(); part++ {
			enqueue(n.operation(topic, it, part))
		}
	case !a.written():
		enqueue(n.albumOperation(topic, it))
	default:
		for _, x := range a.parts {
			for part := x.sent(); part < x.parts; part++ {
				enqueue(n.operation(topic, x, part))
			}
		}
	}
}

// ahead is the last operation that the chat has for what is before that place in the lane; nil: none. One that is withdrawn
// counts no more: the chat may have dropped it.
func (n *lane) ahead(at int) *messages.OperationVersion {
	for at--; at >= 0; at-- {
		it := n.items[at]
		switch a := it.album; {
		case it.withdrawn:
		case a == nil:
			if last := it.postable() - 1; last >= it.sent() {
				return n.version(it, last)
			}
		case !a.written():
			return &messages.OperationVersion{Id: n.albumRef(it).ID()}
		default:
			for i := len(a.parts) - 1; i >= 0; i-- {
				if x := a.parts[i]; x.parts > x.sent() {
					return n.version(x, x.parts-1)
				}
			}
		}
	}
	return nil
}

// version names the operation that posts one part of a copy.
func (n *lane) version(it *item, part int) *messages.OperationVersion {
	return &messages.OperationVersion{Id: n.partRef(it, part).ID(), Attempt: it.attempt(), Content: it.shows}
}
