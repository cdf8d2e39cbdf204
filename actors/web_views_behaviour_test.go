package actors_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// watchedStore is storage that counts how often the tickets of a creator are listed, and calls a function before the newest
// messages of a ticket are read.
type watchedStore struct {
	storage.Store
	creators atomic.Int32
	last     atomic.Pointer[func()]
}

func (s *watchedStore) TicketsByCreator(ctx context.Context, kind, id string, openOnly bool, limit int) ([]storage.Ticket, error) {
	s.creators.Add(1)
	return s.Store.TicketsByCreator(ctx, kind, id, openOnly, limit)
}

func (s *watchedStore) LastMessages(ctx context.Context, ticketID string, limit int) ([]storage.Message, error) {
	if f := s.last.Load(); f != nil {
		(*f)()
	}
	return s.Store.LastMessages(ctx, ticketID, limit)
}

// TestWebViewsAreNoBurden: a view that leaves most tickets out is looked through once and for a while.
func TestWebViewsAreNoBurden(t *testing.T) {
	t.Parallel()
	watched := &watchedStore{}
	d := ready(t, options{speed: 1, wrapStore: func(s storage.Store) storage.Store { watched.Store = s; return watched }})
	var all []*ticket
	for _, title := range []string{"Printer", "Toner", "Paper"} {
		all = append(all, d.open(d.ann, d.support, title))
	}
	list := func(m *messages.ListWebTickets) *messages.WebTickets {
		t.Helper()
		reply, err := d.system.Ask(t.Context(), messages.KindQuery, "", m)
		d.must(err)
		return reply.(*messages.WebTickets)
	}
	closed := func() *messages.ListWebTickets { // today; but none is
		return &messages.ListWebTickets{UserId: d.ann, Groups: []string{messages.GroupPlace(d.support)}, Limit: 1,
			ClosedFromMs: d.clock.Now().Add(-time.Hour).UnixMilli()}
	}
	d.run(t, "what has no pages is read once", func(t *testing.T) {
		watched.creators.Store(0)
		if got := list(closed()); len(got.Tickets) != 0 || got.Next != nil || watched.creators.Load() != 1 {
			t.Errorf("%v, read %d times", got, watched.creators.Load())
		}
	})
	view := func() *messages.ListWebTickets {
		m := closed()
		m.ClosedFromMs, m.WaitingFor, m.Limit = 0, storage.WaitsForDesk, 50
		return m
	}
	d.run(t, "the next page goes on where the time was over", func(t *testing.T) {
		slow := func() { d.clock.jump(2 * time.Second) }
		watched.last.Store(&slow)
		defer watched.last.Store(nil)
		found := map[string]bool{}
		m, pages := view(), 0
		for ; pages < 5; pages++ {
			got := list(m)
			for _, ticket := range got.Tickets {
				found[ticket.Ticket.TicketId] = true
			}
			if m.After = got.Next; m.After == nil {
				break
			}
		}
		if pages != 2 || len(found) != len(all) {
			t.Errorf("%d tickets on %d pages", len(found), pages+1)
		}
	})
}
