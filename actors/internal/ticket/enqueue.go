package ticket

import "github.com/topicdesk/topicdesk/actors/internal/entity"

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
	t.enqueueAgain()
	t.tellChangesAgain()
	if t.Clustered() {
		t.wakeLinks()
	}
	if len(t.enqueued) > 0 || len(t.following) > 0 {
		t.EnqueueAgainLater()
	}
	t.reconcile()
	t.flushSoon()
	return nil
}
