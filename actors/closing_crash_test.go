package actors_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/simulator"
	"github.com/topicdesk/topicdesk/storage"
)

// losingStore loses writes of tickets that are as it says, or their answers, as long as some are left to lose.
type losingStore struct {
	storage.Store
	left    *atomic.Int64
	which   func(*storage.Ticket) bool
	written bool
}

func (s losingStore) SaveTicket(ctx context.Context, r *storage.Ticket) error {
	if !s.which(r) || s.left.Add(-1) < 0 {
		return s.Store.SaveTicket(ctx, r)
	}
	if s.written {
		copied := *r
		if err := s.Store.SaveTicket(ctx, &copied); err != nil {
			return err
		}
	}
	return errors.New("the disk is gone")
}

// TestClosingAfterACrash: the notice, the closing, the end of it and the reopening each come once when their write is lost, or only its answer
// is, and when the process ends before what they say has left.
func TestClosingAfterACrash(t *testing.T) {
	t.Parallel()
	steps := []struct {
		name  string
		which func(*storage.Ticket) bool
	}{
		{"the notice", func(r *storage.Ticket) bool { return !r.Timers.WarnedAt.IsZero() && r.Status == "open" }},
		{"the closing", func(r *storage.Ticket) bool { return r.Status == "closed" }},
		{"the end of it", func(r *storage.Ticket) bool {
			return r.Status == "open" && r.WaitingFor == storage.WaitsForDesk && r.Timers.ClosesAt.IsZero()
		}},
		{"the reopening", func(r *storage.Ticket) bool { return r.Status == "open" }},
	}
	for i, step := range steps {
		for name, written := range map[string]bool{"is lost": false, "has lost its answer": true} {
			t.Run(step.name+" "+name, func(t *testing.T) {
				t.Parallel()
				var left atomic.Int64
				d := ready(t, options{sweepEvery: 10 * time.Second, wrapStore: func(s storage.Store) storage.Store {
					return losingStore{s, &left, step.which, written}
				}})
				asks[*messages.GroupRecord](d, messages.KindGroup, messages.GroupPlace(d.support), &messages.ChangeGroup{
					Origin: program(), AutoClose: &messages.AutoClose{After: 72 * 60, Notice: 24 * 60}})
				k := d.open(d.ann, d.support, "Printer") // who may write in closed topics
				d.awaitHeard(k, d.say(d.carl, d.support, k.thread, "Is it red?"))
				d.eventually("it knows", func() bool { return !d.record(k).Timers.WarnsAt.IsZero() })
				d.quiet(k)
				at := func(n int, does func()) {
					if i == n {
						left.Store(1)
					}
					if does(); i == n {
						d.eventually("the write has failed", func() bool { return left.Load() <= 0 })
						d.restart()
					}
				}
				at(0, func() { d.clock.jump(72*time.Hour + time.Minute) })
				d.awaitText(d.support, k.thread, closesSoon)
				d.quiet(k)
				closings := 1
				if i == 2 {
					var m simulator.Message
					at(2, func() { m = d.say(d.ann, d.support, k.thread, "Yes") })
					d.awaitWaiting(k, "desk")
					d.awaitHeard(k, m)
					d.clock.jump(25 * time.Hour)
					closings = 0
				} else {
					at(1, func() { d.clock.jump(24*time.Hour + time.Minute) })
					d.runsOut(k)
					d.awaitText(d.support, k.thread, closedQuiet)
					d.awaitClosed(k)
				}
				d.quiet(k)
				if i == 3 {
					at(3, func() { d.say(d.ann, d.support, k.thread, "It is green") })
					d.awaitText(d.support, k.thread, reopenedBy)
					d.awaitWaiting(k, "desk")
					d.awaitTold(k, messages.EventTicketReopened, 1)
				}
				d.quiet(k)
				d.restart()
				d.clock.jump(time.Hour)
				d.quiet(k)
				for text, want := range map[string]int{closesSoon: 1, closedQuiet: closings, reopenedBy: i / 3} {
					if got := len(d.reminders(d.support, k.thread, text)); got != want {
						t.Errorf("%q is said %d times, not %d", text, got, want)
					}
				}
				if closings > 0 {
					d.awaitTold(k, messages.EventTicketClosed, 1)
				}
			})
		}
	}
}
