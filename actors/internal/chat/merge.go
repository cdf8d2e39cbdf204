package chat

import (
	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
)

// This file merges copies. When more operations wait for a chat than may leave now, the waiting text copies of one
// topic leave as one message. The owners stay the source of truth: each gets its own Done, and none knows of the
// others.

// mergedAtMost is the largest number of copies in one message.
const mergedAtMost = 100

// all returns an operation and those that left in the same message.
func (q *queued) all() []*queued { return append([]*queued{q}, q.with...) }

// mergeMore takes out of the line what can leave together with an operation, when the queue is longer than the chat's
// budget. It returns the operation to call.
func (c *chat) mergeMore(q *queued, waiting, budget int) *messages.Operation {
	q.with = nil
	line := c.topics[q.op.ThreadId]
	if budget < 0 || waiting <= budget || !mergeable(q) || line == nil {
		return q.op
	}
	copies := []*messages.SendCopyCall{q.op.GetSendCopy()}
	for _, next := range line.waiting {
		if !mergeable(next) || next.notBefore.After(c.Now()) || len(copies) == mergedAtMost {
			break
		}
		copies = append(copies, next.op.GetSendCopy())
	}
	n := c.room.telegram.Merged(copies)
	if n < 2 {
		return q.op
	}
	for _, next := range append([]*queued(nil), line.waiting[:n-1]...) {
		c.remove(next)
		q.with = append(q.with, next)
	}
	c.room.metrics.merged.Add(float64(n))
	op := proto.CloneOf(q.op)
	op.Call = &messages.Operation_SendMerged{SendMerged: &messages.SendMergedCall{Copies: copies[:n]}}
	return op
}

// mergeable says whether an operation may share a message with others. Package bot decides whether it fits.
func mergeable(q *queued) bool { return q.op.GetSendCopy() != nil && !q.alone }

// goAlone returns operations to the queue whose shared message was refused. Each then leaves alone, so that one bad
// copy does not fail the others.
func (c *chat) goAlone(first *queued) {
	for _, q := range first.all() {
		q.alone = true
	}
	c.putBackAll(first)
}

// putBackAll returns an operation and those that left with it to the front of their line, in order.
func (c *chat) putBackAll(first *queued) {
	all := first.all()
	first.with = nil
	for i := len(all) - 1; i >= 0; i-- {
		c.putBack(all[i])
	}
}

// outcomeFor is the outcome for the i-th of the copies that left together.
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
