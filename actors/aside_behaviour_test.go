package actors_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/topicdesk/topicdesk/storage"
)

// awayStore can't store the messages of one ticket.
type awayStore struct {
	storage.Store
	ticket *atomic.Pointer[string]
}

func (s awayStore) InsertMessage(ctx context.Context, m *storage.Message) error {
	if id := s.ticket.Load(); id != nil && *id == m.TicketID {
		return storage.ErrUnavailable
	}
	return s.Store.InsertMessage(ctx, m)
}

// TestUpdatesAreSetAside: one ticket takes nothing in, as while its shard moves, and others go on, however much they say.
// Nothing of it is lost or out of order, whichever node polls afterwards.
func TestUpdatesAreSetAside(t *testing.T) {
	t.Parallel()
	for name, next := range map[string]func(d *desk, stop *[]func()){
		"then it is taken in":    func(*desk, *[]func()) {},
		"then the desk restarts": func(d *desk, _ *[]func()) { d.restart() },
		"then another node polls": func(d *desk, stop *[]func()) {
			younger := d.another("younger")
			*stop = append(*stop, func() { younger.stop(d.t) })
			d.must(younger.system.StartPolling(d.t.Context(), "bot", polling{younger}))
			older := d.process
			d.eventually("the older one stops", func() bool { return !older.system.Polls() })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			away := &atomic.Pointer[string]{}
			d := ready(t, options{wrapStore: func(s storage.Store) storage.Store { return awayStore{s, away} }})
			moves, stays := d.open(d.ann, d.support, "Moves"), d.open(d.ann, d.support, "Stays")
			kept := func() (n int) {
				all, err := d.store.WaitingUpdates(t.Context(), "bot", 0, 1000)
				d.must(err)
				return len(all)
			}
			said := map[*ticket][]string{}
			say := func(k *ticket) {
				text := fmt.Sprint("word ", len(said[k]))
				said[k] = append(said[k], text)
				d.say(d.eve, d.support, k.thread, text)
			}
			recorded := func(k *ticket) (texts []string) {
				all, err := d.store.MessagesAfter(t.Context(), k.id, 0, 1000)
				d.must(err)
				for i := range all {
					texts = append(texts, all[i].Text)
				}
				return texts
			}
			before := len(recorded(moves))
			away.Store(&moves.id)
			for range 60 {
				say(moves)
				say(stays)
				say(stays)
				say(stays)
			}
			d.eventually("the other ticket has all", func() bool { return len(recorded(stays)) >= len(said[stays]) })
			if got := len(recorded(moves)); got != before || kept() == 0 {
				t.Errorf("the ticket that is away has %d messages, and %d updates are kept", got, kept())
			}
			var stop []func()
			next(d, &stop)
			say(moves)
			say(stays)
			away.Store(nil)
			for _, k := range []*ticket{moves, stays} {
				d.eventually("all is recorded", func() bool { return len(recorded(k)) >= len(said[k]) })
				got := recorded(k)
				same(t, "messages", got[len(got)-len(said[k]):], said[k])
			}
			d.eventually("nothing is kept any more", func() bool { return kept() == 0 })
			for _, f := range stop {
				f()
			}
		})
	}
}
