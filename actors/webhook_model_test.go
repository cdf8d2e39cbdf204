package actors_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/view"
)

// Whatever a receiver answers, and however often the service restarts or its settings change meanwhile: each event arrives,
// the first arrivals of each ticket are in order, and the deliveries say so.
func TestWebhookModel(t *testing.T) {
	t.Parallel()
	checks := 0
	rapid.Check(t, func(rt *rapid.T) {
		if checks++; checks > 15 && !long() {
			return // the other ones of rapid's 100 are for the long run
		}
		plan := drawWebhookPlan(rt)
		t.Run("", func(t *testing.T) { plan.play(t) })
		if t.Failed() {
			rt.Fatal("see above")
		}
	})
}

// webhookPlan is what happens to an endpoint.
type webhookPlan struct {
	seed        uint64
	trouble     float64 // part of the requests that fail
	ordering    string
	concurrency int32
	steps       []webhookStep
}

type webhookStep struct {
	do          string
	ticket      string
	n           int
	concurrency int32
}

func drawWebhookPlan(rt *rapid.T) *webhookPlan {
	step := rapid.Custom(func(rt *rapid.T) webhookStep {
		return webhookStep{
			do: rapid.SampledFrom([]string{"append", "append", "append", "append", "restart", "off", "on", "set", "rest"}).
				Draw(rt, "do"),
			ticket:      fmt.Sprintf("TICK-1-%08X", rapid.IntRange(1, 6).Draw(rt, "ticket")),
			n:           rapid.SampledFrom([]int{1, 5, 60}).Draw(rt, "n"),
			concurrency: rapid.Int32Range(1, 8).Draw(rt, "concurrency"),
		}
	})
	return &webhookPlan{
		seed:        rapid.Uint64().Draw(rt, "seed"),
		trouble:     rapid.SampledFrom([]float64{0, 0.1, 0.5, 0.9}).Draw(rt, "trouble"),
		ordering:    rapid.SampledFrom([]string{"ticket", "ticket", "none"}).Draw(rt, "ordering"),
		concurrency: rapid.Int32Range(1, 8).Draw(rt, "concurrency"),
		steps:       rapid.SliceOfN(step, 1, 15).Draw(rt, "steps"),
	}
}

// play lets it happen, then has the receiver take everything, and looks at what has arrived.
func (p *webhookPlan) play(t *testing.T) {
	d := newDesk(t, options{speed: 50})
	random, healthy := rand.New(rand.NewPCG(p.seed, 0)), false
	s := &messages.WebhookSettings{Schedule: []float64{0, 0.2}, Ordering: p.ordering, MaxConcurrency: p.concurrency,
		Events: []string{messages.EventMessageSent}}
	for range 30 {
		s.Schedule = append(s.Schedule, 0.5)
	}
	r := d.hears(s, func(int, view.Envelope) int {
		if healthy || random.Float64() >= p.trouble {
			return http.StatusOK
		}
		return []int{500, 404, 301, 503, 429, resets}[random.IntN(6)]
	})
	has, all, enabled, restarted := map[string]int{}, 0, true, false
	for i, step := range p.steps {
		origin := &messages.Origin{CommandId: fmt.Sprint(i)}
		switch step.do {
		case "append":
			d.appends(step.ticket, has[step.ticket], step.n)
			has[step.ticket] += step.n
			all += step.n
		case "restart":
			d.logged(has)
			d.restart()
			restarted = true
		case "off":
			r.ask(&messages.DisableWebhook{Origin: origin})
			enabled = false
		case "on":
			r.ask(&messages.EnableWebhook{Origin: origin})
			enabled = true
		case "set":
			s.MaxConcurrency, s.Enabled = step.concurrency, enabled
			r.ask(&messages.UpdateWebhook{Origin: origin, Settings: s})
		case "rest":
			if before := r.count(); enabled && p.trouble < 0.9 && before < all {
				d.eventually("something arrives", func() bool { return r.count() > before })
			}
		}
	}
	r.mu.Lock()
	healthy = true
	r.mu.Unlock()
	if !enabled {
		r.ask(&messages.EnableWebhook{Origin: &messages.Origin{CommandId: "last"}})
	}
	d.eventually(fmt.Sprint("all ", all, " arrive"), func() bool { return r.count() >= all })
	if p.ordering == "ticket" {
		r.inOrder(has)
	}
	d.recorded(r, all)
	if !restarted {
		r.complete()
	}
}

// resets is an answer that breaks the connection.
const resets = -1

// complete fails unless each request is an attempt on record.
func (r *receiver) complete() {
	r.d.t.Helper()
	rows := r.rows()
	r.mu.Lock()
	defer r.mu.Unlock()
	for id, n := range r.requests {
		if row := rows[id]; len(row.Attempts) > n || len(row.Attempts) < n-2*row.Tries-2 {
			r.d.t.Errorf("%s: %d requests, %d attempts on record", id, n, len(row.Attempts))
		}
		if r.taken[id] != 1 {
			r.d.t.Errorf("%s was taken %d times", id, r.taken[id])
		}
	}
}

// recorded waits until an endpoint has n deliveries, all of them over.
func (d *desk) recorded(r *receiver, n int) {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.t.Context(), patience)
	defer cancel()
	for tick := time.NewTicker(20 * time.Millisecond); ; {
		rows, open := r.rows(), []storage.Delivery(nil)
		for _, row := range rows {
			if row.Open() {
				open = append(open, row)
			}
		}
		if len(open) == 0 && len(rows) == n {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			d.t.Fatalf("%d of %d deliveries are on record; open: %+v", len(rows), n, open)
		}
	}
}

// logged waits until the log has the events of tickets.
func (d *desk) logged(has map[string]int) {
	d.t.Helper()
	for ticket, n := range has {
		d.eventually(ticket+" is logged", func() bool {
			after, err := d.store.EventsAfter(d.t.Context(), ticket, int64(n-1), 1)
			d.must(err)
			return len(after) == 1
		})
		d.eventually("readers know of it", func() bool {
			reply, err := d.system.Ask(d.t.Context(), messages.KindQuery, "", &messages.ReadLog{Newest: true, Limit: 1,
				Filter: &messages.LogFilter{TicketId: ticket}})
			d.must(err)
			newest := reply.(*messages.LogPage).Events
			return len(newest) == 1 && newest[0].Number >= int64(n)
		})
	}
}
