package webhook

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// backlogEvery is how often an endpoint that is behind says how far: to look costs a pass over its lanes.
const backlogEvery = 5 * time.Second

// backlog is what waits at an endpoint.
type backlog struct {
	lanes  int       // sequences of events, mostly tickets, with something that waits
	oldest time.Time // when the oldest of these events happened
}

// backlogs keeps what waits at the endpoints on this node, for the metrics.
type backlogs struct {
	mu  sync.Mutex
	all map[string]backlog
}

func (b *backlogs) set(webhookID string, of backlog) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if of.lanes == 0 {
		delete(b.all, webhookID)
		return
	}
	if b.all == nil {
		b.all = map[string]backlog{}
	}
	b.all[webhookID] = of
}

func (b *backlogs) sum() (lanes int, oldest time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, of := range b.all {
		lanes += of.lanes
		if !of.oldest.IsZero() && (oldest.IsZero() || of.oldest.Before(oldest)) {
			oldest = of.oldest
		}
	}
	return lanes, oldest
}

func (b *backlogs) register(r prometheus.Registerer, now func() time.Time) {
	if r == nil {
		return
	}
	gauge := func(name, help string, value func() float64) {
		r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "topicdesk", Name: name, Help: help}, value))
	}
	gauge("webhook_backlog_age_max_seconds", "Age of the oldest event that waits at any enabled endpoint of this node.",
		func() float64 {
			if _, oldest := b.sum(); !oldest.IsZero() {
				return max(0, now().Sub(oldest).Seconds())
			}
			return 0
		})
	gauge("webhook_backlog_tickets", "Tickets of which an event waits at an enabled endpoint of this node, counted for each endpoint.",
		func() float64 {
			lanes, _ := b.sum()
			return float64(lanes)
		})
}

// noteBacklog notes what waits, for the metrics.
func (r *run) noteBacklog() {
	w := r.w
	if len(r.lanes) == 0 {
		w.room.backlogs.set(w.ID, backlog{})
		return
	}
	now := w.Now()
	if now.Sub(r.noted) < backlogEvery && !now.Before(r.noted) {
		return
	}
	r.noted = now
	w.room.backlogs.set(w.ID, backlog{lanes: len(r.lanes), oldest: r.oldest()})
}
