package actors_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// unretimedStore refuses writes of tickets that follow from other times than the first ones, as long as it is to, and counts them.
type unretimedStore struct {
	storage.Store
	refuses *atomic.Bool
	refused *atomic.Int64
}

func (s unretimedStore) SaveTicket(ctx context.Context, r *storage.Ticket) error {
	if r.Timers.Settings > 1 && s.refuses.Load() {
		s.refused.Add(1)
		return errors.New("the disk is gone")
	}
	return s.Store.SaveTicket(ctx, r)
}

// TestTicketsLearnOfHoursOnceWhereTheClockWasSetBack: a group that has told all of other times is done, even if those were set at what is
// a time to come by now. It used to go through its tickets until the clock was there again.
func TestTicketsLearnOfHoursOnceWhereTheClockWasSetBack(t *testing.T) {
	t.Parallel()
	for name, restarts := range map[string]bool{"in the life of the group": false, "before it": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			refuses, refused := &atomic.Bool{}, &atomic.Int64{}
			d := ready(t, options{sweepEvery: 10 * time.Second, wrapStore: func(s storage.Store) storage.Store { return unretimedStore{s, refuses, refused} }})
			k := d.open(d.eve, d.support, "Printer")
			since := d.record(k).WaitingSince
			d.awaitDue(k, since.Add(4*time.Hour))
			refuses.Store(true) // no pass is the last one
			asks[*messages.GroupRecord](d, messages.KindGroup, messages.GroupPlace(d.support), &messages.ChangeGroup{
				Origin: program(), AnswerWithin: &messages.AnswerTimes{Low: 600, Normal: 600, High: 600, Urgent: 600}})
			d.eventually("a pass has begun", func() bool { return refused.Load() >= 1 })
			if restarts {
				d.stop()
			}
			d.clock.setBack(30 * time.Hour)
			if restarts {
				d.start()
			}
			refuses.Store(false)
			d.awaitDue(k, since.Add(10*time.Hour))
			d.eventually("all have learned it", func() bool {
				g, err := d.store.Group(t.Context(), messages.GroupPlace(d.support))
				d.must(err)
				return !g.Retiming
			})
		})
	}
}

// TestTicketsLearnOfHoursAfterADowntime: a desk that was down for longer than a group tries to tell its tickets of other hours goes on as
// long when it is back: what it does first may be lost.
func TestTicketsLearnOfHoursAfterADowntime(t *testing.T) {
	t.Parallel()
	refuses, refused := &atomic.Bool{}, &atomic.Int64{}
	d := ready(t, options{sweepEvery: 10 * time.Second, wrapStore: func(s storage.Store) storage.Store { return unretimedStore{s, refuses, refused} }})
	k := d.open(d.eve, d.support, "Printer")
	since := d.record(k).WaitingSince
	d.awaitDue(k, since.Add(4*time.Hour))
	refuses.Store(true)
	asks[*messages.GroupRecord](d, messages.KindGroup, messages.GroupPlace(d.support), &messages.ChangeGroup{
		Origin: program(), AnswerWithin: &messages.AnswerTimes{Low: 600, Normal: 600, High: 600, Urgent: 600}})
	d.stop()
	d.clock.jump(2 * time.Hour)
	refused.Store(0)
	d.start()
	d.eventually("the ticket was told several times, in vain", func() bool { return refused.Load() >= 3 })
	refuses.Store(false)
	d.awaitDue(k, since.Add(10*time.Hour))
	d.eventually("all have learned it", func() bool {
		g, err := d.store.Group(t.Context(), messages.GroupPlace(d.support))
		d.must(err)
		return !g.Retiming
	})
}
