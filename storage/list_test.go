package storage

import (
	"fmt"
	"testing"
	"time"
)

// TestLooker: a search that finds nothing ends, and returns the cursor from which to continue.
func TestLooker(t *testing.T) {
	look := func(until time.Time) (looked int, page TicketPage) {
		s, err := NewSearch("printer", false)
		if err != nil {
			t.Fatal(err)
		}
		l := NewLooker(&TicketQuery{Text: "printer", Limit: 10}, s)
		l.Until(until)
		at := time.Now()
		for n := range 2 * LooksAtMost {
			ticket := Ticket{TicketID: fmt.Sprint("T", n), Title: "coffee", CreatedAt: at.Add(-time.Duration(n) * time.Second)}
			if !l.Look(&ticket) {
				return looked, l.Page(false)
			}
			looked++
		}
		return looked, l.Page(true)
	}
	if n, page := look(time.Time{}); n != LooksAtMost || page.Next == nil {
		t.Errorf("%d were looked at, next is %v", n, page.Next)
	}
	if n, page := look(time.Now().Add(-time.Second)); n != 1 || page.Next == nil || page.Next.ID != "T0" {
		t.Errorf("%d were looked at without time, next is %v", n, page.Next)
	}
}
