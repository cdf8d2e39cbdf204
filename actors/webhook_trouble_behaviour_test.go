package actors_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/view"
)

// failingWebhooks fails writes and reads about endpoints, each as often as it is told.
type failingWebhooks struct {
	storage.Store
	replays, recoveries, opens *atomic.Int64
}

var errNoStorage = errors.New("storage is away")

func (s failingWebhooks) SaveReplay(ctx context.Context, r *storage.Replay) error {
	if r.Version > 0 && s.replays.Add(-1) >= 0 {
		return errNoStorage
	}
	return s.Store.SaveReplay(ctx, r)
}

func (s failingWebhooks) SaveWebhook(ctx context.Context, w *storage.Webhook) error {
	recovered := func(e storage.Event) bool { return e.Type == messages.EventWebhookRecovered }
	if slices.ContainsFunc(w.Unlogged, recovered) && s.recoveries.Add(-1) >= 0 {
		return errNoStorage
	}
	return s.Store.SaveWebhook(ctx, w)
}

func (s failingWebhooks) OpenDeliveries(ctx context.Context, id string, partition int, position int64, limit int) ([]storage.Delivery, error) {
	if s.opens.Add(-1) >= 0 {
		return nil, errNoStorage
	}
	return s.Store.OpenDeliveries(ctx, id, partition, position, limit)
}

func TestWebhookWhenStorageFails(t *testing.T) {
	t.Parallel()
	failing := failingWebhooks{replays: &atomic.Int64{}, recoveries: &atomic.Int64{}, opens: &atomic.Int64{}}
	d := newDesk(t, options{sweepEvery: time.Hour, wrapStore: func(s storage.Store) storage.Store {
		failing.Store = s
		return failing
	}})
	failing.opens.Store(1)
	r := d.hears(soon(), nil)
	d.run(t, "an endpoint that can't begin begins a little later", func(*testing.T) {
		d.appends(ticketA, 0, 3)
		d.eventually("they arrive", func() bool { return r.count() == 3 })
		d.recorded(r, 3)
	})
	d.run(t, "a replay whose end can't be written ends a little later", func(t *testing.T) {
		failing.replays.Store(5)
		replay := commanded[*messages.ReplayView](r, &messages.StartReplay{Origin: &messages.Origin{CommandId: "again"}}).Replay
		d.eventually("it is done", func() bool {
			kept, err := d.store.Replay(t.Context(), replay.ReplayId)
			d.must(err)
			return kept.State == "done" && kept.Sent == 3
		})
	})
	d.run(t, "that it recovered is told by the next success", func(*testing.T) {
		r.answers(always(500))
		for i := range 6 {
			d.appends(fmt.Sprintf("TICK-1-%08X", 100+i), 0, 1)
		}
		d.eventually("it is warned of", func() bool { return len(d.aboutWebhooks()) == 1 })
		failing.recoveries.Store(1)
		r.answers(nil)
		d.eventually("it is told", func() bool {
			all := d.aboutWebhooks()
			return all[len(all)-1].Type == messages.EventWebhookRecovered || all[0].Type == messages.EventWebhookRecovered
		})
		if failing.recoveries.Load() >= 0 {
			t.Error("storage never failed")
		}
	})
}

// A receiver that hangs delays the end of the service by a part of the time that it has.
func TestWebhookHangsAtTheEnd(t *testing.T) {
	t.Parallel()
	d := newDesk(t, options{})
	r := d.hears(soon(), nil)
	block := make(chan struct{})
	r.mu.Lock()
	r.block = block
	r.mu.Unlock()
	d.appends(ticketA, 0, 1)
	d.eventually("it hangs", func() bool { return r.attemptsMade() == 1 })
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second) // less than twice the time that the attempt has
	defer cancel()
	d.must(d.system.Stop(ctx))
	r.mu.Lock()
	r.block = nil
	r.mu.Unlock()
	close(block)
	d.restart()
	d.eventually("it is sent again", func() bool { return r.attemptsMade() == 2 })
	d.recorded(r, 1)
	for _, row := range r.rows() {
		if len(row.Attempts) != 1 {
			t.Errorf("the attempt that was cut off counts: %+v", row)
		}
	}
}

// Started with another SECRETS_KEY, the desk says what is wrong and what to do, and that helps.
func TestWebhookWithAnotherSecretsKey(t *testing.T) {
	t.Parallel()
	d := newDesk(t, options{})
	r := d.hears(hourly(), always(500))
	d.appends(ticketA, 0, 1)
	d.eventually("it fails", func() bool { return !r.record().FailingSince.IsZero() && r.state(ticketA, 1) != "" })
	d.opt.secretsKey = "another key for tests, of 32 characters"
	d.restart()
	r.wakes()
	if w := r.record(); !w.Enabled || !strings.Contains(w.LastError, "SECRETS_KEY") || !strings.Contains(w.LastError, "rotate") {
		t.Errorf("enabled %v: %q", w.Enabled, w.LastError)
	}
	d.clock.jump(6 * 24 * time.Hour)
	r.wakes()
	r.mu.Lock() // what is sent immediately is looked at with the new secret
	rotated := r.ask(&messages.RotateWebhookSecret{Origin: &messages.Origin{CommandId: "new"}, OverlapMs: time.Hour.Milliseconds()})
	r.secret, r.answer = rotated.Secret, nil
	r.mu.Unlock()
	d.eventually("it arrives", func() bool { return r.count() == 1 })
	d.recorded(r, 1)
	d.eventually("nothing is wrong any more", func() bool { return r.record().LastError == "" })
}

// A pause that a receiver asks for is kept, whatever happens to the service.
func TestWebhookPauseIsKept(t *testing.T) {
	t.Parallel()
	d := newDesk(t, options{speed: 2})
	s := hourly()
	s.Schedule = []float64{0, 5, 7200}
	r := d.hears(s, func(n int, _ view.Envelope) int { return []int{500, http.StatusServiceUnavailable}[n-1] })
	r.mu.Lock()
	r.retryAfter = "3600"
	r.mu.Unlock()
	began := d.clock.Now()
	d.appends(ticketA, 0, 1)
	d.eventually("the pause is on record", func() bool { return !r.record().HoldUntil.IsZero() })
	if took := d.clock.Now().Sub(began); took > 45*time.Second {
		t.Errorf("only after %v", took)
	}
	r.ask(&messages.UpdateWebhook{Origin: &messages.Origin{CommandId: "set"}, Settings: r.settings})
	r.answers(nil)
	d.appends(ticketB, 0, 1)
	d.logged(map[string]int{ticketB: 1})
	d.restart()
	r.wakes()
	if hold := r.record().HoldUntil; hold.Sub(began) < 50*time.Minute || r.attemptsMade() != 2 {
		t.Errorf("until %v, %d requests", hold, r.attemptsMade())
	}
	d.clock.jump(3 * time.Hour)
	d.eventually("all arrive", func() bool { return r.count() == 2 })
}

// Deliveries that are too old go, many in one go, and open ones that nothing comes to any more.
func TestWebhookOldDeliveries(t *testing.T) {
	t.Parallel()
	d := newDesk(t, options{sweepEvery: time.Hour, keepEvents: 24 * time.Hour})
	r := d.hears(hourly(), nil)
	old := d.clock.Now().Add(-48 * time.Hour).UTC().Truncate(time.Millisecond)
	var rows []*storage.Delivery
	for i := range 1200 {
		rows = append(rows, &storage.Delivery{WebhookID: r.id, EventID: fmt.Sprintf("evt_%026d", i), Type: messages.EventMessageSent,
			Partition: 1, Position: int64(i + 1), State: storage.DeliverySent, CreatedAt: old, UpdatedAt: old})
	}
	d.must(d.store.SaveDeliveries(t.Context(), rows))
	d.must(d.store.SaveDeliveries(t.Context(), []*storage.Delivery{{WebhookID: r.id, EventID: "evt_lost", TicketID: ticketA, Number: 1, Position: 1,
		Type: messages.EventMessageSent, State: storage.DeliveryFailed, NextAttemptAt: old, CreatedAt: old, UpdatedAt: old}}))
	d.restart()
	r.wakes()
	d.eventually("all are deleted", func() bool { return len(r.rows()) <= 1 })
	d.recorded(r, len(r.rows())) // what was open is over
	r.wakes()
	d.eventually("none is left", func() bool { return len(r.rows()) == 0 })
}

// Whoever answers 410 again after it was enabled is disabled again, each time with an event. People hear of it again after an
// hour: a program that enables it in a loop does not fill their chats.
func TestWebhookGoneTwice(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	d.say(d.ann, d.ann, 0, "/start")
	s := soon()
	s.Description = "@carl\nhttps://evil.example/ \u202e"
	r := d.hears(s, always(http.StatusGone))
	d.appends(ticketA, 0, 1)
	words := func() (told int) {
		for _, m := range d.byBot(d.ann, 0) {
			if strings.Contains(m.Text, "is disabled") {
				told++
			}
		}
		return told
	}
	enabled := 0
	goneAgain := func() {
		before := len(d.aboutWebhooks())
		r.ask(&messages.EnableWebhook{Origin: &messages.Origin{CommandId: fmt.Sprint("on ", enabled)}})
		enabled++
		d.eventually("it is disabled again", func() bool { return len(d.aboutWebhooks()) > before && r.record().DisabledReason == "gone" })
	}
	d.eventually("a word", func() bool { return words() == 1 })
	for range 5 {
		goneAgain()
	}
	d.restart()
	goneAgain()
	d.clock.jump(time.Hour)
	goneAgain()
	d.eventually("another word", func() bool { return words() >= 2 })
	if n := words(); n != 2 {
		t.Errorf("%d words", n)
	}
	for _, m := range d.byBot(d.ann, 0) {
		if strings.Contains(m.Text, "evil") && (strings.Contains(m.Text, "@carl\n") || strings.ContainsFunc(m.Text, messages.Directs)) {
			t.Errorf("%q", m.Text)
		}
	}
}

// A pause that a receiver asks for ends when whoever runs it says that it is there: by another URL, by enable, by a retry.
func TestWebhookPauseEnds(t *testing.T) {
	t.Parallel()
	for name, ends := range map[string]func(r, other *receiver){
		"by another URL": func(r, other *receiver) {
			if v := r.moves(other); v.Webhook.GetHoldUntilMs() != 0 {
				t.Error(v)
			}
		},
		"by enable": func(r, _ *receiver) {
			if v := r.ask(&messages.EnableWebhook{Origin: &messages.Origin{CommandId: "on"}}); v.Webhook.GetHoldUntilMs() != 0 {
				t.Error(v)
			}
		},
		"by a retry": func(r, _ *receiver) { r.retries(ticketA, 1) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, options{})
			s := soon()
			s.Events = []string{messages.EventMessageSent}
			r := d.hears(s, always(http.StatusServiceUnavailable))
			r.mu.Lock()
			r.retryAfter = "86400"
			r.mu.Unlock()
			other := r.other(nil)
			d.appends(ticketA, 0, 3)
			d.eventually("the pause is on record", func() bool { return !r.record().HoldUntil.IsZero() })
			r.answers(nil)
			ends(r, other)
			d.eventually("all arrive", func() bool { return r.count()+other.count() == 3 })
			if hold := r.record().HoldUntil; !hold.IsZero() {
				t.Errorf("it is held until %v", hold)
			}
		})
	}
}

// A program that says again and again that a receiver is there, which is not, costs the events that wait no attempt, and
// a retry only the event that it names.
func TestWebhookIsNotThereYet(t *testing.T) {
	t.Parallel()
	d := newDesk(t, options{})
	r := d.hears(hourly(), always(http.StatusServiceUnavailable))
	r.mu.Lock()
	r.retryAfter = "86400"
	r.mu.Unlock()
	d.appends(ticketA, 0, 1)
	fails := func(n int) {
		t.Helper()
		d.eventually("it fails", func() bool {
			made := 0
			for _, row := range r.rows() {
				made += len(row.Attempts)
			}
			return made == n && !r.record().HoldUntil.IsZero()
		})
	}
	tries := func(ticket string) int {
		for _, row := range r.rows() {
			if row.TicketID == ticket {
				return row.Tries
			}
		}
		return 0
	}
	fails(1)
	for n := 2; n <= 6; n++ {
		r.ask(&messages.EnableWebhook{Origin: &messages.Origin{CommandId: fmt.Sprint("on", n)}})
		fails(n)
	}
	if state := r.state(ticketA, 1); state != storage.DeliveryFailed || tries(ticketA) != 1 {
		t.Errorf("%s after %d tries", state, tries(ticketA))
	}
	d.appends(ticketB, 0, 1)
	d.logged(map[string]int{ticketB: 1})
	_, err := d.system.Ask(t.Context(), messages.KindWebhook, r.id, &messages.Wake{}) // it reads on
	d.must(err)
	r.ask(&messages.EnableWebhook{Origin: &messages.Origin{CommandId: "on"}}) // the new one is the attempt that tells
	fails(7)
	if tries(ticketA) != 1 || tries(ticketB) != 1 {
		t.Fatalf("%d and %d tries", tries(ticketA), tries(ticketB))
	}
	r.retries(ticketB, 1)
	fails(8)
	if tries(ticketA) != 1 || tries(ticketB) != 2 {
		t.Errorf("the retry costs %d and %d tries", tries(ticketA), tries(ticketB))
	}
}

// A reader of the log that missed something of one partition stays where it was in the others.
func TestFeedReaderThatMissedEvents(t *testing.T) {
	t.Parallel()
	d := newDesk(t, options{})
	read := func(positions []int64) *messages.LogPage {
		t.Helper()
		reply, err := d.system.Ask(t.Context(), messages.KindQuery, "", &messages.ReadLog{Positions: positions, Limit: 100})
		d.must(err)
		return reply.(*messages.LogPage)
	}
	d.appends(ticketA, 0, 3)
	d.appends(ticketB, 0, 3)
	d.logged(map[string]int{ticketA: 3, ticketB: 3})
	at := read(nil).Positions
	d.appends(ticketA, 3, 3)
	d.logged(map[string]int{ticketA: 6})
	a, b := storage.PartitionOf(ticketA), storage.PartitionOf(ticketB)
	_, err := d.store.DeleteEvents(t.Context(), a, d.clock.Now().Add(time.Hour), 100)
	d.must(err)
	d.restart() // what is in memory is forgotten
	page := read(at)
	if !page.Expired || page.Positions[a] != 5 || page.Positions[b] != at[b] || at[b] != 3 {
		t.Fatalf("expired %v, at %d and %d", page.Expired, page.Positions[a], page.Positions[b])
	}
	if page = read(page.Positions); page.Expired || len(page.Events) != 1 || page.Events[0].Number != 6 {
		t.Errorf("%v", page)
	}
}
