package actors

import (
	"sync"
	"time"
)

// Network jitter may push two calls together; so that what arrives keeps to the limit too, windows are made longer by this
// share of them.
const paceMargin = 0.03

// window allows at most limit calls in any span; fewer while it is slowed.
type window struct {
	limit int
	now   int // at most limit
	span  time.Duration
	calls []time.Time // ring of the newest calls
	next  int
}

// newWindow returns nil, which allows everything, when limit is 0.
func newWindow(limit int, span time.Duration) *window {
	if limit <= 0 {
		return nil
	}
	return &window{limit: limit, now: limit, span: span + time.Duration(float64(span)*paceMargin)}
}

// earliest returns when the next n calls may leave together; a time that is past means now. More than the limit wait for an
// empty window.
func (w *window) earliest(n int) time.Time {
	if w == nil {
		return time.Time{}
	}
	left := max(0, w.now-n) // so many may have left within the span
	if len(w.calls) <= left {
		return time.Time{}
	}
	return w.newest(left + 1).Add(w.span)
}

// newest is when the n'th newest call left.
func (w *window) newest(n int) time.Time { return w.calls[(w.next+len(w.calls)-n)%len(w.calls)] }

// slow allows a share of the limit, but always one call.
func (w *window) slow(rate float64) {
	if w != nil {
		w.now = min(w.limit, max(1, int(float64(w.limit)*rate+0.5)))
	}
}

// room is how many calls may leave at now; -1: any number.
func (w *window) room(now time.Time) int {
	if w == nil {
		return -1
	}
	used := 0
	for used < len(w.calls) && w.newest(used+1).Add(w.span).After(now) {
		used++
	}
	return max(0, w.now-used)
}

// take counts n calls that leave at t.
func (w *window) take(t time.Time, n int) {
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

// since lists the calls that still count at now, oldest first, and n more.
func (w *window) since(now, more time.Time, n int) []time.Time {
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

// burst allows rate calls a second, and size at once after a quiet time (generic cell rate algorithm).
type burst struct {
	interval time.Duration // today's
	usual    time.Duration
	size     int
	full     time.Time // when the allowance would be whole again
}

// chatBurst is how many calls to one chat may follow each other at once.
const chatBurst = 5

func newBurst(perSecond int) *burst {
	if perSecond <= 0 {
		return nil
	}
	interval := time.Second / time.Duration(perSecond)
	interval += time.Duration(float64(interval) * paceMargin)
	return &burst{interval: interval, usual: interval, size: max(chatBurst, perSecond)}
}

// slow lets a share of the usual calls through.
func (b *burst) slow(rate float64) {
	if b != nil {
		b.interval = time.Duration(float64(b.usual) / rate)
	}
}

// room is how many calls may leave at now; -1: any number.
func (b *burst) room(now time.Time) int {
	if b == nil {
		return -1
	}
	earliest := b.earliest(1)
	if earliest.After(now) {
		return 0
	}
	return int(min(time.Duration(b.size), now.Sub(earliest)/b.interval+1))
}

// earliest is when n calls may leave together; more than a whole allowance wait for that.
func (b *burst) earliest(n int) time.Time {
	if b == nil {
		return time.Time{}
	}
	return b.full.Add(-time.Duration(max(0, b.size-n)) * b.interval)
}

func (b *burst) take(t time.Time, n int) {
	if b != nil {
		b.full = b.after(t, n)
	}
}

// after is when the allowance would be whole again if n calls left at t.
func (b *burst) after(t time.Time, n int) time.Time {
	if b == nil {
		return time.Time{}
	}
	if b.full.After(t) {
		t = b.full
	}
	return t.Add(time.Duration(n) * b.interval)
}

// How a chat's rate follows flood control: each 429 lowers it, each quiet rateStep raises it again.
const (
	rateLowered = 0.7
	rateLeast   = 0.2
	rateRaised  = 0.1
	rateStep    = time.Minute
)

// lowered is the rate after a 429.
func lowered(rate float64) float64 { return max(rateLeast, rate*rateLowered) }

// recovered is what has become of a rate since it was lowered, so long ago. 0 is 1: never lowered.
func recovered(rate float64, quiet time.Duration) float64 {
	if rate == 0 {
		return 1
	}
	return min(1, rate+rateRaised*float64(max(0, quiet)/rateStep))
}

// globalPacer spreads the calls of all chats of this node. Chats reserve a time, first come first served, so that no chat
// starves; what counts is when their calls really leave, which is later when a chat was held up.
type globalPacer struct {
	mu       sync.Mutex
	reserved *window
	left     *window
}

// newGlobalPacer begins as if all calls of the last second were made: by the process before this one, perhaps.
func newGlobalPacer(perSecond int, now time.Time) *globalPacer {
	p := &globalPacer{reserved: newWindow(perSecond, time.Second), left: newWindow(perSecond, time.Second)}
	for range perSecond {
		p.reserved.take(now, 1)
		p.left.take(now, 1)
	}
	return p
}

// reserve returns when the caller may come for n calls: now, or later.
func (p *globalPacer) reserve(now time.Time, n int) time.Time {
	if p.reserved == nil {
		return now
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	at := p.reserved.earliest(n)
	if at.Before(now) {
		at = now
	}
	p.reserved.take(at, n)
	return at
}

// take lets n calls leave now, or returns when to come again: others came late, and the second is full.
func (p *globalPacer) take(now time.Time, n int) time.Time {
	if p.left == nil {
		return now
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if at := p.left.earliest(n); at.After(now) {
		return at
	}
	p.left.take(now, n)
	return now
}
