package sqlite

import (
	"context"
	"fmt"

	"github.com/topicdesk/topicdesk/storage"
)

var (
	insertEvent = define(`
		INSERT INTO events (ticket_id, number, event_id, doc) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`)
	readEventID = define(`SELECT event_id FROM events WHERE ticket_id = ? AND number = ?`)
	eventsAfter = define(`SELECT doc FROM events WHERE ticket_id = ? AND number > ? ORDER BY number LIMIT ?`)
)

// AppendEvents implements storage.Events. It stores all of them or none.
func (s *Store) AppendEvents(ctx context.Context, events []storage.Event) error {
	if len(events) == 0 {
		return ctx.Err()
	}
	type entry struct {
		ticket, id, doc string
		number          int64
	}
	entries := make([]entry, len(events))
	for i, e := range events {
		if err := validID("ticket or event id", e.TicketID, e.EventID); err != nil {
			return err
		}
		doc, err := encode(e.Kept())
		if err != nil {
			return err
		}
		entries[i] = entry{e.TicketID, e.EventID, doc, e.Number}
	}
	return s.write(ctx, func(w *writer) error {
		appendAll := func() error {
			for _, e := range entries {
				if err := w.appendEvent(e.ticket, e.number, e.id, e.doc); err != nil {
					return err
				}
			}
			return nil
		}
		if len(entries) == 1 {
			return appendAll()
		}
		return w.atomically(appendAll)
	})
}

func (w *writer) appendEvent(ticket string, number int64, id, doc string) error {
	n, err := w.exec(insertEvent, ticket, number, id, doc)
	if err != nil || n == 1 {
		return err
	}
	return w.conn.query(readEventID, func(r row) error {
		if r.text(0) != id {
			return fmt.Errorf("event %d of %s is %s, not %s: %w", number, ticket, r.text(0), id, storage.ErrConflict)
		}
		return nil
	}, ticket, number)
}

// EventsAfter implements storage.Events.
func (s *Store) EventsAfter(ctx context.Context, ticketID string, after int64, limit int) ([]storage.Event, error) {
	return readAll[storage.Event](ctx, s, eventsAfter, ticketID, after, atMost(limit))
}
