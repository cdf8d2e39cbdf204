package actors_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/simulator"
	"github.com/topicdesk/topicdesk/storage"
)

func TestPanicInAChat(t *testing.T) {
	t.Parallel()
	var boom atomic.Bool
	d := ready(t, options{wrapStore: func(s storage.Store) storage.Store { return chatPanics{s, &boom} }})
	k := d.open(d.ann, d.support, "Printer")
	eng := d.mention(d.ann, k, "bob_eng", d.engineering)
	d.quiet(k)
	d.run(t, "what waited in its queue leaves before what is said later, and once", func(t *testing.T) {
		d.inject(simulator.Fault{Method: "sendMessage", Chat: d.engineering, Kind: simulator.Fault429, RetryAfter: 10})
		for _, text := range []string{"one", "two", "three"} {
			d.say(d.ann, d.support, k.thread, text)
		}
		d.await("refused", func() bool { return lastCode(d, d.engineering) == 429 })
		boom.Store(true)
		asked := d.say(d.bob, d.engineering, 0, "/help")
		d.eventually("the panic", func() bool { return d.metric(t, "entity_panics_total") == 1 })
		d.say(d.ann, d.support, k.thread, "four")
		d.awaitText(d.engineering, eng, "four")
		d.awaitAnswer(asked, "/create_ticket")
		d.quiet(k)
		same(t, "copies", d.copies(d.engineering, eng), []string{"one", "two", "three", "four"})
	})
}

func TestPanicInAPrivateChat(t *testing.T) {
	t.Parallel()
	var boom atomic.Bool
	d := ready(t, options{
		wrapStore: func(s storage.Store) storage.Store { return chatPanics{s, &boom} },
		slowed: func(after time.Duration) time.Duration {
			if after == entity.EnqueueAgainAfter {
				return time.Hour // the person's entity does not wait for it
			}
			return after
		},
	})
	d.inject(simulator.Fault{Method: "sendMessage", Chat: d.bob, Kind: simulator.Fault429, RetryAfter: 10})
	asked := d.say(d.bob, d.bob, 0, "/create_ticket Printer")
	d.await("refused", func() bool { return lastCode(d, d.bob) == 429 })
	boom.Store(true)
	help := d.say(d.bob, d.bob, 0, "/help")
	d.eventually("the panic", func() bool { return d.metric(t, "entity_panics_total") == 1 })
	d.awaitAnswer(help, "/create_ticket")
	d.awaitAnswer(asked, "Where should Printer")
}

// chatPanics panics once when the record of a chat is written.
type chatPanics struct {
	storage.Store
	boom *atomic.Bool
}

func (s chatPanics) SaveChat(ctx context.Context, c *storage.Chat) error {
	if s.boom.CompareAndSwap(true, false) {
		panic("ordered by the test")
	}
	return s.Store.SaveChat(ctx, c)
}
