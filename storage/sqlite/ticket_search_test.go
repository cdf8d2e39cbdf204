package sqlite

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/storage"
)

// searchedTicket returns the ticket number n, about one of seven floors.
func searchedTicket(n int) *storage.Ticket {
	at := time.UnixMilli(int64(n + 1))
	return &storage.Ticket{
		TicketID: fmt.Sprint("ticket ", n), Title: fmt.Sprintf("Printer %d on floor-%c", n, 'a'+n%7), Status: "open",
		CreatedBy: storage.Creator{Kind: "user", ID: "7"}, CreatedAt: at, UpdatedAt: at,
	}
}

// found counts what a search for a text finds.
func found(t *testing.T, s *Store, text, status string) int {
	t.Helper()
	q := storage.TicketQuery{Text: text, Limit: 1000}
	if status != "" {
		q.Statuses = []string{status}
	}
	page, err := s.ListTickets(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return len(page.Tickets)
}

// one reads a number from the database.
func one(t *testing.T, s *Store, query string) (n int64) {
	t.Helper()
	err := s.read(t.Context(), func(c *conn) error {
		n = rowsOf(t, c, query)[0].int(0)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// segments counts the segments of the search index.
const segments = `SELECT count(DISTINCT segid) FROM ticket_search_idx`

// TestSearchIsMerged: each transaction adds a segment to the search index and merges a little, even while tickets
// change their status. Without that, FTS5 would merge 16 segments in one piece, in whichever transaction comes next.
func TestSearchIsMerged(t *testing.T) {
	s := openStore(t, WithoutSync())
	const tickets, mostSegments = 200, 12
	most, onFloorD, closed := int64(0), 0, 0
	for n := range tickets {
		ticket := searchedTicket(n)
		if err := s.SaveTicket(t.Context(), ticket); err != nil {
			t.Fatal(err)
		}
		if n%7 == 3 {
			onFloorD++
			if n%2 == 0 {
				closed++
			}
		}
		if n%2 == 0 {
			ticket.Status = "closed"
			if err := s.SaveTicket(t.Context(), ticket); err != nil {
				t.Fatal(err)
			}
		}
		most = max(most, one(t, s, segments))
	}
	if most > mostSegments {
		t.Errorf("the search had %d segments, at most %d are merged in time", most, mostSegments)
	}
	if got := found(t, s, "floor-d", ""); got != onFloorD {
		t.Errorf("%d of %d found", got, onFloorD)
	}
	if got := found(t, s, "floor-d", "closed"); got != closed {
		t.Errorf("%d of %d closed ones found", got, closed)
	}
	if got := one(t, s, `SELECT v FROM ticket_search_config WHERE k = 'automerge'`); got != 0 {
		t.Errorf("FTS5 merges by itself after %d segments", got)
	}
}

// TestMergingIsMadeUpFor: after a merge that exceeded its budget, nothing is merged until tickets have made up for it.
func TestMergingIsMadeUpFor(t *testing.T) {
	s := openStore(t, WithoutSync())
	mergeBudget := func() (n int64) {
		t.Helper()
		onWriter(t, s, func(w *writer) error {
			n = w.mergeBudget
			return nil
		})
		return n
	}
	save := func(n int) {
		t.Helper()
		if err := s.SaveTicket(t.Context(), searchedTicket(n)); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 5 {
		save(n)
	}
	onWriter(t, s, func(w *writer) error {
		w.mergeBudget = -100
		return nil
	})
	before := one(t, s, segments)
	save(5)
	if got, now := mergeBudget(), one(t, s, segments); got <= -100 || got >= 0 || now != before+1 {
		t.Errorf("after one more ticket %d rows may be merged, there are %d segments instead of %d", got, now, before)
	}
	for n := 6; one(t, s, segments) > before; n++ {
		if n > 60 {
			t.Fatal("it is never merged again")
		}
		save(n)
	}
	if got := mergeBudget(); got >= minMerge {
		t.Errorf("the rows that a merge wrote are not counted: the budget is %d", got)
	}
	for n := range 3 {
		save(100 + n) // nothing to merge
	}
	onWriter(t, s, func(w *writer) error {
		w.mergeBudget = 1e6
		return nil
	})
	save(200)
	if got := mergeBudget(); got > maxMergeBudget+100 {
		t.Errorf("the budget keeps %d unused rows", got)
	}
}

// TestOneSegmentATransaction: tickets that change their status in one transaction, in whatever order, add one segment
// in all, not one each.
func TestOneSegmentATransaction(t *testing.T) {
	s := openStore(t, WithoutSync())
	const tickets = 12
	all := make([]*storage.Ticket, tickets)
	for n := range all {
		all[n] = searchedTicket(n)
		if err := s.SaveTicket(t.Context(), all[n]); err != nil {
			t.Fatal(err)
		}
	}
	before := one(t, s, segments)
	slices.Reverse(all)
	onWriter(t, s, func(w *writer) error {
		w.mergeBudget = -10_000
		for _, ticket := range all {
			record := ticket.Kept()
			record.Status = "closed"
			record.Version = 2
			doc, err := encode(&record)
			if err != nil {
				return err
			}
			if err := newTicketSave(&record, 1, doc).run(w); err != nil {
				return err
			}
		}
		return nil
	})
	if added := one(t, s, segments) - before; added != 1 {
		t.Errorf("%d segments were added", added)
	}
	if got := found(t, s, "printer", "closed"); got != tickets {
		t.Errorf("%d of %d are found closed", got, tickets)
	}
}
