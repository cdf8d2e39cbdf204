package actors_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// unheardStore is storage whose answer to an append is lost, as often as set.
type unheardStore struct {
	storage.Store
	lost *atomic.Int32
}

func (s *unheardStore) AppendEvents(ctx context.Context, events []storage.Event) error {
	if err := s.Store.AppendEvents(ctx, events); err != nil || s.lost.Add(-1) < 0 {
		return err
	}
	return fmt.Errorf("no answer came: %w", storage.ErrUnavailable)
}

func TestFeedHasWhatWasAppendedUnheard(t *testing.T) {
	t.Parallel()
	lost := &atomic.Int32{}
	d := newDesk(t, options{wrapStore: func(s storage.Store) storage.Store { return &unheardStore{s, lost} }})
	read := func(positions []int64) *messages.LogPage {
		t.Helper()
		reply, err := d.system.Ask(t.Context(), messages.KindQuery, "", &messages.ReadLog{Positions: positions, Limit: 100})
		d.must(err)
		return reply.(*messages.LogPage)
	}
	ticket := messages.TicketID("unheard", 1)
	page := read(nil)
	for i, times := range []int32{1, 0, 2} {
		lost.Store(times)
		d.appends(ticket, 3*i, 3)
		var got []*messages.LoggedEvent
		d.eventually(fmt.Sprintf("the feed has what was appended while %d answers were lost", times), func() bool {
			page = read(page.Positions)
			got = append(got, page.Events...)
			return len(got) >= 3
		})
		for n, e := range got {
			if e.Number != int64(3*i+n+1) {
				t.Errorf("event %d is number %d", 3*i+n+1, e.Number)
			}
		}
	}
}
