package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

// downReceiver takes nothing until it is up.
type downReceiver struct {
	testing.TB
	mu       sync.Mutex
	up       bool
	attempts int
	last     time.Time            // when the last attempt came
	probes   int                  // attempts more than 2 s after the one before
	next     map[string]int       // by ticket: the number of the event that comes next for the first time
	taken    map[string]time.Time // by event: when it came last
	again    []time.Time          // when events came first that came again
}

func (r *downReceiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	var e struct {
		ID, TicketID string
		Number       int
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return
	}
	if err := json.Unmarshal(body, &e); err != nil {
		r.Errorf("%v: %s", err, body)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.attempts++
	if now := time.Now(); now.Sub(r.last) > 2*time.Second {
		r.probes++
	}
	r.last = time.Now()
	if !r.up {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	before, known := r.taken[e.ID]
	if known {
		r.again = append(r.again, before)
	} else if r.next[e.TicketID]++; r.next[e.TicketID] != e.Number {
		r.Errorf("%s: %d came when %d was next", e.TicketID, e.Number, r.next[e.TicketID])
	}
	r.taken[e.ID] = time.Now()
}

func (r *downReceiver) counts() (attempts, probes, taken int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.attempts, r.probes, len(r.taken)
}

// TestWebhookKilledWhileItIsDown kills the service before an endpoint counts as down, as it is found to be, while it rests
// between two probes, and while it gets what has waited. Each event arrives, those of a ticket in order, and again only what
// came just before a kill.
func TestWebhookKilledWhileItIsDown(t *testing.T) {
	if testing.Short() {
		t.Skip("long: kills processes")
	}
	t.Parallel()
	const tickets, each = 300, 3
	r := &downReceiver{TB: t, next: map[string]int{}, taken: map[string]time.Time{}}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	h := newHooked(t)
	h.begin()
	schedule := []float64{0}
	for len(schedule) < 32 {
		schedule = append(schedule, 60)
	}
	id, _ := h.hook(map[string]any{"url": server.URL, "events": []string{"message.*"}, "schedule": schedule, "maxConcurrency": 16})
	h.end()
	h.fill(tickets, each)
	attempts := func() int { n, _, _ := r.counts(); return n }
	taken := func() int { _, _, n := r.counts(); return n }
	for kill, more := range []int{8, 20, 20} { // after 20 it is down
		before := attempts()
		h.begin()
		h.soonTrue("it is tried", attempts, func() bool { return attempts() >= before+more })
		if _, before, _ := r.counts(); kill == 2 {
			h.soonTrue("it has rested, and is probed", attempts, func() bool { _, probes, _ := r.counts(); return probes > before })
		}
		h.process.kill()
	}
	h.begin()
	r.mu.Lock()
	r.up = true
	r.mu.Unlock()
	h.soonTrue("a part arrives", taken, func() bool { return taken() >= tickets })
	h.process.kill()
	killed := time.Now().Add(100 * time.Millisecond) // what was on its way arrives, and no other process is there as soon
	h.begin()
	h.soonTrue("all arrive", taken, func() bool { return taken() >= tickets*each })
	h.allSent(id, tickets*each)
	h.end()
	for _, at := range r.again {
		if at.After(killed) || killed.Sub(at) > lostBefore {
			t.Errorf("an event that came %v before the kill came again", killed.Sub(at))
		}
	}
	t.Logf("%d attempts at %d events, %d of them came again", r.attempts, tickets*each, len(r.again))
}
