package ticket

import (
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// change writes a changed record: the new state, its events and what is pending, all in one write. Memory changes
// only after the write has succeeded.
func (t *ticket) change(f func(*storage.Ticket)) error {
	next := desk.CloneTicket(t.record)
	f(next)
	return t.saveDue(next)
}

// saveDue writes the record as due, so that the sweep finds the ticket for as long as something is pending.
func (t *ticket) saveDue(next *storage.Ticket) error {
	next.DueAt = t.now().Add(desk.PendingFor)
	t.settleCards(next)
	return t.save(next)
}

func (t *ticket) save(next *storage.Ticket) error {
	if err := t.unmade; err != nil {
		t.unmade = nil
		return err
	}
	if err := t.retime(next); err != nil {
		return err
	}
	moot := dropMoot(next)
	if err := t.Store.SaveTicket(t.Ctx, next); err != nil {
		return fmt.Errorf("save the ticket: %w", err)
	}
	for _, id := range moot {
		if s := t.enqueued[id]; s != nil { // the chat may have it waiting for hours
			op := proto.CloneOf(s.op)
			op.Call = &messages.Operation_Withdraw{Withdraw: &messages.WithdrawCall{}}
			t.Enqueue(op)
		}
		delete(t.enqueued, id)
	}
	caused := next.Events
	if t.record != nil {
		caused = desk.EventsSince(t.record.Events, next.Events)
	}
	t.unnumbered = append(t.unnumbered, caused...)
	t.record = next
	t.armRing()
	return nil
}

// now is the time as stores keep it.
func (t *ticket) now() time.Time { return storage.Kept(t.Now()) }
