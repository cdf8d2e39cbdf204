package pace

import (
	"sync"
	"time"
)

// Network jitter may push two calls together; so that what arrives keeps to the limit too, windows are made longer by this
// share of them.
const paceMargin = 0.03

// Pace is the outgoing pace of the settings; 0 means no limit.
type Pace struct {
	GlobalPerSecond int
	ChatPerSecond   int
	GroupPerMinute  int
}

// Window allows at most limit calls in any span; fewer while it is slowed.
type Window struct {
	limit int
	now   int // at most limit
	span  time.Duration
	calls []time.Time // ring of the newest calls
	next  int
}

// NewWindow returns nil, which allows everything, when limit is 0.
func NewWindow(limit int, span time.Duration) *Window {
	if limit <= 0 {
		return nil
	}
	return &Window{limit: limit, now: limit, span: span + time.Duration(float64(span)*paceMargin)}
}

// earliest returns when the next n calls may leave together; a time that is past means now. More than the limit wait for an
// empty window.
func (w *Window) Earliest(n int) time.Time {
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
func (w *Window) newest(n int) time.Time { return w.calls[(w.next+len(w.calls)-n)%len(w.calls)] }

// Slow allows a share of the limit, but always one call.
func (w *Window) Slow(rate float64) {
	if w != nil {
		w.now = min(w.limit, max(1, int(float64(w.limit)*rate+0.5)))
	}
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
	return max(0, w.now-used)
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

// Since lists the calls that still count at now, oldest first, and n more.
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

// Burst allows rate calls a second, and size at once after a quiet time (generic cell rate algorithm).
type Burst struct {
	interval time.Duration // today's
	usual    time.Duration
	size     int
	full     time.Time // when the allowance would be whole again
}

// chatBurst is how many calls to one chat may follow each other at once.
const chatBurst = 5

func NewBurst(perSecond int) *Burst {
	if perSecond <= 0 {
		return nil
	}
	interval := time.Second / time.Duration(perSecond)
	interval += time.Duration(float64(interval) * paceMargin)
	return &Burst{interval: interval, usual: interval, size: max(chatBurst, perSecond)}
}

// Slow lets a share of the usual calls through.
func (b *Burst) Slow(rate float64) {
	if b != nil {
		b.interval = time.Duration(float64(b.usual) / rate)
	}
}

// Room is how many calls may leave at now; -1: any number.
func (b *Burst) Room(now time.Time) int {
	if b == nil {
		return -1
	}
	earliest := b.Earliest(1)
	if earliest.After(now) {
		return 0
	}
	return int(min(time.Duration(b.size), now.Sub(earliest)/b.interval+1))
}

// Earliest is when n calls may leave together; more than a whole allowance wait for that.
func (b *Burst) Earliest(n int) time.Time {
	if b == nil {
		return time.Time{}
	}
	return b.full.Add(-time.Duration(max(0, b.size-n)) * b.interval)
}

// Recall takes up when the allowance of a former life would be whole again, at the latest after as long as a whole one takes.
func (b *Burst) Recall(full, now time.Time) {
	if b == nil {
		return
	}
	b.full = full
	if longest := now.Add(time.Duration(b.size) * b.interval); full.After(longest) {
		b.full = longest
	}
}

func (b *Burst) Take(t time.Time, n int) {
	if b != nil {
		b.full = b.After(t, n)
	}
}

// After is when the allowance would be whole again if n calls left at t.
func (b *Burst) After(t time.Time, n int) time.Time {
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

// Lowered is the rate after a 429.
func Lowered(rate float64) float64 { return max(rateLeast, rate*rateLowered) }

// Recovered is what has become of a rate since it was lowered, so long ago. 0 is 1: never lowered.
func Recovered(rate float64, quiet time.Duration) float64 {
	if rate == 0 {
		return 1
	}
	return min(1, rate+rateRaised*float64(max(0, quiet)/rateStep))
}

// globalPacer spreads the calls of all chats of this node. Chats reserve a time, first come first served, so that no chat
// starves; what counts is when their calls really leave, which is later when a chat was held up.
type Global struct {
	mu       sync.Mutex
	reserved *Window
	left     *Window
}

// newGlobalPacer begins as if all calls of the last second were made: by the process before this one, perhaps.
func NewGlobal(perSecond int, now time.Time) *Global {
	p := &Global{reserved: NewWindow(perSecond, time.Second), left: NewWindow(perSecond, time.Second)}
	for range perSecond {
		p.reserved.Take(now, 1)
		p.left.Take(now, 1)
	}
	return p
}

// Reserve returns when the caller may come for n calls: now, or later.
func (p *Global) Reserve(now time.Time, n int) time.Time {
	if p.reserved == nil {
		return now
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	at := p.reserved.Earliest(n)
	if at.Before(now) {
		at = now
	}
	p.reserved.Take(at, n)
	return at
}

// Take lets n calls leave now, or returns when to come again: others came late, and the second is full.
func (p *Global) Take(now time.Time, n int) time.Time {
	if p.left == nil {
		return now
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if at := p.left.Earliest(n); at.After(now) {
		return at
	}
	p.left.Take(now, n)
	return now
}

// PerMinute is how many calls to a group may leave in a minute, at a rate that flood control lowered so long ago; 0: no limit.
func (p Pace) PerMinute(rate float64, quiet time.Duration) int {
	w := NewWindow(p.GroupPerMinute, 0)
	if w == nil {
		return 0
	}
	w.Slow(Recovered(rate, quiet))
	return w.now
}
