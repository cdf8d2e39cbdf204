package sqlite

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/storage"
)

// TestOpenTicketsAreWokenOnceToBeJudged: the migration makes due what an earlier program left open, and nothing else.
func TestOpenTicketsAreWokenOnceToBeJudged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "desk.db")
	c, err := connectWriter(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if err := migrate(c, migrations[:12]); err != nil {
		t.Fatal(err)
	}
	at := time.UnixMilli(1_800_000_000_000).UTC()
	insert := c.extra(`INSERT INTO tickets (list_id, ticket_id, short_id, status, priority, group_id, creator_kind, creator_id,
		created_at, updated_at, due_at, words_hash, indexed_hash, version, doc)
		VALUES (?1, ?2, '0A1B2C3D', ?3, 'normal', 'g1', 'user', '7', ?4, ?4, ?5, 0, 0, 1, ?6)`)
	for i, status := range []string{"open", "pending", "closed", "open"} {
		r := &storage.Ticket{TicketID: fmt.Sprint("T", i), Status: status, GroupID: "g1", CreatedAt: at, Version: 1}
		due := any(nil)
		if i == 3 {
			r.DueAt, due = at.Add(time.Hour), millis(at.Add(time.Hour))
		}
		doc, err := encode(r)
		if err == nil {
			_, err = c.exec(insert, firstListID(millis(at))+int64(i), r.TicketID, status, millis(at), due, doc)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := c.close(); err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), path, WithoutSync())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	due := func() (ids []string) {
		t.Helper()
		page, err := s.DueTickets(t.Context(), at, storage.Due{}, 10)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range page {
			ids = append(ids, d.ID)
		}
		return ids
	}
	if got := due(); !slices.Equal(got, []string{"T0", "T1"}) {
		t.Error(got)
	}
	r, err := s.Ticket(t.Context(), "T0")
	if err != nil || !r.Unjudged() {
		t.Fatalf("%+v, %v", r, err)
	}
	r.WaitingFor, r.WaitingSince = storage.WaitsForDesk, at
	q := storage.TicketQuery{WaitingFor: storage.WaitsForDesk, By: storage.ByWaiting, Limit: 5}
	page, listErr := s.ListTickets(t.Context(), q)
	if len(page.Tickets) != 0 {
		t.Error(page.Tickets)
	}
	err = s.SaveTicket(t.Context(), r)
	page, laterErr := s.ListTickets(t.Context(), q)
	if err := errors.Join(err, listErr, laterErr); err != nil || len(page.Tickets) != 1 {
		t.Error(page.Tickets, err)
	}
	if got := due(); !slices.Equal(got, []string{"T1"}) {
		t.Error(got)
	}
}
