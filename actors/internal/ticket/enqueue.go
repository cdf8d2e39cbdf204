package ticket

import (
	"slices"
	"time"

	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// How the calls that are wanted get to their chats, again and again until they are answered.

// enqueueStep enqueues a call, unless it is enqueued already.
func (t *ticket) enqueueStep(s *step) {
	if _, enqueued := t.enqueued[s.op.Id]; enqueued {
		return
	}
	s.op.Attempt = t.tries[s.op.Id]
	t.enqueued[s.op.Id] = s
	t.Enqueue(s.op)
	t.EnqueueAgainLater()
}

// reconcileLater leaves it to the next onEnqueueAgain to find what is missing. Until then something is pending
// that is not enqueued.
func (t *ticket) reconcileLater() {
	t.deferred = true
	t.EnqueueAgainLater()
}

// onEnqueueAgain repeats what got no answer. A chat recognises what it has already.
func (t *ticket) onEnqueueAgain(entity.EnqueueAgain) error {
	t.deferred = false
	if t.record == nil {
		return nil
	}
	if err := t.behind(); err != nil {
		return err
	}
	t.askPending()
	t.enqueueAgain(false)
	t.tellChangesAgain()
	if t.Clustered() {
		t.wakeLinks()
	}
	if !t.allWaitForRoom() || len(t.following) > 0 {
		t.EnqueueAgainLater()
	}
	t.reconcile()
	t.flushSoon()
	return nil
}

// enqueueAgain enqueues all operations again that chats should have, or all without an answer.
func (t *ticket) enqueueAgain(all bool) {
	for _, s := range t.enqueued {
		if all {
			s.noRoom = false
		}
		if !s.noRoom {
			t.Enqueue(s.op)
		}
	}
}

func (t *ticket) onQueueLost(*messages.QueueLost) error {
	t.offerAgain()
	return nil
}

// offerAgain has chats look at all operations again.
func (t *ticket) offerAgain() {
	if len(t.enqueued) > 0 {
		t.enqueueAgain(true)
		t.EnqueueAgainLater()
	}
}

// onNoRoom hears that a chat says when it takes an operation for which nobody waits: of thousands that are due together, few
// wait with their chat, and the tickets of the others may rest (docs/decisions.md, D243).
func (t *ticket) onNoRoom(m *messages.NoRoom) error {
	of := m.GetOperation()
	if s := t.enqueued[of.GetId()]; s != nil && s.op.Attempt == of.Attempt && s.op.Content == of.Content {
		s.noRoom = true
	}
	return nil
}

// allWaitForRoom says whether no chat has anything of the ticket's, or owes an answer.
func (t *ticket) allWaitForRoom() bool {
	for _, s := range t.enqueued {
		if !s.noRoom {
			return false
		}
	}
	return true
}

// leftAlone is longer than the sweeps leave a ticket alone that stays due.
const leftAlone = 20 * time.Minute

// waitsForRoom says whether nothing is pending but what waits for room with chats, and no timer is due soon. The chats tell the
// ticket, and the sweep finds it.
func (t *ticket) waitsForRoom() bool {
	if next := nextTimer(t.record); !next.IsZero() && next.Before(t.now().Add(leftAlone)) {
		return false
	}
	return len(t.enqueued) > 0 && t.isFound() && t.allWaitForRoom() && !t.deferred && t.finishedThrough() == t.sequence &&
		!slices.ContainsFunc(t.record.Pending, func(p storage.Pending) bool { return t.enqueued[p.ID] == nil })
}
