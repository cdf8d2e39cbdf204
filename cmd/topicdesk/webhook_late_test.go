package main

import (
	"encoding/json"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"
)

// failingReceiver fails a tenth of its requests at random: half of them by an answer, half by losing the connection.
type failingReceiver struct {
	testing.TB
	mu       sync.Mutex
	rng      *rand.Rand
	requests int
	failed   int
	took     map[string]time.Duration // by event, from when it happened until it was taken
}

func (r *failingReceiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	var e struct {
		ID        string
		Timestamp time.Time
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return
	}
	if err := json.Unmarshal(body, &e); err != nil {
		r.Errorf("%v: %s", err, body)
	}
	r.mu.Lock()
	r.requests++
	fate := r.rng.IntN(20)
	if fate < 2 {
		r.failed++
	} else if _, known := r.took[e.ID]; !known {
		r.took[e.ID] = time.Since(e.Timestamp)
	}
	r.mu.Unlock()
	switch fate {
	case 0:
		w.WriteHeader(http.StatusInternalServerError)
	case 1:
		if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
			_ = conn.(*net.TCPConn).SetLinger(0)
			_ = conn.Close()
		}
	}
}

func (r *failingReceiver) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.took)
}

// TestWebhookDeliversWithinAMinute has people and programs write 5,000 messages over more than a minute. At least
// 99.9% of the events reach a receiver that fails a tenth of its requests within 60 s, with three attempts at each.
func TestWebhookDeliversWithinAMinute(t *testing.T) {
	if !long() {
		t.Skip("long: minutes in real time")
	}
	const tickets, each, within, rate = 500, 10, time.Minute, 60
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := &failingReceiver{TB: t, rng: rand.New(rand.NewPCG(seed, 7)), took: map[string]time.Duration{}}
	server := httptest.NewUnstartedServer(r)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Start()
	t.Cleanup(server.Close)
	h := newHooked(t)
	h.begin()
	h.register()
	w := &writers{heads: newHeads(h)}
	for i := range tickets {
		w.open(i)
	}
	id, _ := h.hook(map[string]any{"url": server.URL, "events": []string{"message.sent"},
		"schedule": []float64{0, 5, 20}})
	tick := time.NewTicker(time.Second / rate)
	defer tick.Stop()
	rng := rand.New(rand.NewPCG(seed, 8))
	for i := range tickets * each {
		<-tick.C
		w.write(w.tickets[i%tickets], i/tickets, 1, rng)
	}
	// What is not taken now has a minute left, or its attempts are spent.
	var missing []delivered
	h.soonTrue("every event is dealt with", r.count, func() bool {
		if r.count() < tickets*each*99/100 {
			return false
		}
		missing = slices.DeleteFunc(h.deliveries(id), func(d delivered) bool { return d.State == "sent" })
		return r.count()+len(missing) >= tickets*each &&
			!slices.ContainsFunc(missing, func(d delivered) bool { return d.State != "exhausted" })
	})
	took := []time.Duration{}
	for _, d := range r.took {
		took = append(took, d)
	}
	slices.Sort(took)
	intime, _ := slices.BinarySearch(took, within)
	share := float64(intime) / (tickets * each)
	t.Logf("%d of %d events within %v: %.2f%%; p50 %v, p99 %v, the slowest %v; %d exhausted; %d of %d requests failed",
		intime, tickets*each, within, 100*share, quantile(took, .5), quantile(took, .99), quantile(took, 1), len(missing),
		r.failed, r.requests)
	if share < 0.999 {
		t.Errorf("only %.2f%% within %v", 100*share, within)
	}
	h.end()
}

func quantile(sorted []time.Duration, q float64) time.Duration {
	return sorted[int(q*float64(len(sorted)-1))].Round(time.Millisecond)
}
