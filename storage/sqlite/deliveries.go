package sqlite

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/topicdesk/topicdesk/storage"
)

var (
	insertDelivery = define(`
		INSERT INTO deliveries
			(webhook_id, event_at, event_id, place, class, state, type, ticket_id, created_at, version, doc)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?) ON CONFLICT DO NOTHING`)
	updateDelivery = define(`
		UPDATE deliveries SET place = ?4, class = ?5, state = ?6, type = ?7, ticket_id = ?8, created_at = ?9,
			version = version + 1, doc = ?10
		WHERE webhook_id = ?1 AND event_at = ?2 AND event_id = ?3 AND version = ?11`)
	readDelivery = define(`SELECT doc FROM deliveries WHERE webhook_id = ? AND event_at = ? AND event_id = ?`)
	eventTime    = define(`SELECT at FROM events WHERE event_id = ?`)
	// Without the event's time SQLite reads the webhook's part of the index.
	searchDelivery = define(`SELECT doc FROM deliveries WHERE webhook_id = ? AND event_id = ?`)
	openDeliveries = define(`
		SELECT doc FROM deliveries WHERE webhook_id = ? AND place > ? AND class = 1 ORDER BY place LIMIT ?`)
	missingDeliveries = define(`
		SELECT doc FROM deliveries WHERE webhook_id = ? AND place > ? AND class = 2 ORDER BY place LIMIT ?`)
	// The document, which may be large, is read only where the filters accept the delivery.
	listDeliveries = define(`
		SELECT created_at, event_id, CASE WHEN (?5 = '' OR instr(?5, ' ' || state || ' '))
			AND (?6 = '' OR instr(?6, ' ' || type || ' ')) AND ?7 IN ('', ticket_id) THEN doc END
		FROM deliveries
		WHERE webhook_id = ?1 AND created_at >= ?2 AND (created_at, event_id) < (?3, ?4)
		ORDER BY created_at DESC, event_id DESC LIMIT ?8`)
	deleteDeliveries = define(`
		DELETE FROM deliveries WHERE rowid IN (
			SELECT rowid FROM deliveries WHERE webhook_id = ? AND created_at < ? AND (class <> 1 OR ?)
			ORDER BY created_at, event_id LIMIT ?)`)
)

// classOf is what the indexes distinguish: 1 are open, 2 are missing, 0 are all others.
func classOf(d *storage.Delivery) int64 {
	switch {
	case d.Open():
		return 1
	case d.Missing():
		return 2
	}
	return 0
}

func deliveryColumns(d *storage.Delivery, doc string) []any {
	return []any{
		d.WebhookID, millis(d.EventAt), d.EventID, storage.Place(d.Partition, d.Position), classOf(d), d.State, d.Type,
		d.TicketID, millis(d.CreatedAt), doc,
	}
}

// SaveDeliveries implements storage.Deliveries. It saves all of them or none.
func (s *Store) SaveDeliveries(ctx context.Context, deliveries []*storage.Delivery) error {
	if len(deliveries) == 0 {
		return ctx.Err()
	}
	type entry struct {
		event   string
		columns []any
		old     int64
	}
	entries := make([]entry, len(deliveries))
	for i, d := range deliveries {
		if err := validID("webhook or event id", d.WebhookID, d.EventID); err != nil {
			return err
		}
		record := d.Kept()
		record.Version++
		doc, err := encode(&record)
		if err != nil {
			return err
		}
		entries[i] = entry{d.EventID, deliveryColumns(&record, doc), d.Version}
	}
	err := s.write(ctx, func(w *writer) error {
		return w.atomically(func() (err error) {
			for _, e := range entries {
				if e.old == 0 {
					err = w.one(exists("delivery", e.event), insertDelivery, e.columns...)
				} else {
					err = w.one(conflict("delivery", e.event), updateDelivery, append(e.columns, e.old)...)
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
	})
	if err == nil {
		for _, d := range deliveries {
			d.Version++
		}
	}
	return err
}

// Delivery implements storage.Deliveries.
func (s *Store) Delivery(ctx context.Context, webhookID, eventID string) (*storage.Delivery, error) {
	found, err := s.DeliveriesOf(ctx, webhookID, []string{eventID})
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("delivery of %s to %s: %w", eventID, webhookID, storage.ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	return &found[0], nil
}

// DeliveriesOf implements storage.Deliveries.
func (s *Store) DeliveriesOf(ctx context.Context, webhookID string, eventIDs []string) (
	found []storage.Delivery, err error,
) {
	err = s.read(ctx, func(c *conn) error {
		for _, id := range eventIDs {
			one, err := deliveryOfEvent(c, webhookID, id)
			if err != nil {
				return err
			}
			found = append(found, one...)
		}
		return nil
	})
	return found, err
}

// deliveryOfEvent finds the delivery of an event, or none. It searches for it only where the event is gone: events that
// never had a delivery are looked up by the hundred.
func deliveryOfEvent(c *conn, webhookID, eventID string) (found []storage.Delivery, err error) {
	var times []int64
	if err := c.query(eventTime, func(r row) error {
		times = []int64{r.int(0), millis(time.Time{})} // none: a desk of before exported it, or it was copied from one
		return nil
	}, eventID); err != nil {
		return nil, err
	}
	if times == nil {
		return list[storage.Delivery](c, searchDelivery, webhookID, eventID)
	}
	for _, at := range times {
		if found, err = list[storage.Delivery](c, readDelivery, webhookID, at, eventID); err != nil || len(found) > 0 {
			break
		}
	}
	return found, err
}

// OpenDeliveries implements storage.Deliveries.
func (s *Store) OpenDeliveries(
	ctx context.Context, webhookID string, partition int, position int64, limit int,
) ([]storage.Delivery, error) {
	return readAll[storage.Delivery](ctx, s, openDeliveries, webhookID, place(partition, position), atMost(limit))
}

// MissingDeliveries implements storage.Deliveries.
func (s *Store) MissingDeliveries(
	ctx context.Context, webhookID string, partition int, position int64, limit int,
) ([]storage.Delivery, error) {
	return readAll[storage.Delivery](ctx, s, missingDeliveries, webhookID, place(partition, position), atMost(limit))
}

// ListDeliveries implements storage.Deliveries.
func (s *Store) ListDeliveries(ctx context.Context, q storage.DeliveryQuery) (page storage.DeliveryPage, err error) {
	since, before := int64(math.MinInt64), int64(math.MaxInt64)
	if !q.Since.IsZero() {
		since = millis(storage.Kept(q.Since))
	}
	if !q.Before.CreatedAt.IsZero() {
		before = millis(q.Before.CreatedAt)
	}
	limit := max(q.Limit, 0)
	err = s.read(ctx, func(c *conn) error {
		if limit == 0 {
			return nil
		}
		n, last := 0, storage.DeliveryCursor{}
		return ignoreEnough(c.query(listDeliveries, func(r row) error {
			if n == storage.DeliveriesRead || len(page.Deliveries) == limit {
				page.Next = &last
				return errEnough
			}
			n++
			last = storage.DeliveryCursor{CreatedAt: time.UnixMilli(r.int(0)).UTC(), EventID: r.text(1)}
			if r[2] == nil {
				return nil
			}
			page.Deliveries = append(page.Deliveries, storage.Delivery{})
			return decode(r.text(2), &page.Deliveries[len(page.Deliveries)-1])
		}, q.WebhookID, since, before, q.Before.EventID, anyOf(q.States), anyOf(q.Types), q.TicketID, int64(storage.DeliveriesRead+1)))
	})
	return page, err
}

// anyOf is how a statement takes one of several words. It is empty for none.
func anyOf(words []string) string {
	if len(words) == 0 {
		return ""
	}
	return " " + strings.Join(words, " ") + " "
}

// DeleteDeliveries implements storage.Deliveries.
func (s *Store) DeleteDeliveries(ctx context.Context, webhookID string, before time.Time, limit int) (int, error) {
	return s.deleteBefore(ctx, deleteDeliveries, webhookID, createdBefore(before), before.IsZero(), atMost(limit))
}

// createdBefore returns the bound of created_at: none for the zero time.
func createdBefore(before time.Time) int64 {
	if before.IsZero() {
		return math.MaxInt64
	}
	return millis(before)
}

// deleteBefore runs a statement that deletes records, and returns their number.
func (s *Store) deleteBefore(ctx context.Context, st *statement, args ...any) (int, error) {
	n := make(chan int64, 1)
	err := s.write(ctx, func(w *writer) error {
		deleted, err := w.exec(st, args...)
		n <- deleted
		return err
	})
	if err != nil {
		return 0, err
	}
	return int(<-n), nil
}
