package desk

import (
	"context"
	"fmt"
	"strconv"

	"github.com/topicdesk/topicdesk/storage"
)

// Hear changes for whom a ticket waits by the next of its messages.
func Hear(r *storage.Ticket, m *storage.Message) {
	whom := map[string]string{
		storage.WaitsForDesk: storage.WaitsForCustomer, storage.WaitsForCustomer: storage.WaitsForDesk,
	}[m.Side]
	if r.Status == StatusClosed {
		return
	}
	x := &r.Timers
	if m.Sender.Kind == "user" && r.Assignee != nil && strconv.FormatInt(m.Sender.ID, 10) == r.Assignee.ID {
		x.ClaimHeardAt = m.RecordedAt // also by a note, or thanks
	}
	if whom == storage.WaitsForDesk && !x.SnoozedUntil.IsZero() {
		x.TakeUp(m.RecordedAt)
	}
	if whom == storage.WaitsForCustomer && r.WaitingFor == whom {
		x.QuietSince = m.RecordedAt // the customer has the time to answer this, too
	}
	if whom != "" && r.WaitingFor != whom {
		r.WaitingFor, r.WaitingSince = whom, m.RecordedAt
		x.Waits() // the next save works out what is due
	}
}

// CatchUp hears what was said since a record was saved, as its entity does when it is loaded. A ticket that
// the sweep does not look for has saved all.
func CatchUp(ctx context.Context, store storage.Messages, r *storage.Ticket) error {
	if r.DueAt.IsZero() || r.Unjudged() || r.Status == StatusClosed {
		return nil
	}
	for {
		page, err := store.MessagesAfter(ctx, r.TicketID, r.WaitingThrough, PageOfMessages)
		if err != nil {
			return fmt.Errorf("read messages: %w", err)
		}
		for i := range page {
			m := &page[i]
			Hear(r, m)
			r.WaitingThrough = m.Sequence
			if m.RecordedAt.After(r.LastMessageAt) {
				r.LastMessageAt = m.RecordedAt
			}
		}
		if len(page) < PageOfMessages {
			return nil
		}
	}
}
