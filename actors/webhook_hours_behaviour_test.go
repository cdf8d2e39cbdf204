package actors_test

import (
	"fmt"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/view"
)

// Waits of hours, as ordinary schedules have them: nobody else waits with an event that failed, and an endpoint that is back
// does not wait until the hours are over.

const ticketA, ticketB = "TICK-1-0000000A", "TICK-1-0000000B"

// hourly are settings by which an event that failed waits for hours.
func hourly() *messages.WebhookSettings {
	return &messages.WebhookSettings{Schedule: []float64{0, 7200, 7200, 7200}, Events: []string{messages.EventMessageSent}}
}

// wakes has the sweep's message reach the endpoint, and waits until it is handled.
func (r *receiver) wakes() {
	r.d.t.Helper()
	_, err := r.d.system.Ask(r.d.t.Context(), messages.KindWebhook, r.id, &messages.Wake{})
	r.d.must(err)
}

// record is the endpoint as it is stored.
func (r *receiver) record() *storage.Webhook {
	r.d.t.Helper()
	w, err := r.d.store.Webhook(r.d.t.Context(), r.id)
	r.d.must(err)
	return w
}

// answers has the receiver answer otherwise from now on.
func (r *receiver) answers(answer func(n int, e view.Envelope) int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = answer
}

func always(status int) func(int, view.Envelope) int {
	return func(int, view.Envelope) int { return status }
}

// retries asks for an event of a ticket again.
func (r *receiver) retries(ticket string, number int64) *messages.DeliveryView {
	r.d.t.Helper()
	for id, row := range r.rows() {
		if row.TicketID == ticket && row.Number == number {
			return commanded[*messages.DeliveryView](r, &messages.RetryDelivery{Origin: &messages.Origin{CommandId: "retry " + id}, EventId: id})
		}
	}
	r.d.t.Fatal("no delivery of ", ticket, number)
	return nil
}

// commanded sends a command to the endpoint that is not answered with the endpoint.
func commanded[T proto.Message](r *receiver, m proto.Message) T {
	r.d.t.Helper()
	return asks[T](r.d, messages.KindWebhook, r.id, m)
}

func TestWebhookOneTicketWaitsForHours(t *testing.T) {
	t.Parallel()
	d := newDesk(t, options{})
	fails := func(_ int, e view.Envelope) int {
		if *e.TicketID == ticketA && *e.Number == 7 {
			return 500
		}
		return 200
	}
	r := d.hears(hourly(), fails)
	d.appends(ticketA, 0, 30)
	d.eventually("one has failed", func() bool { return r.state(ticketA, 7) == storage.DeliveryFailed })
	d.logged(map[string]int{ticketA: 30})
	d.restart()
	r.wakes()
	d.appends(ticketB, 0, 30)
	d.eventually("the other ticket arrives", func() bool { return r.count() == 36 })
	r.answers(nil)
	d.clock.jump(3 * time.Hour)
	d.eventually("all arrive", func() bool { return r.count() == 60 })
	r.inOrder(map[string]int{ticketA: 30, ticketB: 30})
}

func TestWebhookIsProbedWhileAllWait(t *testing.T) {
	t.Parallel()
	d := newDesk(t, options{speed: 20})
	s := hourly()
	s.Schedule = []float64{0, 1, 1, 1, 7200, 7200}
	r := d.hears(s, always(500))
	has := map[string]int{}
	for i := range 5 {
		ticket := fmt.Sprintf("TICK-1-%08X", i)
		d.appends(ticket, 0, 1)
		has[ticket] = 1
	}
	began := d.clock.Now()
	d.eventually("the breaker opens, and probes go out", func() bool { return r.attemptsMade() >= 22 })
	d.eventually("the probes are on record", func() bool {
		attempts := 0
		for _, row := range r.rows() {
			attempts += len(row.Attempts)
		}
		return attempts >= 22
	})
	for id, row := range r.rows() {
		if row.Tries != 4 || !row.Open() || row.NextAttemptAt.Sub(began) < time.Hour {
			t.Errorf("%s: a probe cost it an attempt: %+v", id, row)
		}
	}
	r.answers(nil)
	d.eventually("all arrive", func() bool { return r.count() == 5 })
	if took := d.clock.Now().Sub(began); took > time.Hour {
		t.Errorf("it took %v", took)
	}
	r.inOrder(has)
}

// What an endpoint no longer hears is not sent to it, also when it has failed before, or is asked for.
func TestWebhookDoesNotGetWhatItNoLongerHears(t *testing.T) {
	t.Parallel()
	for _, ordering := range []string{"ticket", "none"} {
		t.Run(ordering, func(t *testing.T) {
			d := newDesk(t, options{})
			s := hourly()
			s.Ordering = ordering
			r := d.hears(s, func(_ int, e view.Envelope) int {
				if *e.TicketID == ticketA {
					return 500
				}
				return 200
			})
			d.appends(ticketA, 0, 1)
			d.appends(ticketB, 0, 1)
			d.eventually("one failed, one arrived", func() bool {
				return r.state(ticketA, 1) == storage.DeliveryFailed && r.state(ticketB, 1) == storage.DeliverySent
			})
			s.Events = []string{"ticket.*"}
			r.ask(&messages.UpdateWebhook{Origin: &messages.Origin{CommandId: "other"}, Settings: s})
			d.eventually("the new settings hold", func() bool {
				v := r.retries(ticketB, 1)
				return v.Code == messages.Code_CONFLICT && v.Reason == messages.ReasonEventUnheard
			})
			d.clock.jump(3 * time.Hour)
			d.eventually("what had failed is skipped", func() bool { return r.state(ticketA, 1) == storage.DeliverySkipped })
			if n := r.attemptsMade(); n != 2 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

// To ask for an event that still waits for another one of its ticket ends its pause, and costs it nothing.
func TestWebhookRetryOfWhatStillComes(t *testing.T) {
	t.Parallel()
	d := newDesk(t, options{})
	s := hourly()
	s.Ordering = "none"
	r := d.hears(s, always(500))
	d.appends(ticketA, 0, 2)
	d.eventually("both failed", func() bool {
		return r.state(ticketA, 1) == storage.DeliveryFailed && r.state(ticketA, 2) == storage.DeliveryFailed
	})
	s.Ordering = "ticket"
	r.ask(&messages.UpdateWebhook{Origin: &messages.Origin{CommandId: "ordered"}, Settings: s})
	d.eventually("the second waits for the first", func() bool {
		v := r.retries(ticketA, 2)
		return v.Code == messages.Code_OK && v.Delivery.State == storage.DeliveryFailed
	})
	r.retries(ticketA, 1)
	d.eventually("the first was tried", func() bool {
		return len(r.rows()[ids.EventID(ticketA+"/0")].Attempts) == 2 // on record, so that the jump is after it
	})
	r.answers(nil)
	d.clock.jump(3 * time.Hour)
	d.eventually("both arrive", func() bool { return r.count() == 2 })
	r.inOrder(map[string]int{ticketA: 2})
	d.recorded(r, 2)
}

func TestWebhookReplayCancelled(t *testing.T) {
	t.Parallel()
	d := newDesk(t, options{})
	s := hourly()
	s.Schedule = []float64{0, 200}
	r := d.hears(s, nil)
	d.appends(ticketA, 0, 2)
	d.eventually("one ticket arrives", func() bool { return r.count() == 2 })
	r.answers(always(500))
	d.appends(ticketB, 0, 1)
	d.eventually("the other fails", func() bool { return r.state(ticketB, 1) == storage.DeliveryFailed })
	d.clock.jump(5 * time.Minute)
	d.eventually("it is used up", func() bool { return r.state(ticketB, 1) == storage.DeliveryExhausted })
	replay := commanded[*messages.ReplayView](r, &messages.StartReplay{Origin: &messages.Origin{CommandId: "again"}}).Replay
	d.eventually("the replay fails, and waits", func() bool {
		return r.state(ticketA, 1) == storage.DeliveryFailed && r.state(ticketB, 1) == storage.DeliveryFailed
	})
	commanded[*messages.ReplayView](r, &messages.CancelReplay{Origin: &messages.Origin{CommandId: "no"}, ReplayId: replay.ReplayId})
	d.eventually("all is as it was", func() bool {
		return r.state(ticketA, 1) == storage.DeliverySent && r.state(ticketB, 1) == storage.DeliveryExhausted
	})
	r.answers(nil)
	commanded[*messages.ReplayView](r, &messages.StartReplay{Origin: &messages.Origin{CommandId: "missing"}, Missing: true})
	d.eventually("what is missing arrives", func() bool { return r.count() == 3 })
	d.recorded(r, 3)
}

// A replay ends before the time that it was given.
func TestWebhookReplayUntil(t *testing.T) {
	t.Parallel()
	d := newDesk(t, options{})
	r := d.hears(hourly(), nil)
	d.appends(ticketA, 0, 1)
	d.eventually("one arrives", func() bool { return r.count() == 1 })
	d.clock.jump(time.Hour)
	d.appends(ticketA, 1, 1)
	d.recorded(r, 2)
	r.mu.Lock()
	until, err := time.Parse(time.RFC3339, r.arrived[1].Timestamp)
	r.mu.Unlock()
	d.must(err)
	replay := commanded[*messages.ReplayView](r, &messages.StartReplay{Origin: &messages.Origin{CommandId: "until"}, UntilMs: until.UnixMilli()}).Replay
	var kept *storage.Replay
	d.eventually("the replay is done", func() bool {
		kept, err = d.store.Replay(t.Context(), replay.ReplayId)
		d.must(err)
		return kept.State == "done"
	})
	if kept.Sent != 1 || r.attemptsMade() != 3 {
		t.Errorf("%+v, %d requests", kept, r.attemptsMade())
	}
}

// An endpoint is blamed for attempts that failed over days, not for days that passed.
func TestWebhookDaysWithoutAttempts(t *testing.T) {
	t.Parallel()
	d := newDesk(t, options{})
	s := hourly()
	s.Schedule = []float64{0}
	r := d.hears(s, always(500))
	d.appends(ticketA, 0, 1)
	d.eventually("one is used up", func() bool { return r.state(ticketA, 1) == storage.DeliveryExhausted })
	d.clock.jump(6 * 24 * time.Hour)
	r.wakes()
	if w := r.record(); !w.Enabled || w.Warned != 0 {
		t.Errorf("enabled %v, warned %d", w.Enabled, w.Warned)
	}
	d.appends(ticketB, 0, 1)
	d.eventually("the next failure is after days", func() bool { return r.record().DisabledReason == "failing" })
}

// What waits for its next attempt is not kept in memory, and its history goes on with what is stored.
func TestWebhookHistoryOfWhatRested(t *testing.T) {
	t.Parallel()
	for _, ordering := range []string{"ticket", "none"} {
		t.Run(ordering, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, options{})
			s := hourly()
			s.Ordering = ordering
			r := d.hears(s, always(500))
			d.appends(ticketA, 0, 1)
			id := ids.EventID(ticketA + "/0")
			for n := 1; n <= 3; n++ {
				d.eventually("it fails once more", func() bool { return len(r.rows()[id].Attempts) == n })
				r.wakes() // a turn after the write
				if n == 3 {
					r.answers(nil)
				}
				d.clock.jump(3 * time.Hour)
			}
			d.eventually("it arrives", func() bool { return r.count() == 1 })
			d.recorded(r, 1)
			if row := r.rows()[id]; len(row.Attempts) != 4 || row.State != storage.DeliverySent || row.Tries != 3 {
				t.Errorf("%+v", row)
			}
		})
	}
}
