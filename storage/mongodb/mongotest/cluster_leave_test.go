package mongotest_test

import (
	"context"
	"io"
	"net/http"
	"sync"
	"time"
)

const (
	// servesFor is how long a node serves on after it has said that it is not ready, of the 2 s less some time for a request's way.
	servesFor = 1800 * time.Millisecond
	// unreadyWithin is how soon a node that is asked to leave says that it is not ready.
	unreadyWithin = 2 * time.Second
)

// leaving watches a node that is asked to leave, past the balancer.
type leaving struct {
	d      *desks
	n      *node
	client *http.Client
	asked  time.Time
	ctx    context.Context
	end    func()
	asking sync.WaitGroup

	mu       sync.Mutex
	ready    time.Time // when the last answer came that the node is ready
	unready  time.Time // when the first answer came that it is not
	requests []request
}

// request is one to the API.
type request struct {
	began  time.Time
	status int // 0: there was no answer
}

// watch begins to watch a node, right before it is asked to leave.
func (d *desks) watch(n *node) *leaving {
	now := time.Now()
	w := &leaving{d: d, n: n, asked: now, ready: now,
		client: &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}}
	w.ctx, w.end = context.WithCancel(d.Context())
	w.again(100*time.Millisecond, func() {
		status := w.get("/readyz")
		w.mu.Lock()
		defer w.mu.Unlock()
		switch {
		case status == http.StatusOK && w.unready.IsZero():
			w.ready = time.Now()
		case status == http.StatusServiceUnavailable && w.unready.IsZero():
			w.unready = time.Now()
		}
	})
	for i := range 2 { // side by side, since on a busy machine an answer takes its time
		path := "/api/v1/tickets/" + d.lines[i].ticket
		w.again(200*time.Millisecond, func() {
			began := time.Now()
			status := w.get(path)
			w.mu.Lock()
			defer w.mu.Unlock()
			w.requests = append(w.requests, request{began, status})
		})
	}
	return w
}

// again has f be called again and again until the watch ends.
func (w *leaving) again(every time.Duration, f func()) {
	w.asking.Go(func() { each(w.ctx, every, f) })
}

func (w *leaving) get(path string) (status int) {
	r, err := http.NewRequest(http.MethodGet, "http://"+w.n.http+path, nil)
	if err != nil {
		return 0
	}
	r.Header.Set("Authorization", "Bearer "+w.d.events.key)
	answer, err := w.client.Do(r)
	if err != nil {
		return 0
	}
	defer func() { _ = answer.Body.Close() }()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return 0
	}
	return answer.StatusCode
}

// judge fails unless the node, which has ended, said soon that it is not ready, and served all the same for 2 s from then on.
func (w *leaving) judge() {
	w.d.Helper()
	w.end()
	w.asking.Wait()
	if status := w.get("/readyz"); status != 0 {
		w.d.Errorf("%s has ended and answers %d", w.n.http, status)
	}
	stalled := w.d.heart.longest(w.asked)
	if w.unready.IsZero() {
		w.d.fault(w.asked, "%s left without a word that it is not ready any more", w.n.http)
		return
	}
	if took := w.unready.Sub(w.asked); took > loosely(unreadyWithin, stalled) {
		w.d.Errorf("%s says after %v that it is not ready, want %v at most", w.n.http, rounded(took), unreadyWithin)
	}
	// It became unready after it last said that it was ready, so what began within 2 s of that was served.
	until, meanwhile := w.ready.Add(servesFor-2*stalled), 0
	for _, r := range w.requests {
		switch {
		case !r.began.Before(until):
		case r.status != http.StatusOK:
			w.d.fault(w.asked, "%s answers a request %d, %v after it was asked to leave and %v after it was last ready", w.n.http, r.status,
				rounded(r.began.Sub(w.asked)), rounded(r.began.Sub(w.ready)))
		case r.began.After(w.unready):
			meanwhile++
		}
	}
	if meanwhile == 0 && until.Sub(w.unready) > servesFor/2 {
		w.d.fault(w.asked, "%s served no request after it said that it is not ready", w.n.http)
	}
	w.d.Logf("%s said after %v that it is not ready, and served %d requests from then on; this machine stood still for %v", w.n.http,
		rounded(w.unready.Sub(w.asked)), meanwhile, rounded(stalled))
}
