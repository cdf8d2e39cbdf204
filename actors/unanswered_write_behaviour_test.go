package actors_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// unansweredStore makes the next write of an armed kind, but returns an error, as if its answer were lost.
type unansweredStore struct {
	storage.Store
	armed *unanswered
}

type unanswered struct{ ticket, insert, message, copied atomic.Bool }

func withoutAnswer(armed *atomic.Bool, err error) error {
	if err == nil && armed.CompareAndSwap(true, false) {
		return storage.ErrUnavailable
	}
	return err
}

func (s unansweredStore) SaveTicket(ctx context.Context, r *storage.Ticket) error {
	kept := *r
	err := withoutAnswer(&s.armed.ticket, s.Store.SaveTicket(ctx, &kept))
	if err == nil {
		r.Version = kept.Version
	}
	return err
}

func (s unansweredStore) InsertMessage(ctx context.Context, m *storage.Message) error {
	kept := *m
	err := withoutAnswer(&s.armed.insert, s.Store.InsertMessage(ctx, &kept))
	if err == nil {
		m.Version = kept.Version
	}
	return err
}

func (s unansweredStore) SaveMessage(ctx context.Context, m *storage.Message) error {
	kept := *m
	err := withoutAnswer(&s.armed.message, s.Store.SaveMessage(ctx, &kept))
	if err == nil {
		m.Version = kept.Version
	}
	return err
}

func (s unansweredStore) SaveCopy(ctx context.Context, c *storage.Copy) error {
	kept := *c
	err := withoutAnswer(&s.armed.copied, s.Store.SaveCopy(ctx, &kept))
	if err == nil {
		c.Version = kept.Version
	}
	return err
}

// What storage has written without an answer is carried out at once, though nobody changes the ticket again: the same update comes
// again and finds it done.
func TestWritesWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	var armed unanswered
	d := ready(t, options{wrapStore: func(s storage.Store) storage.Store { return unansweredStore{s, &armed} }})
	k, eng, sales := three(t, d)
	lost := func(t *testing.T, flag *atomic.Bool) {
		t.Helper()
		d.eventually("an answer is lost", func() bool { return !flag.Load() })
	}
	d.run(t, "a message", func(t *testing.T) {
		d.quiet(k)
		armed.insert.Store(true)
		d.say(d.ann, d.support, k.thread, "written once")
		lost(t, &armed.insert)
		d.awaitText(d.engineering, eng, "written once")
		d.awaitText(d.sales, sales, "written once")
	})
	d.run(t, "an edit", func(t *testing.T) {
		m := d.say(d.ann, d.support, k.thread, "tex words")
		d.awaitText(d.engineering, eng, "tex words")
		d.awaitText(d.sales, sales, "tex words")
		d.quiet(k)
		armed.message.Store(true)
		d.edit(m, "the words")
		lost(t, &armed.message)
		d.awaitText(d.engineering, eng, "the words")
		d.awaitText(d.sales, sales, "the words")
		d.awaitShown(m)
	})
	d.run(t, "a copy's edit is recorded", func(t *testing.T) {
		m := d.say(d.ann, d.support, k.thread, "one mora")
		d.awaitText(d.engineering, eng, "one mora")
		d.awaitText(d.sales, sales, "one mora")
		d.quiet(k)
		armed.copied.Store(true)
		d.edit(m, "one more")
		lost(t, &armed.copied)
		d.awaitText(d.engineering, eng, "one more")
		d.awaitText(d.sales, sales, "one more")
		d.awaitShown(m)
	})
	d.run(t, "a reaction", func(t *testing.T) {
		m := d.say(d.ann, d.support, k.thread, "like this")
		copied := d.awaitText(d.sales, sales, "like this")
		d.quiet(k)
		armed.message.Store(true)
		d.must(d.sim.React(d.ann, d.support, m.ID, "👍"))
		lost(t, &armed.message)
		d.await("the copy has it", func() bool { c, _ := d.sim.Message(d.sales, copied.ID); return len(c.Reactions) == 1 })
	})
	d.run(t, "a deletion", func(t *testing.T) {
		m := d.say(d.ann, d.support, k.thread, "not for you")
		d.awaitText(d.engineering, eng, "not for you")
		d.awaitText(d.sales, sales, "not for you")
		d.quiet(k)
		armed.message.Store(true)
		d.reply(d.ann, d.support, m, "/delete")
		lost(t, &armed.message)
		d.awaitGone(d.engineering, eng, "not for you")
		d.awaitGone(d.sales, sales, "not for you")
	})
	d.run(t, "what a program asks once", func(t *testing.T) {
		d.quiet(k)
		armed.ticket.Store(true)
		_, err := d.system.Ask(t.Context(), messages.KindTicket, k.id, &messages.CloseTicket{Origin: program()})
		if lost(t, &armed.ticket); err == nil {
			t.Error("it was accepted")
		}
		d.awaitText(d.support, k.thread, "closed")
		d.awaitText(d.sales, sales, "closed")
	})
}
