package report

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/storage/sqlite"
)

// TestOpenTicketsAtTheEdgesOfAges: a ticket is under an age until it has it, whatever has become of it since it was opened, unless it is closed.
func TestOpenTicketsAtTheEdgesOfAges(t *testing.T) {
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "desk.db"), sqlite.WithoutSync())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	now := time.Date(2026, 3, 29, 1, 30, 0, 123_456_789, time.UTC) // clocks are set in Europe, which ages do not know
	const day, ms = 24 * time.Hour, time.Millisecond
	var want [7]struct{ open, pending, sales int64 }
	for i, of := range []struct {
		age time.Duration
		row int
	}{
		{-time.Hour, 0}, {0, 0}, {time.Hour - ms, 0}, {time.Hour, 1}, {4*time.Hour - ms, 1}, {4 * time.Hour, 2}, {day - ms, 2}, {day, 3},
		{3*day - ms, 3}, {3 * day, 4}, {7*day - ms, 4}, {7 * day, 5}, {30*day - ms, 5}, {30 * day, 6}, {1000 * day, 6},
	} {
		save := func(group string, statuses ...string) {
			t.Helper()
			r := &storage.Ticket{TicketID: fmt.Sprint("TICK-", i, group, statuses), GroupID: group, Priority: "normal", CreatedAt: now.Add(-of.age).Truncate(ms)}
			for n, status := range statuses { // it became each in turn
				r.Status, r.UpdatedAt = status, now.Add(time.Duration(n)*time.Minute)
				if err := store.SaveTicket(t.Context(), r); err != nil {
					t.Fatal(err)
				}
			}
		}
		save("g1", "open", "closed")
		save("g1", "closed", "open")
		save("g1", "open", "pending")
		want[of.row].open++
		want[of.row].pending++
		if i%2 == 0 {
			save("g2", "open")
			want[of.row].sales++
		}
	}
	for group, openOf := range map[string]func(i int) int64{
		"g1": func(i int) int64 { return want[i].open }, "g2": func(i int) int64 { return want[i].sales },
		"": func(i int) int64 { return want[i].open + want[i].sales }, "g3": func(int) int64 { return 0 },
	} {
		got, err := Open(t.Context(), store, group, now)
		if err != nil || len(got.Rows) != len(want) {
			t.Fatal(got, err)
		}
		for i, row := range got.Rows {
			pending := want[i].pending
			if group != "" && group != "g1" {
				pending = 0
			}
			if row.Open != openOf(i) || row.Pending != pending {
				t.Errorf("%q from %s: %d open, %d pending, want %d and %d", group, time.Duration(row.FromMs)*ms, row.Open, row.Pending, openOf(i), pending)
			}
		}
	}
}
