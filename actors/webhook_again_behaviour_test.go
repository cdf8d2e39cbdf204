package actors_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/storage/sqlite"
)

// slowDeliveries holds back writes of deliveries.
type slowDeliveries struct {
	storage.Store
	writes *slowWrites
}

type slowWrites struct {
	mu       sync.Mutex
	held     chan struct{} // writes of deliveries with so many attempts wait for its end; nil: none does
	attempts int
	waiting  int
}

func (s slowDeliveries) SaveDeliveries(ctx context.Context, rows []*storage.Delivery) error {
	s.writes.mu.Lock()
	held := s.writes.held
	if held != nil && slices.ContainsFunc(rows, func(d *storage.Delivery) bool { return len(d.Attempts) == s.writes.attempts }) {
		s.writes.waiting++
	} else {
		held = nil
	}
	s.writes.mu.Unlock()
	if held != nil {
		select {
		case <-held:
		case <-ctx.Done():
		}
	}
	return s.Store.SaveDeliveries(ctx, rows)
}

// hold has writes of deliveries with so many attempts wait until release is called.
func (w *slowWrites) hold(attempts int) (release func()) {
	held := make(chan struct{})
	w.mu.Lock()
	w.held, w.attempts, w.waiting = held, attempts, 0
	w.mu.Unlock()
	return func() {
		w.mu.Lock()
		w.held = nil
		w.mu.Unlock()
		close(held)
	}
}

func (w *slowWrites) wait() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.waiting > 0
}

// An event is asked for again before its outcome is written: the outcome is written, and then the event is tried once more.
func TestWebhookRetryBeforeTheOutcomeIsWritten(t *testing.T) {
	t.Parallel()
	writes := &slowWrites{}
	d := newDesk(t, options{wrapStore: func(s storage.Store) storage.Store { return slowDeliveries{s, writes} }})
	r := d.hears(hourly(), nil)
	first, second := ids.EventID(ticketA+"/0"), ids.EventID(ticketB+"/0")
	again := func(id string) bool {
		t.Helper()
		v := commanded[*messages.DeliveryView](r, &messages.RetryDelivery{Origin: &messages.Origin{CommandId: "again"}, EventId: id})
		return v.Code == messages.Code_OK && v.Delivery.State == storage.DeliveryPending
	}
	tried := func(id string, n int) {
		t.Helper()
		d.eventually("it was tried again", func() bool {
			row := r.rows()[id]
			return row.State == storage.DeliverySent && len(row.Attempts) == n
		})
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.requests[id] != n {
			t.Errorf("%d requests of %d", r.requests[id], n)
		}
	}

	release := writes.hold(1)
	d.appends(ticketA, 0, 1)
	d.eventually("the first is being written", writes.wait)
	d.appends(ticketB, 0, 1)
	d.eventually("the second waits to be written", func() bool { return again(second) })
	if once, twice := again(first), again(first); !once || !twice {
		t.Error("the first is not there")
	}
	release()
	tried(first, 2)
	tried(second, 2)

	release = writes.hold(3) // now there is a row, which is old
	if !again(first) {
		t.Error("the first is not there any more")
	}
	d.eventually("the third attempt is being written", writes.wait)
	if !again(first) {
		t.Error("the first is not there while it is written")
	}
	release()
	tried(first, 4)
	d.recorded(r, 2)
}

// An endpoint that was further than the log, as when only the log was restored from an older backup, goes on with what is new,
// also when a program had said to go on from what was then the end.
func TestWebhookBeyondTheLog(t *testing.T) {
	t.Parallel()
	for name, skips := range map[string]bool{"reading": false, "skipping": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, options{})
			r := d.hears(soon(), nil)
			d.appends(ticketA, 0, 2)
			d.eventually("they arrive", func() bool { return r.count() == 2 })
			d.eventually("it is on record", func() bool { return r.record().Positions[storage.PartitionOf(ticketA)] == 2 })
			d.stop()
			store, err := sqlite.Open(t.Context(), d.path, sqlite.WithoutSync())
			d.must(err)
			w, err := store.Webhook(t.Context(), r.id)
			d.must(err)
			for p := range w.Positions {
				w.Positions[p] += 5
			}
			if skips {
				w.SkipTo = slices.Clone(w.Positions)
			}
			d.must(errors.Join(store.SaveWebhook(t.Context(), w), store.Close()))
			d.start()
			r.wakes() // as the sweep does at the start
			d.appends(ticketA, 2, 3)
			d.eventually("what is new arrives", func() bool { return r.count() == 5 })
			r.inOrder(map[string]int{ticketA: 5})
		})
	}
}

// A receiver is not blamed for the one before it, which failed for days, nor for what that one answers after the move.
func TestWebhookMovedIsBlamedForItself(t *testing.T) {
	t.Parallel()
	d := newDesk(t, options{})
	s := hourly()
	s.Schedule = []float64{0, 172800, 172800, 172800, 172800}
	r := d.hears(s, always(http.StatusInternalServerError))
	d.appends(ticketA, 0, 1)
	attempts := func() int { return len(r.rows()[ids.EventID(ticketA+"/0")].Attempts) }
	d.eventually("it fails", func() bool { return attempts() == 1 })
	for n := 2; n <= 3; n++ {
		d.clock.jump(58 * time.Hour)
		r.wakes()
		d.eventually("it fails again", func() bool { return attempts() == n })
	}
	d.eventually("it is warned of", func() bool { return r.record().Warned != 0 })

	d.clock.jump(10 * time.Hour)
	other := r.other(always(http.StatusInternalServerError))
	if v := r.moves(other); v.Webhook.GetFailingSinceMs() != 0 {
		t.Errorf("a new receiver fails: %v", v)
	}
	moved := d.clock.Now().Add(-time.Minute)
	d.eventually("it fails there", func() bool { return attempts() == 4 })
	if w := r.record(); !w.Enabled || w.Warned != 0 || !w.FailingSince.IsZero() && w.FailingSince.Before(moved) {
		t.Errorf("enabled %v %s, warned %d, failing since %v", w.Enabled, w.DisabledReason, w.Warned, w.FailingSince)
	}

	block := make(chan struct{})
	other.mu.Lock()
	other.block, other.answer = block, always(http.StatusGone)
	other.mu.Unlock()
	d.appends(ticketB, 0, 1)
	d.eventually("an attempt is under way", func() bool { return other.attemptsMade() == 2 })
	third := r.other(nil)
	r.moves(third)
	close(block)
	d.eventually("all arrive", func() bool { return third.count() == 2 })
	if w := r.record(); !w.Enabled || w.Warned != 0 {
		t.Errorf("enabled %v %s, warned %d", w.Enabled, w.DisabledReason, w.Warned)
	}
}
