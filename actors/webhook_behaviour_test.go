package actors_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/view"
)

// What happens on a ticket arrives signed, complete and in order, and each delivery is on record.
func TestWebhookHearsATicket(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	r := d.hears(&messages.WebhookSettings{}, nil)
	k := d.open(d.ann, d.support, "Printer")
	for i := range 5 {
		d.say(d.ann, d.support, k.thread, fmt.Sprint("word ", i))
	}
	d.awaitTold(k, messages.EventMessageSent, 5)
	all, _ := d.told(k)
	d.eventually("all events arrive", func() bool { return r.count() == len(all) })
	r.inOrder(map[string]int{k.id: len(all)})
	d.eventually("deliveries are on record", func() bool { return len(r.rows()) == len(all) })
	for _, row := range r.rows() {
		if row.State != storage.DeliverySent || len(row.Attempts) != 1 || row.Attempts[0].Status != 200 {
			t.Errorf("%+v", row)
		}
	}
}

// An event that fails holds back its ticket, and nobody else.
func TestWebhookKeepsOrder(t *testing.T) {
	t.Parallel()
	for _, restarts := range []bool{false, true} {
		t.Run(fmt.Sprint("restarts ", restarts), func(t *testing.T) {
			d := newDesk(t, options{})
			r := d.hears(soon(), func(n int, e view.Envelope) int {
				if *e.TicketID == "TICK-1-0000000A" && *e.Number == 3 && n <= 4 {
					return 500
				}
				return 200
			})
			d.appends("TICK-1-0000000A", 0, 50)
			d.appends("TICK-1-0000000B", 0, 50)
			d.eventually("the other ticket arrives", func() bool { return slices.Contains(r.events(), "TICK-1-0000000B/50") })
			if restarts {
				d.restart()
			}
			d.appends("TICK-1-0000000A", 50, 50)
			d.eventually("all arrive", func() bool { return r.count() == 150 })
			r.inOrder(map[string]int{"TICK-1-0000000A": 100, "TICK-1-0000000B": 50})
			d.eventually("all are on record", func() bool { return len(r.rows()) == 150 })
			r.mu.Lock()
			defer r.mu.Unlock()
			for id, n := range r.taken {
				if n != 1 && !restarts {
					t.Errorf("%s arrived %d times", id, n)
				}
			}
		})
	}
}

// An endpoint that is down is tried by one event at a time, costs little, and gets everything in order when it is back, at a
// pace that grows.
func TestWebhookDownAndBack(t *testing.T) {
	t.Parallel()
	d := newDesk(t, options{speed: 20})
	var up bool
	s := soon()
	s.Events = []string{"message.*"}
	for range 200 {
		s.Schedule = append(s.Schedule, 1)
	}
	r := d.hears(s, func(int, view.Envelope) int {
		if up {
			return 200
		}
		return 500
	})
	has := map[string]int{}
	for i := range 100 {
		ticket := fmt.Sprintf("TICK-1-%08X", i)
		d.appends(ticket, 0, 5)
		has[ticket] = 5
	}
	d.eventually("the breaker opens", func() bool { return r.attemptsMade() >= 20 })
	before := r.attemptsMade()
	d.logged(has)
	d.eventually("it is tried by one at a time", func() bool { return r.attemptsMade() >= before+2 })
	if r.mostAtOnce(true); r.attemptsMade() > 60 {
		t.Errorf("%d attempts at an endpoint that is down", r.attemptsMade())
	}
	d.eventually("it is tried again", func() bool { return r.attemptsMade() >= before+4 })
	if most := r.mostAtOnce(false); most > 1 {
		t.Errorf("%d attempts at the same time at an endpoint that is down", most)
	}
	r.mu.Lock()
	up = true
	r.mu.Unlock()
	d.eventually("all arrive", func() bool { return r.count() >= 500 })
	r.inOrder(has)
	failing, recovered := 0, 0
	for _, e := range d.aboutWebhooks() {
		switch e.Type {
		case messages.EventWebhookFailing:
			failing++
		case messages.EventWebhookRecovered:
			recovered++
		}
	}
	if failing != 1 || recovered != 1 {
		t.Errorf("%d events say that it fails, %d that it recovered", failing, recovered)
	}
}

// 410, or the header webhook-delivery: disable, disables the endpoint; enable goes on where it was.
func TestWebhookGone(t *testing.T) {
	t.Parallel()
	d := newDesk(t, options{})
	gone := true
	r := d.hears(soon(), func(int, view.Envelope) int {
		if gone {
			return http.StatusGone
		}
		return 200
	})
	d.appends("TICK-1-0000000A", 0, 3)
	d.eventually("it is disabled", func() bool {
		w, err := d.store.Webhook(t.Context(), r.id)
		d.must(err)
		return !w.Enabled && w.DisabledReason == "gone"
	})
	d.eventually("an event says so", func() bool {
		all := d.aboutWebhooks()
		return len(all) == 1 && all[0].Type == messages.EventWebhookDisabled
	})
	d.appends("TICK-1-0000000A", 3, 3)
	d.logged(map[string]int{"TICK-1-0000000A": 6})
	d.restart()
	if n := r.count(); n != 0 {
		t.Errorf("%d events arrived", n)
	}
	r.mu.Lock()
	gone = false
	r.mu.Unlock()
	r.ask(&messages.EnableWebhook{Origin: &messages.Origin{CommandId: "on"}})
	d.eventually("all arrive", func() bool { return r.count() >= 6 })
	r.inOrder(map[string]int{"TICK-1-0000000A": 6})
}

// What "enable from now" skips is missing, and a replay of what is missing brings it, in order; also what was used up.
func TestWebhookMissing(t *testing.T) {
	t.Parallel()
	for _, ordering := range []string{"ticket", "none"} {
		t.Run(ordering, func(t *testing.T) {
			d := newDesk(t, options{})
			fails := true
			s := &messages.WebhookSettings{Schedule: []float64{0, 0.1}, Ordering: ordering, Events: []string{"message.*"}}
			r := d.hears(s, func(_ int, e view.Envelope) int {
				if fails && *e.Number == 2 {
					return 500
				}
				return 200
			})
			d.appends("TICK-1-0000000A", 0, 4)
			d.eventually("the second is used up", func() bool { return r.count() == 3 && r.state("TICK-1-0000000A", 2) == "exhausted" })
			r.ask(&messages.DisableWebhook{Origin: &messages.Origin{CommandId: "off"}})
			d.appends("TICK-1-0000000A", 4, 300)
			d.eventually("the desk knows what waits", func() bool {
				reply, err := d.system.Ask(t.Context(), messages.KindWebhook, r.id, &messages.GetWebhookStats{})
				d.must(err)
				return reply.(*messages.WebhookStats).Backlog >= 300
			})
			r.ask(&messages.EnableWebhook{Origin: &messages.Origin{CommandId: "on"}, FromNow: true})
			d.appends("TICK-1-0000000A", 304, 2)
			d.eventually("what is new arrives", func() bool { return r.count() == 5 })
			d.eventually("what was skipped is on record", func() bool { return r.state("TICK-1-0000000A", 304) == "skipped" })
			r.mu.Lock()
			fails = false
			r.mu.Unlock()
			reply, err := d.system.Ask(t.Context(), messages.KindWebhook, r.id,
				&messages.StartReplay{Origin: &messages.Origin{CommandId: "again"}, Missing: true})
			d.must(err)
			replay := reply.(*messages.ReplayView).Replay
			d.eventually("the replay is done", func() bool {
				kept, err := d.store.Replay(t.Context(), replay.ReplayId)
				d.must(err)
				return kept.State == "done" && kept.Sent == 301 && kept.Failed == 0 && kept.Total == 301
			})
			if n := r.count(); n != 306 {
				t.Errorf("%d of 306 arrived", n)
			}
			last := int64(0)
			for _, e := range r.arrived[5:] {
				if ordering == "ticket" && *e.Number <= last {
					t.Fatalf("%d after %d", *e.Number, last)
				}
				last = *e.Number
			}
		})
	}
}

// A replay by time and type brings what the endpoint had already, and nothing else; a retry brings one event.
func TestWebhookReplayAndRetry(t *testing.T) {
	t.Parallel()
	d := newDesk(t, options{sweepEvery: time.Hour}) // a replay begins by itself
	r := d.hears(soon(), nil)
	for i := range 10 {
		d.appends(fmt.Sprintf("TICK-1-%08X", i), 0, 30)
	}
	d.eventually("all arrive", func() bool { return r.count() == 300 })
	d.recorded(r, 300)
	for i, m := range []*messages.StartReplay{
		{TicketId: "TICK-1-00000003"}, {Types: []string{"ticket.*"}}, {}, {EventIds: []string{r.arrived[0].ID, "evt_unknown"}},
	} {
		m.Origin = &messages.Origin{CommandId: fmt.Sprint("replay ", i)}
		before := r.attemptsMade()
		reply, err := d.system.Ask(t.Context(), messages.KindWebhook, r.id, m)
		d.must(err)
		again, err := d.system.Ask(t.Context(), messages.KindWebhook, r.id, m)
		d.must(err)
		replay := reply.(*messages.ReplayView).Replay
		if replay == nil || again.(*messages.ReplayView).Replay.GetReplayId() != replay.ReplayId {
			t.Fatal(reply, again)
		}
		var kept *storage.Replay
		d.eventually("the replay is done", func() bool {
			kept, err = d.store.Replay(t.Context(), replay.ReplayId)
			d.must(err)
			return kept.State == "done"
		})
		want := []int64{30, 0, 300, 1}[i]
		if kept.Sent != want || kept.Total != []int64{30, 0, 300, 2}[i] || r.attemptsMade()-before != int(want) {
			t.Errorf("replay %d: %+v, %d attempts", i, kept, r.attemptsMade()-before)
		}
	}
	id, before := r.arrived[7].ID, r.attemptsMade()
	reply, err := d.system.Ask(t.Context(), messages.KindWebhook, r.id,
		&messages.RetryDelivery{Origin: &messages.Origin{CommandId: "retry"}, EventId: id})
	d.must(err)
	if v := reply.(*messages.DeliveryView); v.Code != messages.Code_OK {
		t.Fatal(v)
	}
	d.eventually("it is sent again", func() bool { return r.attemptsMade() == before+1 })
	d.recorded(r, 300)
}

// Failing for days: a word after one and three, then it is disabled; nothing is lost.
func TestWebhookFailsForDays(t *testing.T) {
	t.Parallel()
	d := ready(t, options{sweepEvery: 20 * time.Millisecond})
	d.say(d.ann, d.ann, 0, "/start")
	fails := true
	r := d.hears(&messages.WebhookSettings{}, func(int, view.Envelope) int {
		if fails {
			return 500
		}
		return 200
	})
	d.appends("TICK-1-0000000A", 0, 2)
	d.eventually("it failed", func() bool { return len(r.rows()) > 0 })
	var told []string
	for range 6 {
		d.clock.jump(23 * time.Hour)
		d.eventually("it is tried, or looked at", func() bool { return len(d.aboutWebhooks()) >= len(told) })
	}
	d.eventually("it is disabled", func() bool {
		w, err := d.store.Webhook(t.Context(), r.id)
		d.must(err)
		return w.DisabledReason == "failing"
	})
	d.eventually("words were said", func() bool {
		told = nil
		for _, e := range d.aboutWebhooks() {
			data := struct{ Stage string }{}
			d.must(json.Unmarshal(e.Data, &data))
			told = append(told, e.Type+" "+data.Stage)
		}
		return slices.Contains(told, "webhook.failing day1") && slices.Contains(told, "webhook.failing day3") &&
			slices.Contains(told, "webhook.disabled ")
	})
	r.mu.Lock()
	fails = false
	r.mu.Unlock()
	d.awaitText(d.ann, 0, "has taken no event for a day")
	d.awaitText(d.ann, 0, "is disabled: it took no event for 5 days")
	r.ask(&messages.EnableWebhook{Origin: &messages.Origin{CommandId: "on"}})
	d.eventually("all arrive", func() bool { return r.count() == 2 })
	r.inOrder(map[string]int{"TICK-1-0000000A": 2})
}
