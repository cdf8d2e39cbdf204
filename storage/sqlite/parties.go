package sqlite

import (
	"context"
	"math"

	"github.com/topicdesk/topicdesk/storage"
)

// Who is on tickets: rows beside the documents, written with them.

var (
	insertParty   = define(`INSERT INTO ticket_parties (party, created_at, ticket_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`)
	deleteParties = define(`DELETE FROM ticket_parties WHERE ticket_id = ?`)
	// The rows of a party are few, and each names one ticket.
	ticketsWith = define(`
		SELECT t.doc FROM ticket_parties p CROSS JOIN tickets t ON t.ticket_id = p.ticket_id
		WHERE p.party = ? ORDER BY p.created_at DESC, p.ticket_id DESC LIMIT ?`)
)

func (t *ticketSave) addParties(w *writer) error {
	for _, party := range t.parties {
		if _, err := w.exec(insertParty, party, t.createdAt, t.id); err != nil {
			return err
		}
	}
	return nil
}

func (t *ticketSave) replaceParties(w *writer) error {
	if _, err := w.exec(deleteParties, t.id); err != nil {
		return err
	}
	return t.addParties(w)
}

// TicketsWith implements storage.Tickets.
func (s *Store) TicketsWith(ctx context.Context, party string, limit int) ([]storage.Ticket, error) {
	return readAll[storage.Ticket](ctx, s, ticketsWith, party, atMost(limit))
}

// fillParties writes the parties of the tickets that are there. One that can't be decoded, which nobody can open either,
// must not keep the desk from starting.
func fillParties(c *conn) error {
	// Statements of this step alone, since later steps may leave other tables.
	next := c.extra(`SELECT list_id, doc FROM tickets WHERE list_id > ? ORDER BY list_id LIMIT 1000`)
	insert := c.extra(`INSERT INTO ticket_parties (party, created_at, ticket_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`)
	last := int64(math.MinInt64)
	for {
		var page []storage.Ticket
		before := last
		err := c.query(next, func(r row) error {
			last = r.int(0)
			t := storage.Ticket{}
			if decode(r.text(1), &t) == nil {
				page = append(page, t)
			}
			return nil
		}, last)
		if err != nil || last == before {
			return err
		}
		for i := range page {
			for _, party := range page[i].Parties() {
				if _, err := c.exec(insert, party, millis(page[i].CreatedAt), page[i].TicketID); err != nil {
					return err
				}
			}
		}
	}
}
