package storagetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/topicdesk/topicdesk/storage"
)

func testTicketLists(t *testing.T, f Factory) {
	ctx := t.Context()
	s := f.Open(t)
	var all []storage.Ticket
	for i := range f.Sizes.Rows {
		ticket := aTicket(fmt.Sprintf("T%03d", i*7%f.Sizes.Rows)) // ids in another order than times
		ticket.CreatedAt = minute(i / 3).Add(time.Millisecond)    // several at one moment, an odd one
		ticket.UpdatedAt = minute((f.Sizes.Rows - i) / 2)
		ticket.LastMessageAt = minute(i * 5 % f.Sizes.Rows / 2)
		ticket.Status = []string{"open", "pending", "closed"}[i%3]
		ticket.Priority = []string{"low", "high"}[i%2]
		ticket.GroupID = []string{"g1", "g2"}[i/2%2]
		ticket.CreatedBy = storage.Creator{Kind: "apiKey", ID: []string{"k1", "k2"}[i/4%2], Name: "CRM"}
		if ticket.WaitingFor = []string{"desk", "customer", ""}[i/5%3]; ticket.WaitingFor != "" {
			ticket.WaitingSince = minute(i * 3 % f.Sizes.Rows / 2)
		}
		if i%4 != 0 {
			ticket.Assignee = &storage.Creator{Kind: "user", ID: []string{"1", "2"}[i/7%2], Name: "Ben"}
		}
		if slices.ContainsFunc(all, func(o storage.Ticket) bool { return o.TicketID == ticket.TicketID }) {
			continue
		}
		noError(t, s.SaveTicket(ctx, ticket))
		all = append(all, *ticket)
	}
	list := func(t *testing.T, q storage.TicketQuery) (got []storage.Ticket) {
		t.Helper()
		for pages := 0; ; pages++ {
			page, err := s.ListTickets(ctx, q)
			noError(t, err)
			got = append(got, page.Tickets...)
			if page.Next == nil {
				return got
			}
			if len(page.Tickets) != q.Limit || pages > len(all) {
				t.Fatalf("%+v: a page of %d, and a next one", q, len(page.Tickets))
			}
			q.After = page.Next
		}
	}
	want := func(q storage.TicketQuery) []storage.Ticket {
		wanted := slices.DeleteFunc(slices.Clone(all), func(x storage.Ticket) bool { return !q.Wants(&x, nil) })
		slices.SortFunc(wanted, func(a, b storage.Ticket) int { return q.Compare(q.Place(&a), q.Place(&b)) })
		return wanted
	}
	t.Run("every combination that is served, in both orders and directions, page by page", func(t *testing.T) {
		for n := range 9 * 32 {
			q := storage.TicketQuery{By: storage.TicketTime(n / 96), OldestFirst: n&2 != 0, Limit: 1 + n%7}
			q.Statuses = [][]string{nil, {"open"}, {"closed", "open"}}[n/32%3]
			if n&8 != 0 {
				q.GroupID = "g1"
			}
			if n&16 != 0 {
				q.Creator = storage.CreatorKey{Kind: "apiKey", ID: "k2"}
			}
			q.Priorities = [][]string{nil, {"high"}, {"high", "urgent", "low"}, nil}[n&4/2+n&1]
			some := len(q.Priorities) > 0
			if some && q.Creator.ID != "" || q.By == storage.ByLastMessage && (some || q.Creator.ID != "") {
				_, err := s.ListTickets(ctx, q)
				fails(t, err, storage.ErrNoIndex)
				continue
			}
			same(t, list(t, q), want(q))
		}
	})
	t.Run("what waits for a side, and what somebody has claimed", func(t *testing.T) {
		some := 0
		for n := range 48 {
			q := storage.TicketQuery{OldestFirst: n&1 != 0, Limit: 1 + n%5}
			q.Statuses = [][]string{nil, {"open"}, {"closed", "open"}}[n/8%3]
			if n&2 != 0 {
				q.GroupID = "g1"
			}
			if q.Assignee = "1"; n&4 != 0 {
				q.Assignee, q.By, q.WaitingFor = "", storage.ByWaiting, []string{"desk", "customer"}[n/24]
			}
			some += len(want(q))
			same(t, list(t, q), want(q))
		}
		if some < 2*f.Sizes.Rows {
			t.Errorf("the lists are of %d tickets in all", some)
		}
		for _, q := range []storage.TicketQuery{
			{By: storage.ByWaiting}, {WaitingFor: "desk"}, {WaitingFor: "nobody", By: storage.ByWaiting},
			{WaitingFor: "desk", By: storage.ByWaiting, Assignee: "1"},
			{WaitingFor: "desk", By: storage.ByWaiting, Priorities: []string{"high"}},
			{Assignee: "1", By: storage.ByUpdated}, {Assignee: "1", Creator: storage.CreatorKey{Kind: "apiKey", ID: "k1"}},
		} {
			q.Limit = 1
			_, err := s.ListTickets(ctx, q)
			fails(t, err, storage.ErrNoIndex)
		}
	})
	t.Run("a ticket is listed by what it waits for now, and by who has it now", func(t *testing.T) {
		waiting := storage.TicketQuery{WaitingFor: "desk", By: storage.ByWaiting, OldestFirst: true, Limit: 100, To: minute(-1)}
		mine := storage.TicketQuery{Assignee: "77", Limit: 100}
		x := all[0]
		for _, change := range []func(){
			func() { x.WaitingFor, x.WaitingSince = "desk", minute(-5) },
			func() { x.WaitingSince = minute(-7) },
			func() { x.Assignee = &storage.Creator{Kind: "user", ID: "77"} },
			func() { x.WaitingFor = "customer" },
			func() { x.WaitingFor, x.WaitingSince, x.Status, x.Assignee = "", time.Time{}, "closed", nil },
		} {
			change()
			noError(t, s.SaveTicket(ctx, &x))
			all[0] = x
			same(t, list(t, waiting), want(waiting))
			same(t, list(t, mine), want(mine))
		}
	})
	t.Run("ranges include their beginning and not their end", func(t *testing.T) {
		for _, q := range []storage.TicketQuery{
			{From: minute(2)}, {To: minute(2)}, {From: minute(1), To: minute(3)}, {From: minute(3), To: minute(1)},
			{From: minute(1).Add(time.Microsecond), To: minute(2).Add(time.Microsecond)},
			{From: minute(1), To: minute(4), By: storage.ByUpdated, GroupID: "g1"},
		} {
			q.Limit = 2
			same(t, list(t, q), want(q))
			q.OldestFirst = true
			same(t, list(t, q), want(q))
		}
	})
	t.Run("nothing is skipped or repeated while tickets are added", func(t *testing.T) {
		for _, oldestFirst := range []bool{false, true} {
			q := storage.TicketQuery{OldestFirst: oldestFirst, Limit: 4}
			before := want(q)
			var got []string
			for n := 0; ; n++ {
				page, err := s.ListTickets(ctx, q)
				noError(t, err)
				for _, x := range page.Tickets {
					got = append(got, x.TicketID)
				}
				if page.Next == nil {
					break
				}
				q.After = page.Next
				for i, at := range []time.Time{minute(-n), minute(1000 + n), page.Next.At} {
					added := aTicket(fmt.Sprintf("A%v%d-%d", oldestFirst, n, i))
					added.CreatedAt, added.Status = at, "open"
					if n < 3 {
						noError(t, s.SaveTicket(ctx, added))
						all = append(all, *added)
					}
				}
			}
			added := fmt.Sprintf("A%v", oldestFirst)
			got = slices.DeleteFunc(got, func(id string) bool { return strings.HasPrefix(id, added) })
			var ids []string
			for _, x := range before {
				ids = append(ids, x.TicketID)
			}
			same(t, got, ids)
		}
	})
	t.Run("a list of nothing", func(t *testing.T) {
		page, err := s.ListTickets(ctx, storage.TicketQuery{Limit: 0})
		noError(t, err)
		same(t, page, storage.TicketPage{})
		page, err = s.ListTickets(ctx, storage.TicketQuery{Limit: 3, GroupID: "nowhere"})
		noError(t, err)
		same(t, page, storage.TicketPage{})
	})
}

func testTicketSearch(t *testing.T, f Factory) {
	ctx := t.Context()
	s := f.Open(t)
	titles := []string{
		"Printer is on FIRE", "printers", "The print", "เครื่องพิมพ์ไม่ทำงาน", "ปริ้นเตอร์เสีย", "Ça va? Élan",
		"Stra\u00dfe 12",
		"50% off <b>&", "emoji 🖨️🔥🧯 here", "nothing of the kind",
	}
	tickets := map[string]*storage.Ticket{}
	for i, title := range titles {
		x := aTicket(fmt.Sprintf("T%d", i))
		x.Title, x.CreatedAt = title, minute(i/2).Add(time.Millisecond)
		x.Description = "quiet " + strings.Repeat("z", i)
		noError(t, s.SaveTicket(ctx, x))
		tickets[x.TicketID] = x
	}
	find := func(t *testing.T, q storage.TicketQuery, want ...string) {
		t.Helper()
		var got []string
		for q.Limit = 2; ; {
			page, err := s.ListTickets(ctx, q)
			noError(t, err)
			for _, x := range page.Tickets {
				got = append(got, x.TicketID)
			}
			if page.Next == nil {
				break
			}
			q.After = page.Next
		}
		same(t, got, want)
	}
	text := func(s string) storage.TicketQuery { return storage.TicketQuery{Text: s} }
	t.Run("parts of words are found, in either case, newest first", func(t *testing.T) {
		find(t, text("PRINT"), "T2", "T1", "T0")
		find(t, storage.TicketQuery{Text: "print", OldestFirst: true}, "T0", "T1", "T2")
		find(t, text("rinters"), "T1")
		find(t, text("prince"))
	})
	t.Run("every word must be there, short ones too, in any order", func(t *testing.T) {
		find(t, text("fire printer"), "T0")
		find(t, text("  on  printer "), "T0")
		find(t, text("printer xx"))
		find(t, text("quiet print"), "T2", "T1", "T0")
	})
	t.Run("Thai, accents, other letters and signs", func(t *testing.T) {
		find(t, text("พิมพ์"), "T3")
		find(t, text("ไม่ทำงาน"), "T3")
		find(t, text("เตอร์"), "T4")
		find(t, text("e\u0301lan"), "T5") // decomposed
		find(t, text("STRASSE"), "T6")
		find(t, text("50%"), "T7")
		find(t, text("<b>&"), "T7")
		find(t, text("🔥🧯"+" here"), "T8")
		find(t, text("\" OR * NEAR("))
	})
	t.Run("with filters and ranges", func(t *testing.T) {
		x := tickets["T1"]
		x.Status, x.Priority, x.GroupID, x.CreatedBy.ID = "closed", "urgent", "g2", "9"
		noError(t, s.SaveTicket(ctx, x))
		find(t, storage.TicketQuery{Text: "print", Statuses: []string{"open"}}, "T2", "T0")
		find(t, storage.TicketQuery{Text: "print", Statuses: []string{"closed"}}, "T1")
		find(t, storage.TicketQuery{Text: "print", Priorities: []string{"urgent"}}, "T1")
		find(t, storage.TicketQuery{Text: "print", GroupID: "g1"}, "T2", "T0")
		find(t, storage.TicketQuery{Text: "print", Groups: []string{"g1"}}, "T2", "T0")
		find(t, storage.TicketQuery{Text: "print", Groups: []string{"g1", "g2", "g3"}}, "T2", "T1", "T0")
		find(t, storage.TicketQuery{Text: "print", Groups: []string{"g9"}})
		many := []string{"g1"}
		for n := range 300 {
			many = append(many, fmt.Sprint("h", n))
		}
		find(t, storage.TicketQuery{Text: "print", Groups: many}, "T2", "T0")
		find(t, storage.TicketQuery{Text: "print", Groups: many[:100]}, "T2", "T0")
		find(t, storage.TicketQuery{Text: "print", Creator: storage.CreatorKey{Kind: "user", ID: "9"}}, "T1")
		find(t, storage.TicketQuery{Text: "print", From: minute(1)}, "T2")
		find(t, storage.TicketQuery{Text: "print", To: minute(1)}, "T1", "T0")
	})
	t.Run("a ticket is found by its current text, not by its previous one", func(t *testing.T) {
		x := tickets["T2"]
		x.Title = "Scanner"
		noError(t, s.SaveTicket(ctx, x))
		find(t, text("print"), "T1", "T0")
		find(t, text("scanner"), "T2")
		x.CreatedAt = minute(99)
		noError(t, s.SaveTicket(ctx, x))
		find(t, text("quiet zz"), "T2", "T9", "T8", "T7", "T6", "T5", "T4", "T3")
		stale := *tickets["T0"]
		stale.Version, stale.Title = 7, "never said"
		fails(t, s.SaveTicket(ctx, &stale), storage.ErrConflict)
		find(t, text("never"))
	})
	t.Run("what can't be searched for is refused", func(t *testing.T) {
		for _, words := range []string{"ab", "a b c", " ", strings.Repeat("x", 201)} {
			_, err := s.ListTickets(ctx, storage.TicketQuery{Text: words, Limit: 1})
			fails(t, err, storage.ErrSearch)
		}
		for _, q := range []storage.TicketQuery{
			{Groups: []string{"g1"}}, {Text: "print", GroupID: "g1", Groups: []string{"g1"}},
			{Text: "print", By: storage.ByUpdated}, {Text: "print", ExternalID: "x"}, {ExternalID: "x", By: storage.ByUpdated},
		} {
			q.Limit = 1
			_, err := s.ListTickets(ctx, q)
			fails(t, err, storage.ErrNoIndex)
		}
	})
}

func testExternalIDs(t *testing.T, f Factory) {
	ctx := t.Context()
	s := f.Open(t)
	with := func(id, kind, creator, external string) *storage.Ticket {
		x := aTicket(id)
		x.CreatedBy, x.ExternalID = storage.Creator{Kind: kind, ID: creator}, external
		return x
	}
	a := with("A", "apiKey", "k1", "crm-1")
	noError(t, s.SaveTicket(ctx, a))
	fails(t, s.SaveTicket(ctx, with("B", "apiKey", "k1", "crm-1")), storage.ErrExternalIDTaken)
	fails(t, s.SaveTicket(ctx, with("A", "apiKey", "k1", "crm-1")), storage.ErrExists)
	noError(t, s.SaveTicket(ctx, with("C", "apiKey", "k2", "crm-1")))
	noError(t, s.SaveTicket(ctx, with("D", "user", "k1", "crm-1")))
	e, g := with("E", "apiKey", "k1", ""), with("F", "apiKey", "k1", "")
	noError(t, s.SaveTicket(ctx, e))
	noError(t, s.SaveTicket(ctx, g))
	wish := *e
	wish.ExternalID, wish.Status = "crm-1", "closed"
	fails(t, s.SaveTicket(ctx, &wish), storage.ErrExternalIDTaken)
	stored, err := s.Ticket(ctx, "E")
	noError(t, err)
	same(t, stored, e)
	noError(t, s.SaveTicket(ctx, a)) // its own
	page, err := s.ListTickets(ctx, storage.TicketQuery{ExternalID: "crm-1", Limit: 2})
	noError(t, err)
	same(t, len(page.Tickets), 2)
	q := storage.TicketQuery{ExternalID: "crm-1", Creator: storage.CreatorKey{Kind: "apiKey", ID: "k1"}, Limit: 5}
	page, err = s.ListTickets(ctx, q)
	noError(t, err)
	same(t, page, storage.TicketPage{Tickets: []storage.Ticket{*a}})
	a.ExternalID = "" // releases it
	noError(t, s.SaveTicket(ctx, a))
	e.ExternalID = "crm-1"
	noError(t, s.SaveTicket(ctx, e))
	page, err = s.ListTickets(ctx, q)
	noError(t, err)
	same(t, page, storage.TicketPage{Tickets: []storage.Ticket{*e}})
}

// anyQuery returns a random query, served or not.
func anyQuery(t *rapid.T) storage.TicketQuery {
	q := storage.TicketQuery{
		Statuses:   some(t, "q statuses", "open", "closed", "pending"),
		Priorities: some(t, "q priorities", "low", "high", "urgent"),
		GroupID:    name(t, "q group", "", "g1"), ExternalID: name(t, "q external", "", "", "", "x"),
		Text:       name(t, "q text", "", "", "", "print", "PRINTER", "พิมพ์", "xx", "2", "#1", "#3"),
		WaitingFor: name(t, "q waiting", "", "", "", "desk", "customer"), Assignee: name(t, "q assignee", "", "", "", "1"),
		By: storage.TicketTime(max(number(t, "q by", 6)-3, 0)), OldestFirst: number(t, "q oldest", 1) == 0,
		From: when(t, "q from"), To: when(t, "q to"), Limit: int(number(t, "q limit", 3)),
	}
	if q.Text != "" && number(t, "q groups", 2) == 0 {
		q.Groups = some(t, "q some groups", "g1", "g2", "g3")
	}
	if number(t, "q creator", 2) == 0 {
		q.Creator = storage.CreatorKey{Kind: "user", ID: "1"}
	}
	if number(t, "q after", 2) == 0 {
		q.After = &storage.Cursor{At: when(t, "q after at"), ID: name(t, "q after id", "A", "B")}
	}
	return q
}

// some returns some of the values, each once; often none.
func some(t *rapid.T, label string, values ...string) (list []string) {
	bits := max(number(t, label, 11)-4, 0)
	for i, value := range values {
		if bits&(1<<i) != 0 {
			list = append(list, value)
		}
	}
	return list
}
