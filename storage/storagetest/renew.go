package storagetest

import (
	"fmt"
	"testing"

	"github.com/topicdesk/topicdesk/storage"
)

// renewed are titles, a text that found each before the upgrade, and one that finds it only since.
var renewed = []struct{ title, before, since string }{
	{"Printer is on FIRE", "printer", "ｐｒｉｎｔｅｒ"},
	{"ทำรายการไม่ได้", "ทำรายการ", "ท\u0e4d\u0e32รายการ"},
	{"ท\u0e4d\u0e32สัญญา", "ท\u0e4d\u0e32สัญ", "ทำสัญญา"},
	{"ขอ\u200bใบ\u200bเสร็จ", "เสร็จ", "ขอใบเสร็จ"},
	{"เเก้ใบแจ้งหนี้", "เเก้", "แก้ใบ"},
	{"회의 일정", "", "회의"},
	{"会議 室の件", "", "会議"},
	{"in\u00advoice", "voice", "invoice"},
}

func renewedTickets(t *testing.T, f Factory) (s storage.Store, all []*storage.Ticket) {
	s = f.OpenFormer(t)
	for i := range f.Sizes.Rows {
		x := aTicket(fmt.Sprintf("T%03d", i))
		x.Title, x.Description, x.CreatedAt = renewed[i%len(renewed)].title, "", minute(i)
		noError(t, s.SaveTicket(t.Context(), x))
		all = append(all, x)
	}
	return f.Reopen(t, s), all
}

// finds returns how many tickets a text finds.
func finds(t *testing.T, s storage.Store, text string) (n int) {
	t.Helper()
	for q := (storage.TicketQuery{Text: text, Limit: 1000}); ; {
		page, err := s.ListTickets(t.Context(), q)
		noError(t, err)
		n += len(page.Tickets)
		if page.Next == nil {
			return n
		}
		q.After = page.Next
	}
}

// asBefore checks that every ticket is found as before the upgrade.
func asBefore(t *testing.T, s storage.Store, all []*storage.Ticket) {
	t.Helper()
	for i, r := range renewed[:min(len(renewed), len(all))] {
		want := (len(all)-i-1)/len(renewed) + 1
		if r.before == "" {
			continue
		}
		if got := finds(t, s, r.before); got != want {
			t.Fatalf("%q finds %d tickets, %d before the upgrade", r.before, got, want)
		}
	}
}

func renewAll(t *testing.T, s storage.Store, limit int) (looked int) {
	t.Helper()
	for {
		n, more, err := s.RenewSearch(t.Context(), limit)
		noError(t, err)
		if n > limit {
			t.Fatalf("%d tickets at once instead of %d", n, limit)
		}
		if looked += n; !more {
			return looked
		}
		if looked > 10_000 {
			t.Fatal("it never ends")
		}
	}
}

func asSince(t *testing.T, s storage.Store, all []*storage.Ticket) {
	t.Helper()
	asBefore(t, s, all)
	for i, r := range renewed[:min(len(renewed), len(all))] {
		if got, want := finds(t, s, r.since), (len(all)-i-1)/len(renewed)+1; got != want {
			t.Fatalf("%q finds %d of %d tickets", r.since, got, want)
		}
	}
}

// testRenewSearch: after an upgrade the index is made anew while the store serves.
func testRenewSearch(t *testing.T, f Factory) {
	if f.OpenFormer == nil {
		t.Skip("this store has no former release")
	}
	ctx := t.Context()
	t.Run("in batches, and meanwhile all is found as before", func(t *testing.T) {
		s, all := renewedTickets(t, f)
		asBefore(t, s, all)
		for looked, more := 0, true; more; {
			n, next, err := s.RenewSearch(ctx, 7)
			noError(t, err)
			asBefore(t, s, all)
			more = next
			if looked += n; looked > 2*len(all) {
				t.Fatal("it never ends")
			}
		}
		asSince(t, s, all)
		same(t, renewAll(t, s, 7), 0)
		for _, x := range all { // the records and their versions are as they were
			stored, err := s.Ticket(ctx, x.TicketID)
			noError(t, err)
			same(t, stored, x)
		}
	})
	t.Run("nothing is looked at by a limit of 0", func(t *testing.T) {
		s, _ := renewedTickets(t, f)
		n, more, err := s.RenewSearch(ctx, 0)
		noError(t, err)
		same(t, []any{n, more}, []any{0, true})
	})
	t.Run("tickets are opened and changed meanwhile", func(t *testing.T) {
		s, all := renewedTickets(t, f)
		changed := map[string]bool{}
		for i := range len(all) / 5 {
			_, _, err := s.RenewSearch(ctx, 3)
			noError(t, err)
			x := all[(i*13)%len(all)]
			x.Title = "Scanner ที่สาม"
			noError(t, s.SaveTicket(ctx, x))
			added := aTicket(fmt.Sprintf("A%03d", i))
			added.Title, added.CreatedAt = "scａnner", minute(-i)
			noError(t, s.SaveTicket(ctx, added))
			changed[x.TicketID] = true
			same(t, finds(t, s, "scanner"), len(changed)+i+1)
		}
		renewAll(t, s, 50)
		for _, x := range all {
			if finds(t, s, x.Title) == 0 {
				t.Errorf("%q is not found", x.Title)
			}
		}
	})
	t.Run("the next start has nothing to do", func(t *testing.T) {
		s, all := renewedTickets(t, f)
		renewAll(t, s, 50)
		s = f.Reopen(t, s)
		same(t, renewAll(t, s, 50), 0)
		asSince(t, s, all)
	})
	t.Run("an interruption loses nothing", func(t *testing.T) {
		if f.Crashes == nil {
			t.Skip("nothing is known of what a crash leaves")
		}
		s, all := renewedTickets(t, f)
		_, _, err := s.RenewSearch(ctx, 4)
		noError(t, err)
		for _, crash := range f.Crashes(t, s, func() { _, _, err = s.RenewSearch(ctx, 8) }) {
			left := crash.Open(t)
			asBefore(t, left, all)
			renewAll(t, left, 50)
			asSince(t, left, all)
		}
		noError(t, err)
	})
}
