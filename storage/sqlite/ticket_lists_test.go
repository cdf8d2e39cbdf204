package sqlite

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/storage"
)

// TestSearchIsMerged: each transaction adds a segment to the search, and merges a little. Left to itself FTS5 would merge 16 segments
// at once, in whichever transaction comes next.
func TestSearchIsMerged(t *testing.T) {
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "desk.db"), WithoutSync())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	const tickets, mostSegments = 200, 12
	most, onFloorD := int64(0), 0
	for n := range tickets {
		at, floor := time.UnixMilli(int64(n)), string(rune('a'+n%7))
		if floor == "d" {
			onFloorD++
		}
		err := s.SaveTicket(t.Context(), &storage.Ticket{
			TicketID: fmt.Sprint("ticket ", n), Title: fmt.Sprintf("Printer %d on floor-%s", n, floor), Status: "open", CreatedAt: at, UpdatedAt: at,
		})
		if err != nil {
			t.Fatal(err)
		}
		err = s.read(t.Context(), func(c *conn) error {
			most = max(most, rowsOf(t, c, `SELECT count(DISTINCT segid) FROM ticket_search_idx`)[0].int(0))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if most > mostSegments {
		t.Errorf("the search had %d segments, at most %d are merged in time", most, mostSegments)
	}
	page, err := s.ListTickets(t.Context(), storage.TicketQuery{Text: "floor-d", Limit: 100})
	if err != nil || len(page.Tickets) != onFloorD {
		t.Errorf("%d of %d found, %v", len(page.Tickets), onFloorD, err)
	}
}
