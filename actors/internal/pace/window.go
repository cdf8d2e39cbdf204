package pace

import "time"

// Window is a sliding window: it allows at most limit calls in any span, and fewer while it is slowed. The nil Window
// allows everything.
type Window struct {
	limit  int
	slowed int // today's limit, at most limit
	span   time.Duration
	calls  []time.Time // ring of the newest calls
	next   int
}

// NewWindow returns nil when limit is 0.
func NewWindow(limit int, span time.Duration) *Window {
	if limit <= 0 {
		return nil
	}
	return &Window{limit: limit, slowed: limit, span: withMargin(span)}
}

// Earliest is when the next n calls may leave together; a time in the past means now. If n is over the limit, they wait
// for an empty window.
func (w *Window) Earliest(n int) time.Time {
	if w == nil {
		return time.Time{}
	}
	others := max(0, w.slowed-n) // may share the window with the n
	if len(w.calls) <= others {
		return time.Time{}
	}
	return w.newest(others + 1).Add(w.span)
}

// newest is when the n'th newest call left.
func (w *Window) newest(n int) time.Time { return w.calls[(w.next+len(w.calls)-n)%len(w.calls)] }

// Slow allows a share of the limit, but at least one call.
func (w *Window) Slow(rate float64) {
	if w != nil {
		w.slowed = min(w.limit, max(1, int(float64(w.limit)*rate+0.5)))
	}
}

// Limit is how many calls a span allows today; 0: any number.
func (w *Window) Limit() int {
	if w == nil {
		return 0
	}
	return w.slowed
}

// Room is how many calls may leave at now; -1: any number.
func (w *Window) Room(now time.Time) int {
	if w == nil {
		return -1
	}
	used := 0
	for used < len(w.calls) && w.newest(used+1).Add(w.span).After(now) {
		used++
	}
	return max(0, w.slowed-used)
}

// Take counts n calls that leave at t.
func (w *Window) Take(t time.Time, n int) {
	if w == nil {
		return
	}
	for range n {
		if len(w.calls) < w.limit {
			w.calls = append(w.calls, t)
			continue
		}
		w.calls[w.next] = t
		w.next = (w.next + 1) % w.limit
	}
}

// Since lists the calls that still count at now, oldest first, followed by n calls at more.
func (w *Window) Since(now, more time.Time, n int) []time.Time {
	if w == nil {
		return nil
	}
	var times []time.Time
	for i := range w.calls {
		if at := w.calls[(w.next+i)%len(w.calls)]; at.Add(w.span).After(now) {
			times = append(times, at)
		}
	}
	for range n {
		times = append(times, more)
	}
	return times[max(0, len(times)-w.limit):]
}
