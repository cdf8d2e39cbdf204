package chat

import (
	"time"

	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/messages"
)

// This file keeps an operation from overtaking the one before it in its owner's lane (docs/decisions.md, D178). What was ahead may
// have been sent to another activation of the chat, which was overtaken, or was lost on the way. Such an operation is not taken:
// its owner is asked to enqueue again what got no Done, in order.

const (
	// askAfter is how long after the first such operation owners are asked: what is ahead may just have been done on another
	// node, and the Done is on its way.
	askAfter = 250 * time.Millisecond
	// askAgainAfter is how long it takes until an owner is asked again.
	askAgainAfter = 2 * time.Second
	// refusedFor is how long an operation is not taken at most: a wrong order is better than a copy that never arrives.
	refusedFor = 2 * entity.EnqueueAgainAfter
)

// refusal is an operation that was not taken.
type refusal struct {
	owner opOwner
	since time.Time
	asked bool // since it came last
}

// askOwners is the timer's message to ask the owners of what was not taken.
type askOwners struct{}

// overtakes says whether an operation would leave before one that must be posted first, and notes that if so.
func (c *chat) overtakes(m *messages.Send) bool {
	if c.knows(m.After) {
		return false
	}
	key, now := keyOf(m.Operation), c.Now()
	r := c.refused[key]
	switch {
	case r == nil:
		r = &refusal{owner: opOwner{m.OwnerKind, m.OwnerId}, since: now}
		c.refused[key] = r
		c.askLater(askAfter)
	case now.Sub(r.since) >= refusedFor && !c.long():
		c.Log.Error("an operation is taken although the one before it is not known", "operation", key.id, "before", m.After.Id)
		return false
	}
	r.asked = false
	return true
}

// knows says whether an operation is in the queue, in flight or done, as far as the chat remembers.
func (c *chat) knows(op *messages.OperationVersion) bool {
	if op == nil {
		return true
	}
	if q := c.newest[op.Id]; q != nil {
		newest := q.op.Attempt
		if q.next != nil {
			newest = q.next.Operation.Attempt
		}
		return newest >= op.Attempt
	}
	if posted, is := c.posted.Get(op.Id); is && posted.Attempt >= op.Attempt {
		return true
	}
	_, done := c.done.Get(opKey{op.Id, messages.Version{Attempt: op.Attempt, Content: op.Content}})
	return done
}

// onAskOwners asks the owners of what has not been taken since. While the queue is long, only their own timers have them enqueue
// again.
func (c *chat) onAskOwners(askOwners) error {
	c.asking = false
	owners := map[opOwner]bool{}
	for key, r := range c.refused {
		if r.asked && c.Now().Sub(r.since) >= 2*refusedFor { // its owner does not want it any more
			delete(c.refused, key)
		} else if !r.asked && !c.long() {
			r.asked, owners[r.owner] = true, true
		}
	}
	if len(owners) > 0 {
		c.Log.Info("operations came without those before them, which their owners enqueue again", "owners", len(owners))
		c.tellOwners(owners)
	}
	if len(c.refused) > 0 {
		c.askLater(askAgainAfter)
	}
	return nil
}

// askLater sends askOwners once, however often it is called until then.
func (c *chat) askLater(d time.Duration) {
	if !c.asking {
		c.asking = true
		c.After(d, askOwners{})
	}
}

// long says whether what owners enqueue again may find no room.
func (c *chat) long() bool { return c.size >= chatQueueLimit/2 }
