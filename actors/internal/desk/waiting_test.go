package desk

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/storage/sqlite"
)

// lookedAt counts the tickets that are read.
type lookedAt struct {
	storage.Tickets
	n int
}

func (s *lookedAt) ListTickets(ctx context.Context, q storage.TicketQuery) (storage.TicketPage, error) {
	page, err := s.Tickets.ListTickets(ctx, q)
	s.n += len(page.Tickets)
	return page, err
}

func (s *lookedAt) TicketsWith(ctx context.Context, party string, limit int) ([]storage.Ticket, error) {
	found, err := s.Tickets.TicketsWith(ctx, party, limit)
	s.n += len(found)
	return found, err
}

// TestWaitingOfAGroupThatHelps is about what is left out, the order, and what it costs at most.
func TestWaitingOfAGroupThatHelps(t *testing.T) {
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "desk.db"), sqlite.WithoutSync())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	home, helper := messages.GroupPlace(-1001), messages.GroupPlace(-1002)
	now := storage.Kept(time.Now())
	topics := int64(0)
	save := func(name string, age int, change func(*storage.Ticket)) {
		t.Helper()
		topics++
		at := now.Add(-time.Duration(age) * time.Minute)
		there := storage.Topic{TopicID: name + ":1", GroupID: helper, TelegramTopicID: topics}
		r := &storage.Ticket{TicketID: name, Title: name, Status: StatusOpen, Priority: "normal", GroupID: home,
			CreatedBy: storage.Creator{Kind: "user", ID: "1", Name: "Ann"}, CreatedAt: at, UpdatedAt: at,
			WaitingFor: storage.WaitsForDesk, WaitingSince: at, Links: []storage.Link{{LinkID: name + ":1", Topic: there}},
			Home: storage.Topic{TopicID: HomeTopic, GroupID: home, TelegramTopicID: topics}}
		change(r)
		if err := store.SaveTicket(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	listed := func(group ids.Place, limit int) (names []string, more bool, n int) {
		t.Helper()
		counted := &lookedAt{Tickets: store}
		found, more, err := Waiting(t.Context(), counted, group, limit)
		if err != nil {
			t.Fatal(err)
		}
		for i := range found {
			names = append(names, found[i].TicketID)
		}
		return names, more, counted.n
	}
	as := func(*storage.Ticket) {}
	save("second", 20, as)
	save("its own", 30, func(r *storage.Ticket) { r.GroupID, r.Home.GroupID, r.Links = helper, helper, nil })
	save("last", 10, as)
	save("answered", 40, func(r *storage.Ticket) { r.WaitingFor = storage.WaitsForCustomer })
	save("pending", 41, func(r *storage.Ticket) { r.Status = StatusPending })
	save("put aside", 42, func(r *storage.Ticket) { r.Timers.SnoozedUntil = now.Add(time.Hour) })
	save("has no topic yet", 43, func(r *storage.Ticket) { r.Links[0].Topic.TelegramTopicID = 0 })
	save("unproven", 44, func(r *storage.Ticket) { r.Links[0].Topic.Unproven = true })
	save("no longer", 45, func(r *storage.Ticket) { r.Links[0].Ended = true })
	if got, more, _ := listed(helper, 100); !slices.Equal(got, []string{"its own", "second", "last"}) || more {
		t.Errorf("%q, more %t", got, more)
	}
	if got, more, _ := listed(helper, 2); !slices.Equal(got, []string{"its own", "second"}) || !more {
		t.Errorf("two: %q, more %t", got, more)
	}
	for i := range helpedLookedAt {
		save(fmt.Sprintf("newer %04d", i), 0, func(r *storage.Ticket) { r.WaitingFor = storage.WaitsForCustomer })
	}
	if got, more, n := listed(helper, 100); !more || n > helpedLookedAt+2 || !slices.Equal(got, []string{"its own"}) {
		t.Errorf("of many: %q, more %t, %d looked at", got, more, n)
	}
}
