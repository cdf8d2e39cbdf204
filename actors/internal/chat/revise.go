package chat

import (
	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
)

// This file handles newer versions of an operation. A waiting operation is replaced in its position, so that only the
// newest version is called. A newer version of one whose call is in flight waits for the answer, so that the two are
// never carried out in the wrong order.

func (c *chat) addKnown(q *queued) {
	c.known[keyOf(q.op)] = q
	c.newest[q.op.Id] = q
}

func (c *chat) dropKnown(q *queued) {
	delete(c.known, keyOf(q.op))
	if c.newest[q.op.Id] == q {
		delete(c.newest, q.op.Id)
	}
}

// revise accepts a newer version of a known operation, or the withdrawal of one that is not to be posted any more. It
// reports whether it did.
func (c *chat) revise(m *messages.Send) bool {
	op, withdraws := m.Operation, m.Operation.GetWithdraw() != nil
	q := c.newest[op.Id]
	switch {
	case q == nil && withdraws:
		c.report(opOwner{m.OwnerKind, m.OwnerId}, op, &messages.Outcome{Result: messages.Outcome_DONE})
	case q == nil:
		return false
	case !q.op.Version().Before(op.Version()): // out of date
	case q.called:
		if q.next == nil || q.next.Operation.Version().Before(op.Version()) {
			q.next = m
		}
	case withdraws:
		c.unqueue(q)
		c.dropKnown(q)
		c.dropIdleLine(q.op.ThreadId)
		c.report(opOwner{m.OwnerKind, m.OwnerId}, op, &messages.Outcome{Result: messages.Outcome_DONE})
		c.dispatch()
	case op.ThreadId != q.op.ThreadId: // its topic was opened again meanwhile: it waits in the line of the new one
		c.unqueue(q)
		c.dropKnown(q)
		c.dropIdleLine(q.op.ThreadId)
		return false
	default:
		c.dropKnown(q)
		order := q.op.Order
		q.op, q.owner = proto.CloneOf(op), opOwner{m.OwnerKind, m.OwnerId}
		q.op.Order = order // its position stays
		c.addKnown(q)
	}
	return true
}

// notePosted remembers the version that a copy was posted as. A newer text that came during the call is not posted as
// a second message: once the copy is posted, its owner edits it; if it was refused, the owner has reported that to
// its source.
func (c *chat) notePosted(q *queued, outcome *messages.Outcome) {
	switch {
	case !postsOnce(q.op):
	case outcome.Result == messages.Outcome_DONE:
		c.posted.Put(q.op.Id, q.op.Version())
	case q.next != nil && q.next.Operation.GetWithdraw() == nil:
		q.next = nil
	}
}

// postedBefore answers a version with another text of a copy that is already posted, with the outcome of what was
// posted.
func (c *chat) postedBefore(m *messages.Send) bool {
	op := m.Operation
	version, is := c.posted.Get(op.Id)
	if !is || !postsOnce(op) || version.Attempt != op.Attempt { // one that is tried again is posted again
		return false
	}
	outcome, known := c.recallDone(opKey{op.Id, version})
	if known {
		posted := &messages.Operation{Id: op.Id, Ref: op.Ref, Attempt: version.Attempt, Content: version.Content}
		c.report(opOwner{m.OwnerKind, m.OwnerId}, posted, outcome)
	}
	return known
}

// postsOnce says whether an operation is carried out once for each attempt, whatever its text: it posts a part of a copy, or
// the last messages of a ticket.
func postsOnce(op *messages.Operation) bool {
	return op.GetSendCopy() != nil && op.Ref.GetCopyPart() != nil || op.GetSendContext() != nil
}

// acceptNext enqueues the newer version that came while a call was in flight.
func (c *chat) acceptNext(q *queued) {
	if m := q.next; m != nil {
		q.next = nil
		c.accept(m)
	}
}
