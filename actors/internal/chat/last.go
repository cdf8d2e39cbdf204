package chat

import (
	"time"

	"github.com/topicdesk/topicdesk/messages"
)

// Nobody waits for some operations, such as the icon of a topic or a reminder. They leave when nothing else may: not
// before a copy or an answer that is in the queue, nor out of the last half of the group's minute, of the chat's burst or of the
// node's second, which is for what people say next (docs/decisions.md, D200). They are not counted as what waits, since nobody is behind by them.

const (
	// keptBack is the part of what may leave that is kept for what people say: a half.
	keptBack = 2
	// lastLimit is how many reminders, and how many icons, wait here: 10,000 that fall due together stay with their owners, which
	// enqueue them again.
	lastLimit = 100
	// lastPatience is how long a reminder keeps back: on a group that is busy all day it would never be said.
	lastPatience = 5 * time.Minute
)

func isIcon(op *messages.Operation) bool { return op.GetSetIcon() != nil }

func isLast(op *messages.Operation) bool { return op.Priority == messages.Operation_LAST }

// pickLast returns the next such operation if it may leave now, or else the time to look again. wake is when something else
// in the queue is to be looked at.
func (c *chat) pickLast(now, wake time.Time) (*queued, time.Time) {
	if len(c.last) == 0 || c.anyReady(now) {
		return nil, wake // what is ready leaves as soon as a call of its topic has ended, and then this is looked at again
	}
	sooner := func(t time.Time) {
		if t.After(now) && (wake.IsZero() || t.Before(wake)) {
			wake = t
		}
	}
	free, old := c.freeForLast(now), now.Add(-lastPatience)
	for _, icons := range []bool{false, true} {
		for _, q := range c.last {
			if isIcon(q.op) != icons || icons && c.record.Suspended != "" {
				continue
			}
			if line := c.topics[q.op.ThreadId]; line != nil && line.busy {
				continue
			}
			if q.notBefore.After(now) {
				sooner(q.notBefore)
				continue
			}
			if free.After(now) && (icons || q.at.After(old)) {
				sooner(free)
				if !icons {
					sooner(q.at.Add(lastPatience))
				}
				continue
			}
			return q, wake
		}
	}
	return nil, wake
}

// freeForLast is when more of the pace is left than what is kept for people. A time in the past means now.
func (c *chat) freeForLast(now time.Time) time.Time {
	c.perChat.Slow(c.rate(now))
	c.perGroup.Slow(c.rate(now))
	free := c.room.pacer.Free(keptBack)
	for _, at := range []time.Time{c.perChat.Earliest(c.perChat.Size()/keptBack + 1), c.perGroup.Earliest(c.perGroup.Limit()/keptBack + 1)} {
		if at.After(free) {
			free = at
		}
	}
	return free
}

// hasRoomLast says whether one more of its kind may wait.
func (c *chat) hasRoomLast(op *messages.Operation) bool {
	n := 0
	for _, q := range c.last {
		if isIcon(q.op) == isIcon(op) {
			n++
		}
	}
	return n < lastLimit
}

// anyReady says whether something is in the queue that waits only for a call in flight.
func (c *chat) anyReady(now time.Time) bool {
	ready := func(q *queued) bool {
		_, suspended := c.suspended(q, now)
		return !suspended && !q.notBefore.After(now)
	}
	for _, q := range c.answers {
		if ready(q) {
			return true
		}
	}
	for _, thread := range c.order {
		if line := c.topics[thread]; len(line.waiting) > 0 && ready(line.waiting[0]) {
			return true
		}
	}
	return false
}
