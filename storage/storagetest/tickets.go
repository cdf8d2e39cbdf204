package storagetest

import (
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/storage"
)

func testTickets(t *testing.T, f Factory) {
	ctx := t.Context()
	testSaveable(t, f, "ticket")
	t.Run("metadata are read back as they were given", func(t *testing.T) {
		s := f.Open(t)
		for i, metadata := range []string{
			`{"a":1,"a":2}`, `{"deep":{"a":[],"a":{"b":null}}}`, `{"A":1,"a":2,"":3}`, `{"n":12345678901234567890.5e-7}`,
		} {
			ticket := aTicket(fmt.Sprint("T", i))
			ticket.Metadata = json.RawMessage(metadata)
			noError(t, s.SaveTicket(ctx, ticket))
			read, err := s.Ticket(ctx, ticket.TicketID)
			noError(t, err)
			same(t, string(read.Metadata), metadata)
		}
	})
	t.Run("numbers of tickets are taken once, after the highest that a ticket has, and belong to one ticket", func(t *testing.T) {
		s := f.Open(t)
		numbered := func(id string, number int64) *storage.Ticket {
			ticket := aTicket(id)
			ticket.Number = number
			return ticket
		}
		noError(t, s.SaveTicket(ctx, numbered("A", 7)))
		noError(t, s.SaveTicket(ctx, aTicket("B")))
		noError(t, s.SaveTicket(ctx, aTicket("C"))) // any may have none
		for _, x := range []struct{ n, first int64 }{{1, 8}, {3, 9}, {1, 12}} {
			first, err := s.TakeNumbers(ctx, int(x.n))
			noError(t, err)
			same(t, first, x.first)
		}
		if _, err := s.TakeNumbers(ctx, 0); err == nil {
			t.Error("no numbers were taken")
		}
		var taken sync.Map
		var takers sync.WaitGroup
		for range 4 {
			takers.Go(func() {
				for range 5 {
					first, err := s.TakeNumbers(ctx, 2)
					if _, twice := taken.LoadOrStore(first, true); twice || err != nil {
						t.Error(first, err)
					}
				}
			})
		}
		takers.Wait()
		first, err := s.TakeNumbers(ctx, 1)
		noError(t, err)
		same(t, first, int64(53))
		id, err := s.TicketByNumber(ctx, 7)
		noError(t, err)
		same(t, id, "A")
		_, err = s.TicketByNumber(ctx, 8)
		fails(t, err, storage.ErrNotFound)
		fails(t, s.SaveTicket(ctx, numbered("D", 7)), storage.ErrNumberTaken)
		other := numbered("E", 8)
		noError(t, s.SaveTicket(ctx, other))
		wish := *other
		wish.Number = 7
		fails(t, s.SaveTicket(ctx, &wish), storage.ErrNumberTaken)
		find := func(text string) (ids []string) {
			page, err := s.ListTickets(ctx, storage.TicketQuery{Text: text, Limit: 10})
			noError(t, err)
			for _, x := range page.Tickets {
				ids = append(ids, x.TicketID)
			}
			return ids
		}
		titled := numbered("F", 1007)
		titled.Title = "1007 pages, and 8"
		titled.CreatedAt = minute(-5)
		noError(t, s.SaveTicket(ctx, titled))
		told := aTicket("G")
		told.Title, told.CreatedAt = "error 1007", minute(5)
		noError(t, s.SaveTicket(ctx, told))
		for text, want := range map[string][]string{
			"7": {"A"}, "#7": {"A"}, "8": {"E"}, "#1007": {"F"}, "1007": {"G", "F"}, "#99": nil,
		} {
			same(t, find(text), want)
		}
	})
	t.Run("tickets are found by their short id", func(t *testing.T) {
		s := f.Open(t)
		for i := range 12 {
			ticket := aTicket(fmt.Sprintf("T%02d", i))
			ticket.ShortID = "0A1B2C3D"
			if i%2 == 0 {
				ticket.ShortID = fmt.Sprintf("%08X", i)
			}
			noError(t, s.SaveTicket(ctx, ticket))
		}
		ids, err := s.TicketsByShortID(ctx, "0A1B2C3D")
		noError(t, err)
		same(t, ids, []string{"T01", "T03", "T05", "T07", "T09", "T11"})
		ids, err = s.TicketsByShortID(ctx, "00000004")
		noError(t, err)
		same(t, ids, []string{"T04"})
		ids, err = s.TicketsByShortID(ctx, "FFFFFFFF")
		noError(t, err)
		same(t, len(ids), 0)
		for i := range 12 {
			noError(t, s.SaveTicket(ctx, aTicket(fmt.Sprintf("U%02d", i))))
		}
		ids, err = s.TicketsByShortID(ctx, "0A1B2C3D")
		noError(t, err)
		same(t, len(ids), 10)
	})
	t.Run("a creator's tickets come newest first, with or without the closed", func(t *testing.T) {
		s := f.Open(t)
		var all, open []storage.Ticket
		for i := range f.Sizes.Rows {
			ticket := aTicket(fmt.Sprintf("T%03d", i))
			ticket.CreatedAt = minute(i / 2) // always two at the same time
			ticket.Status = []string{"open", "closed", "pending"}[i%3]
			noError(t, s.SaveTicket(ctx, ticket))
			all = append([]storage.Ticket{*ticket}, all...)
			if ticket.Status != "closed" {
				open = append([]storage.Ticket{*ticket}, open...)
			}
		}
		others := []storage.Creator{{Kind: "apiKey", ID: "7"}, {Kind: "user", ID: "8"}, {Kind: "user", ID: ""}}
		for i, by := range others {
			ticket := aTicket(fmt.Sprintf("other %d", i))
			ticket.CreatedBy = by
			noError(t, s.SaveTicket(ctx, ticket))
		}
		for _, limit := range []int{1, 5, 1000} {
			got, err := s.TicketsByCreator(ctx, "user", "7", false, limit)
			noError(t, err)
			same(t, got, all[:min(limit, len(all))])
			got, err = s.TicketsByCreator(ctx, "user", "7", true, limit)
			noError(t, err)
			same(t, got, open[:min(limit, len(open))])
		}
		got, err := s.TicketsByCreator(ctx, "user", "nobody", false, 9)
		noError(t, err)
		same(t, len(got), 0)
	})
	t.Run("tickets are found by who is on them until they leave, and as closed once it is", func(t *testing.T) {
		s := f.Open(t)
		ticket := aTicket("A")
		with := func(party string, want ...string) {
			t.Helper()
			for limit := range len(want) + 2 {
				page, err := s.TicketsWith(ctx, party, limit)
				noError(t, err)
				var got []string
				for i := range page {
					got = append(got, page[i].TicketID)
				}
				same(t, got, slices.Clone(want)[:min(limit, len(want))])
			}
		}
		noError(t, s.SaveTicket(ctx, ticket))
		with("u9")
		ticket.Links = []storage.Link{aLink("A", 1, "g2", 0), aLink("A", 2, "g3", 5)}
		ticket.Links[0].UserID = 9
		noError(t, s.SaveTicket(ctx, ticket))
		later := aTicket("B")
		later.CreatedAt, later.Links = minute(5), []storage.Link{aLink("B", 1, "g2", 6), aLink("B", 2, "u7", 0)}
		noError(t, s.SaveTicket(ctx, later))
		with("u9", "A")
		with("g2", "B", "A")
		with("g3", "A")
		with("g1")
		with("u7") // its creator
		ticket.Links[0].Ended = true
		noError(t, s.SaveTicket(ctx, ticket))
		with("u9")
		with("g2", "B")
		with("g3", "A")
		ticket.Status = "closed"
		noError(t, s.SaveTicket(ctx, ticket))
		with("g3")
		with(storage.ClosedParty("g3"), "A")
		with(storage.ClosedParty("g2")) // it had left
		ticket.Status = "pending"
		noError(t, s.SaveTicket(ctx, ticket))
		with("g3", "A")
		with(storage.ClosedParty("g3"))
	})
	t.Run("tickets of a status are counted by the time of their creation", func(t *testing.T) {
		s := f.Open(t)
		for i, status := range []string{"open", "open", "open", "pending", "open"} {
			ticket := aTicket(fmt.Sprint("T", i))
			ticket.Status, ticket.CreatedAt, ticket.Home.TelegramTopicID = status, minute(i), int64(100+i)
			ticket.GroupID = []string{"g1", "g2"}[i%2]
			noError(t, s.SaveTicket(ctx, ticket))
		}
		for _, of := range []struct {
			group, status string
			from, to      time.Time
			want          int64
		}{
			{"", "open", time.Time{}, minute(9), 4}, {"", "open", minute(1), minute(4), 2}, {"g1", "open", time.Time{}, minute(4), 2},
			{"g2", "pending", minute(3), minute(4), 1}, {"g2", "pending", time.Time{}, minute(3), 0}, {"g3", "open", time.Time{}, minute(9), 0},
		} {
			n, err := s.CountCreated(ctx, of.group, of.status, of.from, of.to)
			noError(t, err)
			same(t, n, of.want)
		}
	})
	t.Run("those that wait are counted by whom they wait for", func(t *testing.T) {
		s := f.Open(t)
		for i, who := range []string{storage.WaitsForDesk, storage.WaitsForCustomer, "", storage.WaitsForDesk} {
			ticket := aTicket(fmt.Sprint("T", i))
			ticket.WaitingFor = who
			noError(t, s.SaveTicket(ctx, ticket))
		}
		got, err := s.CountWaiting(ctx)
		noError(t, err)
		same(t, got, map[string]int64{storage.WaitsForDesk: 2, storage.WaitsForCustomer: 1})
	})
	t.Run("tickets are counted by status, through every change", func(t *testing.T) {
		s := f.Open(t)
		count := func(want map[string]int64) {
			t.Helper()
			got, err := s.CountTickets(ctx)
			noError(t, err)
			same(t, got, want)
		}
		count(map[string]int64{})
		a, b := aTicket("T1"), aTicket("T2")
		noError(t, s.SaveTicket(ctx, a))
		noError(t, s.SaveTicket(ctx, b))
		count(map[string]int64{"open": 2})
		stale := *a
		a.Status = "closed"
		noError(t, s.SaveTicket(ctx, a))
		count(map[string]int64{"open": 1, "closed": 1})
		stale.Status = "pending"
		fails(t, s.SaveTicket(ctx, &stale), storage.ErrConflict)
		fails(t, s.SaveTicket(ctx, aTicket("T1")), storage.ErrExists)
		count(map[string]int64{"open": 1, "closed": 1})
		b.Status = "closed"
		noError(t, s.SaveTicket(ctx, b))
		count(map[string]int64{"closed": 2})
	})
}

func testTopics(t *testing.T, f Factory) {
	ctx := t.Context()
	owner := func(t *testing.T, s storage.Store, group string, thread int64, want string) {
		t.Helper()
		got, err := s.TicketByTopic(ctx, group, thread)
		if want == "" {
			fails(t, err, storage.ErrNotFound)
			return
		}
		noError(t, err)
		same(t, got, want)
	}
	withHome := func(id, group string, thread int64, links ...storage.Link) *storage.Ticket {
		ticket := aTicket(id)
		ticket.Home.GroupID, ticket.Home.TelegramTopicID, ticket.Links = group, thread, links
		return ticket
	}
	t.Run("a topic belongs to one ticket, be it home or link", func(t *testing.T) {
		s := f.Open(t)
		a := withHome("A", "g1", 10, aLink("A", 1, "g2", 20))
		noError(t, s.SaveTicket(ctx, a))
		owner(t, s, "g1", 10, "A")
		owner(t, s, "g2", 20, "A")
		owner(t, s, "g1", 20, "")
		owner(t, s, "g2", 10, "")
		for _, b := range []*storage.Ticket{
			withHome("B", "g1", 10), withHome("B", "g2", 20),
			withHome("B", "g1", 11, aLink("B", 1, "g1", 10)), withHome("B", "g1", 11, aLink("B", 1, "g2", 20)),
		} {
			fails(t, s.SaveTicket(ctx, b), storage.ErrTopicTaken)
			same(t, b.Version, int64(0))
			_, err := s.Ticket(ctx, "B")
			fails(t, err, storage.ErrNotFound)
			owner(t, s, "g1", 11, "")
		}
		noError(t, s.SaveTicket(ctx, withHome("B", "g2", 10, aLink("B", 1, "g1", 20))))
	})
	t.Run("a save that is refused changes neither ticket nor topics", func(t *testing.T) {
		s := f.Open(t)
		noError(t, s.SaveTicket(ctx, withHome("A", "g1", 10)))
		b := withHome("B", "g1", 11, aLink("B", 1, "g2", 21))
		noError(t, s.SaveTicket(ctx, b))
		wish := *b
		wish.Title = "refused"
		wish.Status = "closed"
		wish.Links = []storage.Link{aLink("B", 2, "g2", 22), aLink("B", 3, "g1", 10)}
		fails(t, s.SaveTicket(ctx, &wish), storage.ErrTopicTaken)
		same(t, wish.Version, int64(1))
		stored, err := s.Ticket(ctx, "B")
		noError(t, err)
		same(t, stored, b)
		owner(t, s, "g2", 21, "B")
		owner(t, s, "g2", 22, "")
		counts, err := s.CountTickets(ctx)
		noError(t, err)
		same(t, counts, map[string]int64{"open": 2})
		noError(t, s.SaveTicket(ctx, b))
	})
	t.Run("a ticket may change its topics, and releases the previous ones", func(t *testing.T) {
		s := f.Open(t)
		a := withHome("A", "g1", 10, aLink("A", 1, "g2", 20))
		noError(t, s.SaveTicket(ctx, a))
		a.Home.TelegramTopicID = 11
		a.Links[0].Topic.TelegramTopicID = 21
		noError(t, s.SaveTicket(ctx, a))
		owner(t, s, "g1", 10, "")
		owner(t, s, "g1", 11, "A")
		owner(t, s, "g2", 20, "")
		owner(t, s, "g2", 21, "A")
		noError(t, s.SaveTicket(ctx, withHome("B", "g1", 10, aLink("B", 1, "g2", 20))))
		owner(t, s, "g1", 10, "B")
	})
	t.Run("a deleted topic's thread stays the ticket's, until its link ends", func(t *testing.T) {
		s := f.Open(t)
		a := withHome("A", "g1", 10, aLink("A", 1, "g2", 20))
		noError(t, s.SaveTicket(ctx, a))
		a.Home.FormerThreads, a.Home.TelegramTopicID = []int64{8, 10}, 0
		a.Links[0].Topic.FormerThreads, a.Links[0].Topic.TelegramTopicID = []int64{20}, 21
		noError(t, s.SaveTicket(ctx, a))
		for _, thread := range []int64{8, 10} {
			owner(t, s, "g1", thread, "A")
			fails(t, s.SaveTicket(ctx, withHome("B", "g1", thread)), storage.ErrTopicTaken)
		}
		owner(t, s, "g2", 20, "A")
		owner(t, s, "g2", 21, "A")
		a.Links[0].Ended = true
		noError(t, s.SaveTicket(ctx, a))
		owner(t, s, "g2", 20, "")
	})
	t.Run("a topic may change between home and link of one ticket", func(t *testing.T) {
		s := f.Open(t)
		a := withHome("A", "g1", 10, aLink("A", 1, "g2", 20))
		noError(t, s.SaveTicket(ctx, a))
		a.Home, a.Links[0].Topic = a.Links[0].Topic, a.Home
		noError(t, s.SaveTicket(ctx, a))
		owner(t, s, "g1", 10, "A")
		owner(t, s, "g2", 20, "A")
	})
	t.Run("an ended link releases its topic", func(t *testing.T) {
		s := f.Open(t)
		a := withHome("A", "g1", 10, aLink("A", 1, "g2", 20))
		noError(t, s.SaveTicket(ctx, a))
		a.Links[0].Ended = true
		noError(t, s.SaveTicket(ctx, a))
		owner(t, s, "g2", 20, "")
		b := withHome("B", "g1", 11, aLink("B", 1, "g2", 20))
		noError(t, s.SaveTicket(ctx, b))
		owner(t, s, "g2", 20, "B")
		// The ended link may be saved again and again. Only another link to the topic needs the topic back.
		noError(t, s.SaveTicket(ctx, a))
		owner(t, s, "g2", 20, "B")
		a.Links = append(a.Links, aLink("A", 2, "g2", 20))
		fails(t, s.SaveTicket(ctx, a), storage.ErrTopicTaken)
		b.Links[0].Ended = true
		noError(t, s.SaveTicket(ctx, b))
		noError(t, s.SaveTicket(ctx, a))
		owner(t, s, "g2", 20, "A")
	})
	t.Run("a topic that is not opened yet has no thread and belongs to no ticket", func(t *testing.T) {
		s := f.Open(t)
		noError(t, s.SaveTicket(ctx, withHome("A", "g1", 0, aLink("A", 1, "g2", 0))))
		noError(t, s.SaveTicket(ctx, withHome("B", "g1", 0, aLink("B", 1, "g2", 0))))
		owner(t, s, "g1", 0, "")
		owner(t, s, "g2", 0, "")
	})
	t.Run("ErrExists and ErrConflict go before ErrTopicTaken", func(t *testing.T) {
		s := f.Open(t)
		a := withHome("A", "g1", 10)
		noError(t, s.SaveTicket(ctx, a))
		noError(t, s.SaveTicket(ctx, withHome("B", "g1", 11)))
		fails(t, s.SaveTicket(ctx, withHome("A", "g1", 11)), storage.ErrExists)
		a.Home.TelegramTopicID, a.Version = 11, 7
		fails(t, s.SaveTicket(ctx, a), storage.ErrConflict)
	})
}
