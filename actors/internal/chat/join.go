package chat

import (
	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
)

// Joined copies: when more waits for a chat than may leave now, the waiting copies of texts for one topic leave as one
// message. The truth stays with their owners: each gets its own word on how it went, and none knows of the others.

// joinedAtMost is how many copies one message holds.
const joinedAtMost = 100

// all lists an operation and those that left with it.
func (q *queued) all() []*queued { return append([]*queued{q}, q.with...) }

// joinMore takes what can leave together with an operation out of its line, when the queue is longer than the chat's budget.
// It returns the operation to call.
func (c *chat) joinMore(q *queued, waiting, budget int) *messages.Operation {
	q.with = nil
	line := c.topics[q.op.ThreadId]
	if budget < 0 || waiting <= budget || !joinable(q) || line == nil {
		return q.op
	}
	copies := []*messages.SendCopyCall{q.op.GetSendCopy()}
	for _, next := range line.waiting {
		if !joinable(next) || next.notBefore.After(c.Now()) || len(copies) == joinedAtMost {
			break
		}
		copies = append(copies, next.op.GetSendCopy())
	}
	n := c.room.telegram.Joined(copies)
	if n < 2 {
		return q.op
	}
	for _, next := range append([]*queued(nil), line.waiting[:n-1]...) {
		c.remove(next)
		q.with = append(q.with, next)
	}
	c.room.metrics.joined.Add(float64(n))
	op := proto.CloneOf(q.op)
	op.Call = &messages.Operation_SendJoined{SendJoined: &messages.SendJoinedCall{Copies: copies[:n]}}
	return op
}

// joinable says whether an operation may share a message with others. Whether it fits is for package bot to say.
func joinable(q *queued) bool { return q.op.GetSendCopy() != nil && !q.alone }

// goAlone puts operations back that shared a message which was refused: each leaves by itself, so that the one that is at
// fault does not take the others with it.
func (c *chat) goAlone(first *queued) {
	for _, q := range first.all() {
		q.alone = true
	}
	c.putBackAll(first)
}

// putBackAll puts an operation back, and those that left with it, before everything else of its line and in their order.
func (c *chat) putBackAll(first *queued) {
	all := first.all()
	first.with = nil
	for i := len(all) - 1; i >= 0; i-- {
		c.putBack(all[i])
	}
}

// outcomeFor is what the i-th of the copies that left together is told.
func outcomeFor(o *messages.Outcome, i, of int) *messages.Outcome {
	if of == 1 || o.Result != messages.Outcome_DONE {
		return o
	}
	own := proto.CloneOf(o)
	own.Spans, own.Span = nil, nil
	if i < len(o.Spans) {
		own.Span = o.Spans[i]
	}
	return own
}
