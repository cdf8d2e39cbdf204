package storage

import (
	"fmt"
	"testing"
	"time"
)

// TestLooker: a search that finds nothing ends, and says where to go on.
func TestLooker(t *testing.T) {
	look := func(until time.Time) (looked int, page TicketPage) {
		s, err := NewSearch("printer")
		if err != nil {
			t.Fatal(err)
		}
		l := NewLooker(&TicketQuery{Text: "printer", Limit: 10}, s)
		l.Until(until)
		at := time.Now()
		for n := range 2 * LooksAtMost {
			if !l.Look(&Ticket{TicketID: fmt.Sprint("T", n), Title: "coffee", CreatedAt: at.Add(-time.Duration(n) * time.Second)}) {
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
