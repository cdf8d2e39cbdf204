package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/topicdesk/topicdesk/storage"
)

var (
	insertEvent = define(`
		INSERT INTO events (partition, position, event_id, ticket_id, number, at, doc) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`)
	readEventID = define(`SELECT event_id FROM events WHERE partition = ? AND position = ?`)
	eventsAfter = define(`SELECT doc FROM events WHERE ticket_id = ? AND number > ? ORDER BY number LIMIT ?`)
	eventByID   = define(`SELECT doc FROM events WHERE event_id = ?`)
	logAfter    = define(`SELECT doc FROM events WHERE partition = ? AND position > ? ORDER BY position LIMIT ?`)
	logFirst    = define(`SELECT coalesce(min(position), 0), coalesce(max(position), 0) FROM events WHERE partition = ?`)
	deleteEv    = define(`DELETE FROM events WHERE partition = ?1 AND position IN (SELECT position FROM events WHERE partition = ?1 AND at < ?2 ORDER BY position LIMIT ?3) AND position < (SELECT max(position) FROM events WHERE partition = ?1)`)
)

func (s *Store) AppendEvents(ctx context.Context, events []storage.Event) error {
	if len(events) == 0 {
		return ctx.Err()
	}
	docs := make([]string, len(events))
	for i, e := range events {
		doc, err := encode(e.Kept())
		if err != nil {
			return err
		}
		docs[i] = doc
	}
	return s.write(ctx, func(w *writer) error {
		return w.atomically(func() error {
			for i, e := range events {
				var ticket any
				if e.TicketID != "" {
					ticket = e.TicketID
				}
				n, err := w.exec(insertEvent, int64(e.Partition), e.Position, e.EventID, ticket, e.Number, e.At.UnixMilli(), docs[i])
				if err != nil {
					return err
				}
				if n == 1 {
					continue
				}
				id := ""
				if err := w.conn.query(readEventID, func(r row) error { id = r.text(0); return nil }, int64(e.Partition), e.Position); err != nil {
					return err
				}
				if id != e.EventID {
					return fmt.Errorf("event %s: %w", e.EventID, storage.ErrConflict)
				}
			}
			return nil
		})
	})
}

func (s *Store) EventsAfter(ctx context.Context, ticketID string, after int64, limit int) ([]storage.Event, error) {
	return readAll[storage.Event](ctx, s, eventsAfter, ticketID, after, atMost(limit))
}

func (s *Store) LogAfter(ctx context.Context, partition int, after int64, limit int) ([]storage.Event, error) {
	return readAll[storage.Event](ctx, s, logAfter, int64(partition), after, atMost(limit))
}

func (s *Store) Event(ctx context.Context, id string) (*storage.Event, error) {
	all, err := readAll[storage.Event](ctx, s, eventByID, id)
	if err != nil || len(all) == 0 {
		return nil, storage.ErrNotFound
	}
	return &all[0], nil
}

func (s *Store) LogBounds(ctx context.Context) ([]storage.LogBounds, error) {
	out := make([]storage.LogBounds, storage.Partitions)
	err := s.read(ctx, func(c *conn) error {
		for p := range out {
			if err := c.query(logFirst, func(r row) error { out[p] = storage.LogBounds{First: r.int(0), Last: r.int(1)}; return nil }, int64(p)); err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

func (s *Store) DeleteEvents(ctx context.Context, partition int, before time.Time, limit int) (n int, err error) {
	err = s.write(ctx, func(w *writer) error {
		m, err := w.exec(deleteEv, int64(partition), before.UnixMilli(), int64(limit))
		n = int(m)
		return err
	})
	return n, err
}
