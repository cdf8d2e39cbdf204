package sqlite

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/topicdesk/topicdesk/storage"
)

// Numbers of tickets. ticket_numbers has a row once the first was taken.

var takeNumbers = define(`
	INSERT INTO ticket_numbers (id, last)
	VALUES (1, ?1 + coalesce((SELECT number FROM tickets WHERE number IS NOT NULL ORDER BY number DESC LIMIT 1), 0))
	ON CONFLICT DO UPDATE SET last = last + ?1 RETURNING last`)

// TakeNumbers implements storage.Tickets.
func (s *Store) TakeNumbers(ctx context.Context, n int) (first int64, err error) {
	if n <= 0 {
		return 0, errors.New("sqlite: " + strconv.Itoa(n) + " numbers of tickets can't be taken")
	}
	err = s.write(ctx, func(w *writer) error {
		return w.conn.query(takeNumbers, func(r row) error {
			first = r.int(0) - int64(n) + 1
			return nil
		}, int64(n))
	})
	if err != nil {
		return 0, err
	}
	return first, nil
}

// numberTickets numbers the tickets of earlier schemas in the order of their creation. A ticket whose document can't be
// decoded gets a number that only its column has.
func numberTickets(c *conn) error {
	// Statements of this step alone, since the tables that later steps leave may not suit them.
	next := c.extra(`SELECT list_id, ticket_id, created_at, doc FROM tickets WHERE list_id > ? ORDER BY list_id LIMIT 1000`)
	newest := c.extra(`SELECT doc FROM messages WHERE ticket_id = ? ORDER BY sequence DESC LIMIT 1`)
	update := c.extra(`UPDATE tickets SET number = ?2, last_message_at = ?3, indexed_hash = 0, doc = ?4 WHERE list_id = ?1`)
	type ticket struct {
		listID, at int64
		id, doc    string
	}
	number, after := int64(0), int64(math.MinInt64)
	for {
		var page []ticket
		err := c.query(next, func(r row) error {
			page = append(page, ticket{listID: r.int(0), id: r.text(1), at: r.int(2), doc: r.text(3)})
			return nil
		}, after)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, t := range page {
			number, after = number+1, t.listID
			var last storage.Message
			err := c.query(newest, func(r row) error {
				if decode(r.text(0), &last) != nil {
					last = storage.Message{}
				}
				return nil
			}, t.id)
			if err != nil {
				return err
			}
			var record storage.Ticket
			if decode(t.doc, &record) == nil {
				record.Number, record.LastMessageAt = number, record.CreatedAt
				if last.RecordedAt.After(record.CreatedAt) {
					record.LastMessageAt = last.RecordedAt
				}
				if t.doc, err = encode(&record); err != nil {
					return err
				}
				t.at = millis(record.LastMessageAt)
			}
			if _, err := c.exec(update, t.listID, number, t.at, t.doc); err != nil {
				return fmt.Errorf("number %s: %w", t.id, err)
			}
		}
	}
}
