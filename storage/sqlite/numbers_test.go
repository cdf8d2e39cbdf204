package sqlite

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/storage"
)

// TestNumberTickets: the tickets of schema 6 are numbered in the order of their creation, with the time of their last
// message, and what they tell stays as it is.
func TestNumberTickets(t *testing.T) {
	path := filepath.Join(t.TempDir(), "desk.db")
	c, err := connectWriter(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if err := migrate(c, migrations[:6]); err != nil {
		t.Fatal(err)
	}
	const many = 1203
	created := func(n int) time.Time { return time.UnixMilli(int64(1_800_000_000_000 + n)).UTC() }
	said := created(5_000_000)
	insert := c.extra(`INSERT INTO tickets (list_id, ticket_id, short_id, status, priority, group_id, creator_kind,
		creator_id, created_at, updated_at, words_hash, indexed_hash, version, doc)
		VALUES (?1, ?2, '0A1B2C3D', 'open', 'normal', 'g1', 'user', '7', ?3, ?3, 0, 0, 1, ?4)`)
	speak := c.extra(`INSERT INTO messages (ticket_id, sequence, message_id, hidden, open, version, doc)
		VALUES (?, ?, ?, 0, 0, 1, ?)`)
	if err := c.run("BEGIN"); err != nil {
		t.Fatal(err)
	}
	for _, n := range shuffled(many) {
		id := fmt.Sprintf("TICK-%d", many-n) // ids in another order
		doc, err := encode(&storage.Ticket{TicketID: id, Title: "<&> ไทย", Status: "open", Priority: "normal", GroupID: "g1",
			CreatedBy: storage.Creator{Kind: "user", ID: "7"}, CreatedAt: created(n), UpdatedAt: created(n), Version: 1})
		if n == 7 {
			doc = `{"title":7}`
		}
		if err == nil {
			_, err = c.exec(insert, firstListID(millis(created(n))), id, millis(created(n)), doc)
		}
		for sequence := range int64(n % 3) {
			if err == nil {
				doc, err = encode(&storage.Message{TicketID: id, RecordedAt: said.Add(time.Duration(sequence) * time.Second)})
			}
			if err == nil {
				_, err = c.exec(speak, id, sequence+1, fmt.Sprint(id, ":", sequence), doc)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(c.run("COMMIT"), c.close()); err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), path, WithoutSync())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	for n := range many {
		id, err := s.TicketByNumber(t.Context(), int64(n+1))
		if err != nil || id != fmt.Sprintf("TICK-%d", many-n) {
			t.Fatalf("%d is %s, %v", n+1, id, err)
		}
		if n == 7 {
			continue
		}
		r, err := s.Ticket(t.Context(), id)
		want := created(n)
		if n%3 > 0 {
			want = said.Add(time.Duration(n%3-1) * time.Second)
		}
		if err != nil || r.Number != int64(n+1) || !r.LastMessageAt.Equal(want) || r.Title != "<&> ไทย" {
			t.Fatalf("%+v, %v, want %v", r, err, want)
		}
	}
	if first, err := s.TakeNumbers(t.Context(), 1); first != many+1 || err != nil {
		t.Error(first, err)
	}
}
