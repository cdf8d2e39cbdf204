package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/topicdesk/topicdesk/storage"
)

var (
	insertEvent = define(`
		INSERT INTO events (place, event_id, ticket_id, number, at, doc) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`)
	readEvent    = define(`SELECT doc FROM events WHERE event_id = ?`)
	readPlace    = define(`SELECT doc FROM events WHERE place = ?`)
	eventAt      = define(`SELECT event_id FROM events WHERE place = ?`)
	eventsAfter  = define(`SELECT doc FROM events WHERE ticket_id = ? AND number > ? ORDER BY number LIMIT ?`)
	logAfter     = define(`SELECT doc FROM events WHERE place > ? AND place < ? ORDER BY place LIMIT ?`)
	lastPlace    = define(`SELECT coalesce(max(place), 0) FROM events WHERE place BETWEEN ? AND ?`)
	firstPlace   = define(`SELECT coalesce(min(place), 0) FROM events WHERE place BETWEEN ? AND ?`)
	oldestEvents = define(`SELECT place, at FROM events WHERE place BETWEEN ? AND ? ORDER BY place LIMIT ?`)
	deleteEvents = define(`DELETE FROM events WHERE place BETWEEN ? AND ?`)
)

// place is an event's place in the log as one number (docs/decisions.md, D91).
func place(partition int, position int64) int64 { return storage.Place(partition, position) }

func positionOf(place int64) int64 { return place & storage.MaxPosition }

// AppendEvents implements storage.Events. It stores all of them or none.
func (s *Store) AppendEvents(ctx context.Context, events []storage.Event) error {
	if len(events) == 0 {
		return ctx.Err()
	}
	if err := storage.CheckLog(events); err != nil {
		return fmt.Errorf("sqlite: %w", err)
	}
	rows := make([]eventRow, len(events))
	for i := range events {
		if err := validEvent(&events[i]); err != nil {
			return err
		}
		kept := events[i].Kept()
		doc, err := eventDocument(&kept)
		if err != nil {
			return err
		}
		rows[i] = newEventRow(&kept, doc)
	}
	return s.write(ctx, func(w *writer) error {
		if len(rows) == 1 { // a single write, which needs no savepoint
			return w.appendEvents(rows)
		}
		return w.atomically(func() error { return w.appendEvents(rows) })
	})
}

// eventDocument is encode for an event. The data go in as they are: the encoder would read and write each byte of them
// again, which took more time than the rest of the write.
func eventDocument(e *storage.Event) (string, error) {
	if len(e.Data) == 0 || !json.Valid(e.Data) {
		return encode(e)
	}
	rest := *e
	rest.Data = nil
	doc, err := encode(&rest)
	if err != nil {
		return "", err
	}
	return strings.TrimSuffix(doc, "}") + `,"data":` + string(e.Data) + "}", nil
}

// eventRow is an event as it is stored.
type eventRow struct {
	place   int64
	id      string
	columns []any
}

func validEvent(e *storage.Event) error {
	if e.TicketID == "" {
		return validID("event id", e.EventID)
	}
	return validID("ticket or event id", e.TicketID, e.EventID)
}

func newEventRow(e *storage.Event, doc string) eventRow {
	at := place(e.Partition, e.Position)
	return eventRow{at, e.EventID, []any{at, e.EventID, orNull(e.TicketID), e.Number, millis(e.At), doc}}
}

func (w *writer) appendEvents(events []eventRow) error {
	from := events[0].place &^ storage.MaxPosition
	last, err := position(w.conn, lastPlace, from, from|storage.MaxPosition)
	if err != nil {
		return err
	}
	for _, e := range events {
		switch at := positionOf(e.place); {
		case at <= last: // it may be there already
			stored := ""
			err := w.conn.query(eventAt, func(r row) error {
				stored = r.text(0)
				return nil
			}, e.place)
			if err != nil {
				return err
			}
			if stored != e.id {
				return e.conflict("event " + stored + " is there")
			}
			continue
		case last > 0 && at != last+1:
			return e.conflict(fmt.Sprintf("the last position is %d", last))
		default:
			last = at
		}
		if err := w.insertEvent(e); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) insertEvent(e eventRow) error {
	return w.one(e.conflict("another event has its place, id or number"), insertEvent, e.columns...)
}

func (e *eventRow) conflict(why string) error {
	return fmt.Errorf("event %s at %d/%d: %s: %w", e.id, e.place>>48, positionOf(e.place), why, storage.ErrConflict)
}

// EventsAfter implements storage.Events.
func (s *Store) EventsAfter(ctx context.Context, ticketID string, after int64, limit int) ([]storage.Event, error) {
	return readAll[storage.Event](ctx, s, eventsAfter, ticketID, after, atMost(limit))
}

// Event implements storage.Events.
func (s *Store) Event(ctx context.Context, eventID string) (*storage.Event, error) {
	return readOne[storage.Event](ctx, s, "event", readEvent, eventID)
}

// LogAfter implements storage.Events.
func (s *Store) LogAfter(ctx context.Context, partition int, after int64, limit int) ([]storage.Event, error) {
	from, end, err := placesAfter(partition, after)
	if err != nil {
		return nil, err
	}
	return readAll[storage.Event](ctx, s, logAfter, from, end, atMost(limit))
}

// placesAfter returns the bounds, both exclusive, of the places of a partition after a position.
func placesAfter(partition int, after int64) (from, end int64, err error) {
	if err := storage.CheckPartition(partition); err != nil {
		return 0, 0, fmt.Errorf("sqlite: %w", err)
	}
	return place(partition, min(max(after, 0), storage.MaxPosition)), place(partition+1, 0), nil
}

// LastPosition implements storage.Events.
func (s *Store) LastPosition(ctx context.Context, partition int) (last int64, err error) {
	from, end, err := placesAfter(partition, 0)
	if err != nil {
		return 0, err
	}
	err = s.read(ctx, func(c *conn) error {
		last, err = position(c, lastPlace, from, end-1)
		return err
	})
	return last, err
}

// position returns the position of the place that st finds, 0 when there is none.
func position(c *conn, st *statement, from, to int64) (found int64, err error) {
	err = c.query(st, func(r row) error {
		found = positionOf(r.int(0))
		return nil
	}, from, to)
	return found, err
}

// LogBounds implements storage.Events.
func (s *Store) LogBounds(ctx context.Context) (bounds []storage.LogBounds, err error) {
	err = s.read(ctx, func(c *conn) error {
		bounds = make([]storage.LogBounds, storage.Partitions)
		for p := range bounds {
			from, to := place(p, 1), place(p, storage.MaxPosition)
			// The first one first: when events are appended and deleted between the two, First is still not behind Last.
			if bounds[p].First, err = position(c, firstPlace, from, to); err != nil {
				return err
			}
			if bounds[p].Last, err = position(c, lastPlace, from, to); err != nil {
				return err
			}
		}
		return nil
	})
	return bounds, err
}

// DeleteEvents implements storage.Events.
func (s *Store) DeleteEvents(ctx context.Context, partition int, before time.Time, limit int) (deleted int, err error) {
	from, end, err := placesAfter(partition, 0)
	if err != nil || limit <= 0 {
		return 0, errors.Join(err, ctx.Err())
	}
	n := make(chan int64, 1)
	err = s.write(ctx, func(w *writer) error {
		var places []int64
		old := 0 // how many are old
		err := w.conn.query(oldestEvents, func(r row) error {
			places = append(places, r.int(0))
			if old == len(places)-1 && r.int(1) < millis(before) {
				old++
			}
			return nil
		}, from, end-1, int64(limit)+1)
		if err != nil {
			return err
		}
		// The last one that was read is the newest of the partition, or beyond the limit.
		deleted := int64(min(old, len(places)-1))
		if deleted > 0 {
			deleted, err = w.exec(deleteEvents, from, places[deleted-1])
		}
		n <- max(deleted, 0)
		return err
	})
	if err != nil {
		return 0, err
	}
	return int(<-n), nil
}
