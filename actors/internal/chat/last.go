package chat

import (
	"cmp"
	"slices"
	"time"

	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
)

// Nobody waits for some operations, such as the icon of a topic or a reminder. They leave when nothing else may: not
// before a copy or an answer that is in the queue, nor out of the last half of the group's minute, of the chat's burst or of the
// node's second, which is for what people say next (docs/decisions.md, D200). They are not counted as what waits, since nobody is behind by them.

const (
	// keptBack is the part of what may leave that is kept for what people say: a half.
	keptBack = 2
	// lastLimit is how many reminders, and how many icons, wait here: 10,000 that fall due together stay with their owners. The chat
	// tells some of them whenever there is room for a part lastAgain of it.
	lastLimit = 100
	lastAgain = 5
	// refusedLastAtMost is how many owners of each kind the chat remembers for that. The sweep finds the others.
	refusedLastAtMost = 10_000
	// lastPatience is how long a reminder keeps back: on a group that is busy all day it would never be said.
	lastPatience = 5 * time.Minute
	// iconPatience is how long an icon does. Then one leaves each iconPause: a twentieth of what may leave to a group.
	iconPatience = 30 * time.Minute
	iconPause    = time.Minute
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
	free := c.freeForLast(now)
	var icon *queued // one that may leave, unless a reminder may
	for _, q := range c.last {
		if q.icon && (icon != nil || c.record.Suspended != "") {
			continue
		}
		if q.notBefore.After(now) {
			sooner(q.notBefore)
			continue
		}
		if due := c.lastDue(q); free.After(now) && due.After(now) {
			sooner(free)
			sooner(due)
			continue
		}
		if line := c.topics[q.op.ThreadId]; line != nil && line.busy {
			continue
		}
		if !q.icon {
			return q, wake
		}
		icon = q
	}
	return icon, wake
}

// lastDue is when an operation keeps back no more: any free call will do.
func (c *chat) lastDue(q *queued) time.Time {
	if !q.icon {
		return q.at.Add(lastPatience)
	}
	due := q.at.Add(iconPatience)
	if next := c.iconLeft.Add(iconPause); next.After(due) {
		return next
	}
	return due
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

// refusedLast are tickets whose reminders, or whose icons, were not taken, in the order in which they offered them.
type refusedLast struct {
	order []ids.TicketID
	known map[ids.TicketID]bool
}

// lastOf are those whose operations of a kind were not taken.
func (c *chat) lastOf(icons bool) *refusedLast {
	if icons {
		return &c.refusedIcons
	}
	return &c.refusedReminders
}

// limitLast is how many reminders, and how many icons, may wait.
func (c *chat) limitLast() int { return cmp.Or(c.room.pace.LastAtMost, lastLimit) }

// roomLast is how many more of them may.
func (c *chat) roomLast(icons bool) int {
	waiting := c.lastIcons
	if !icons {
		waiting = len(c.last) - waiting
	}
	return c.limitLast() - waiting
}

// addLast puts an operation at a place among those for which nobody waits.
func (c *chat) addLast(at int, q *queued) {
	c.last = slices.Insert(c.last, at, q)
	if q.icon = isIcon(q.op); q.icon {
		c.lastIcons++
	}
}

// removeLast takes one out of them.
func (c *chat) removeLast(q *queued) {
	at := slices.Index(c.last, q)
	if at < 0 {
		return
	}
	c.last = slices.Delete(c.last, at, at+1)
	if q.icon {
		c.lastIcons--
	}
	c.offerLast(q.icon)
}

// takesLast says whether an operation may wait here. A ticket that hears that it may not offers it when it is told to.
func (c *chat) takesLast(m *messages.Send) bool {
	op, r := m.Operation, c.lastOf(isIcon(m.Operation))
	if c.roomLast(isIcon(op)) > 0 {
		delete(r.known, m.OwnerId)
		return true
	}
	if m.OwnerKind != messages.KindTicket {
		return false
	}
	if !r.known[m.OwnerId] && len(r.order) < refusedLastAtMost {
		if r.known == nil {
			r.known = map[ids.TicketID]bool{}
		}
		r.known[m.OwnerId], r.order = true, append(r.order, m.OwnerId)
	}
	c.Tell(m.OwnerKind, m.OwnerId, &messages.NoRoom{Operation: &messages.OperationVersion{Id: op.Id, Attempt: op.Attempt, Content: op.Content}})
	return false
}

// offerLast has tickets offer again what was not taken, once there is room for some.
func (c *chat) offerLast(icons bool) {
	r := c.lastOf(icons)
	if len(r.order) == 0 {
		return
	}
	room := c.roomLast(icons)
	if room < max(1, c.limitLast()/lastAgain) {
		return
	}
	for ; room > 0 && len(r.order) > 0; r.order = r.order[1:] {
		if id := r.order[0]; r.known[id] {
			delete(r.known, id)
			c.Tell(messages.KindTicket, id, &messages.QueueLost{})
			room--
		}
	}
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
