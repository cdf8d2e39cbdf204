package chat

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// This file holds a chat's queue: one line for each topic, one for the answers that overtake them, and the rule for
// which operation may leave when.

// topicLine is the queue of one topic.
type topicLine struct {
	waiting []*queued
	busy    bool // a call of this topic is in flight
	listed  bool // is in order
}

// look is a timer message: check what may leave now.
type look struct{ at time.Time }

// enqueue places an operation: answers in their own line, copies in the order of their topic.
func (c *chat) enqueue(q *queued) {
	q.at = received(q.op, c.Now())
	c.addKnown(q)
	c.room.metrics.queued.Inc()
	if isLast(q.op) {
		c.addLast(len(c.last), q)
		return
	}
	c.size++
	if q.op.Priority == messages.Operation_ANSWER {
		c.answers = append(c.answers, q)
		return
	}
	line := c.line(q.op.ThreadId)
	line.waiting = slices.Insert(line.waiting, line.position(q), q)
	c.list(q.op.ThreadId, line)
}

// position is where an operation belongs in the queue. Orders compare within one ticket; the tickets that share a
// private chat keep to the order in which their operations came.
func (l *topicLine) position(q *queued) int {
	at := len(l.waiting)
	for i := at - 1; i >= 0 && l.waiting[i].attempts == 0; i-- {
		w := l.waiting[i]
		if q.op.Order != 0 && w.ticket() != q.ticket() {
			continue
		}
		if w.op.Order <= q.op.Order {
			break
		}
		at = i
	}
	return at
}

// ticket is the id of the ticket that an operation of a ticket or a link is about.
func (q *queued) ticket() ids.TicketID {
	id, _, _ := strings.Cut(q.owner.id, ":")
	return id
}

func (c *chat) line(thread ids.ThreadID) *topicLine {
	line := c.topics[thread]
	if line == nil {
		line = &topicLine{}
		c.topics[thread] = line
	}
	return line
}

func (c *chat) list(thread ids.ThreadID, line *topicLine) {
	if !line.listed {
		line.listed = true
		c.order = append(c.order, thread)
	}
}

// dispatch makes the calls that may leave now, and sets a timer for the rest.
func (c *chat) dispatch() {
	defer c.noteLag()
	for c.inFlight < callsPerChat {
		now := c.Now()
		if c.Draining() { // or the node does not know whether it has the chat still, which passes
			if c.size+len(c.last) > 0 {
				c.lookAt(now.Add(entity.RetryAfterTrouble))
			}
			return
		}
		if c.lasting.calls > c.inFlight {
			return // owners may enqueue again what an earlier activation has called; its answers dispatch again
		}
		if until := c.lasting.lost.Add(gatherFor); until.After(now) {
			c.lookAt(until)
			return
		}
		if c.record.BlockedUntil.After(now) {
			c.lookAt(c.record.BlockedUntil)
			return
		}
		next, wake := c.pick(now)
		if next == nil {
			next, wake = c.pickLast(now, wake)
		}
		if next == nil {
			c.lookAt(wake)
			return
		}
		waiting, budget := c.size, c.budget(now)
		c.leaving = next
		later, err := c.paced(next.op, now)
		c.leaving = nil
		if free := c.pickFree(now); err == nil && later.After(now) && free != nil {
			next, later = free, time.Time{}
		}
		if err != nil {
			c.Log.Error("the pace can't be stored; tried again", "error", err)
			c.conflict = errors.Is(err, storage.ErrConflict)
			later = now.Add(entity.RetryAfterTrouble)
		}
		if !later.IsZero() {
			c.lookAt(later)
			return
		}
		if !c.room.calls.begin() {
			return // it is made after the next start
		}
		c.remove(next)
		if isIcon(next.op) {
			c.iconLeft = now
		}
		op, err := c.refresh(c.mergeMore(next, waiting, budget))
		if err != nil {
			c.Log.Error("a call can't be prepared; tried again", "operation", next.op.Id, "error", err)
			next.notBefore = now.Add(entity.RetryAfterTrouble)
			c.putBackAll(next)
			c.room.calls.end()
			continue
		}
		c.probing = c.probing || c.record.Suspended != "" && waits(next.op)
		c.call(next, op)
	}
}

// paced reserves room in the pace for one call. If later is set, nothing was reserved: come again then. What is
// reserved is stored before the call leaves.
func (c *chat) paced(op *messages.Operation, now time.Time) (later time.Time, err error) {
	if !counts(op) {
		return time.Time{}, nil
	}
	c.perChat.Slow(c.rate(now))
	c.perGroup.Slow(c.rate(now))
	n := cost(op)
	for _, at := range []time.Time{c.perChat.Earliest(n), c.perGroup.Earliest(n)} {
		if at.After(now) {
			return at, nil
		}
	}
	if c.reserved.IsZero() {
		c.reserved = c.room.pacer.Reserve(now, n)
	}
	if c.reserved.After(now) {
		return c.reserved, nil
	}
	if c.perChat != nil || c.perGroup != nil {
		err := c.change(func(r *storage.Chat) {
			r.Calls = c.perGroup.Since(now, now, n)
			r.BurstFull = c.perChat.After(now, n)
		})
		if err != nil {
			return time.Time{}, err
		}
		now = c.Now() // the write took its time, and what counts is when the call leaves
	}
	if at := c.room.pacer.Take(now, n); at.After(now) {
		c.reserved = at
		return at, nil
	}
	c.reserved = time.Time{}
	c.perChat.Take(now, n)
	c.perGroup.Take(now, n)
	return time.Time{}, nil
}

// cost is how many messages Telegram counts a call as: each part of an album counts as one.
func cost(op *messages.Operation) int { return max(1, len(op.GetSendAlbum().GetParts())) }

// budget is how many calls may leave now without waiting; -1: any number.
func (c *chat) budget(now time.Time) int {
	if c.record.BlockedUntil.After(now) {
		return 0
	}
	c.perChat.Slow(c.rate(now))
	c.perGroup.Slow(c.rate(now))
	if c.perGroup != nil {
		return c.perGroup.Room(now)
	}
	return c.perChat.Room(now)
}

// counts says whether Telegram counts the call as a message to the chat: every call that posts or edits something or
// leaves a service message.
func counts(op *messages.Operation) bool {
	switch op.Call.(type) {
	case *messages.Operation_AnswerCallback, *messages.Operation_React, *messages.Operation_ListAdmins,
		*messages.Operation_DescribeChat, *messages.Operation_CheckMember, *messages.Operation_DeleteMessages,
		*messages.Operation_Withdraw:
		return false
	}
	return true
}

// pick returns the next operation that may leave, or the time to look again (zero: only when something else happens).
func (c *chat) pick(now time.Time) (*queued, time.Time) {
	var wake time.Time
	sooner := func(t time.Time) {
		if wake.IsZero() || t.Before(wake) {
			wake = t
		}
	}
	for _, q := range c.answers {
		if line := c.topics[q.op.ThreadId]; line != nil && line.busy && counts(q.op) {
			continue
		}
		if q.notBefore.After(now) {
			sooner(q.notBefore)
			continue
		}
		if until, suspended := c.suspended(q, now); suspended {
			if !until.IsZero() {
				sooner(until)
			}
			continue
		}
		return q, wake
	}
	for _, thread := range c.order {
		line := c.topics[thread]
		if line.busy || len(line.waiting) == 0 {
			continue
		}
		first := line.waiting[0]
		if first.notBefore.After(now) {
			sooner(first.notBefore)
			continue
		}
		if until, suspended := c.suspended(first, now); suspended {
			if !until.IsZero() {
				sooner(until)
			}
			continue
		}
		return first, wake
	}
	return nil, wake
}

// pickFree returns the first answer that need not wait for the pace, nor for what does: the end of a button's press, or a
// question about the chat, for which a person waits.
func (c *chat) pickFree(now time.Time) *queued {
	for _, q := range c.answers {
		switch q.op.Call.(type) {
		case *messages.Operation_AnswerCallback, *messages.Operation_ListAdmins, *messages.Operation_DescribeChat,
			*messages.Operation_CheckMember:
			if _, suspended := c.suspended(q, now); !suspended && !q.notBefore.After(now) {
				return q
			}
		}
	}
	return nil
}

// remove takes an operation out of its topic's line.
func (c *chat) remove(q *queued) {
	c.room.metrics.queued.Dec()
	if isLast(q.op) {
		c.removeLast(q)
		return
	}
	c.size--
	if q.op.Priority == messages.Operation_ANSWER {
		c.answers = slices.DeleteFunc(c.answers, func(x *queued) bool { return x == q })
		return
	}
	line := c.topics[q.op.ThreadId]
	line.waiting[0] = nil
	line.waiting = line.waiting[1:]
	// Round robin: this topic goes behind the others, or leaves the order when nothing more waits in it.
	c.order = slices.DeleteFunc(c.order, func(thread ids.ThreadID) bool { return thread == q.op.ThreadId })
	line.listed = len(line.waiting) > 0
	if line.listed {
		c.order = append(c.order, q.op.ThreadId)
	}
}

// dropIdleLine drops a topic's line when nothing waits in it and no call of it is in flight.
func (c *chat) dropIdleLine(thread ids.ThreadID) {
	if line := c.topics[thread]; line != nil && !line.busy && len(line.waiting) == 0 {
		c.order = slices.DeleteFunc(c.order, func(listed ids.ThreadID) bool { return listed == thread })
		delete(c.topics, thread)
	}
}

// unqueue takes an operation out of the queue wherever it waits.
func (c *chat) unqueue(q *queued) {
	is := func(x *queued) bool { return x == q }
	if isLast(q.op) {
		if slices.ContainsFunc(c.last, is) {
			c.remove(q)
		}
		return
	}
	line := c.line(q.op.ThreadId)
	waiting := len(c.answers) + len(line.waiting)
	c.answers, line.waiting = slices.DeleteFunc(c.answers, is), slices.DeleteFunc(line.waiting, is)
	if len(c.answers)+len(line.waiting) < waiting {
		c.size--
		c.room.metrics.queued.Dec()
	}
}

// lookAt sets the timer to t, unless it already fires earlier.
func (c *chat) lookAt(t time.Time) {
	if t.IsZero() || !c.waking.IsZero() && !c.waking.After(t) {
		return
	}
	c.waking = t
	c.After(max(0, t.Sub(c.Now())), look{t})
}

// putBack returns an operation to the front of its line.
func (c *chat) putBack(q *queued) {
	q.called = false
	defer c.acceptNext(q)
	c.room.metrics.queued.Inc()
	if isLast(q.op) {
		c.addLast(0, q)
		return
	}
	c.size++
	if q.op.Priority == messages.Operation_ANSWER {
		c.answers = slices.Insert(c.answers, 0, q)
		return
	}
	line := c.line(q.op.ThreadId)
	line.waiting = slices.Insert(line.waiting, 0, q)
	c.list(q.op.ThreadId, line)
}
