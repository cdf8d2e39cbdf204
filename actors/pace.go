package actors

import (
	"sync"
	"time"
)

// Network jitter may push two calls together; so that what arrives keeps to the limit too, windows are made longer by this
// share of them.
const paceMargin = 0.03

// window allows at most limit calls in any span.
type window struct {
	limit int
	span  time.Duration
	calls []time.Time // ring of the newest calls
	next  int
}

// newWindow returns nil, which allows everything, when limit is 0.
func newWindow(limit int, span time.Duration) *window {
	if limit <= 0 {
		return nil
	}
	return &window{limit: limit, span: span + time.Duration(float64(span)*paceMargin)}
}

// earliest returns when the next call may leave; a time that is past means now.
func (w *window) earliest() time.Time {
	if w == nil || len(w.calls) < w.limit {
		return time.Time{}
	}
	return w.calls[w.next].Add(w.span)
}

// take counts a call that leaves at t.
func (w *window) take(t time.Time) {
	if w == nil {
		return
	}
	if len(w.calls) < w.limit {
		w.calls = append(w.calls, t)
		return
	}
	w.calls[w.next] = t
	w.next = (w.next + 1) % w.limit
}

// since lists the calls that still count at now, oldest first, and one more.
func (w *window) since(now, more time.Time) []time.Time {
	if w == nil {
		return nil
	}
	var times []time.Time
	for i := range w.calls {
		if at := w.calls[(w.next+i)%len(w.calls)]; at.Add(w.span).After(now) {
			times = append(times, at)
		}
	}
	return append(times, more)
}

// burst allows rate calls a second, and size at once after a quiet time (generic cell rate algorithm).
type burst struct {
	interval time.Duration
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
	return &burst{interval: interval + time.Duration(float64(interval)*paceMargin), size: max(chatBurst, perSecond)}
}

func (b *burst) earliest() time.Time {
	if b == nil {
		return time.Time{}
	}
	return b.full.Add(-time.Duration(b.size-1) * b.interval)
}

func (b *burst) take(t time.Time) {
	if b != nil {
		b.full = b.after(t)
	}
}

// after is when the allowance would be whole again if a call left at t.
func (b *burst) after(t time.Time) time.Time {
	if b == nil {
		return time.Time{}
	}
	if b.full.After(t) {
		t = b.full
	}
	return t.Add(b.interval)
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
		p.reserved.take(now)
		p.left.take(now)
	}
	return p
}

// reserve returns when the caller may come for one call: now, or later.
func (p *globalPacer) reserve(now time.Time) time.Time {
	if p.reserved == nil {
		return now
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	at := p.reserved.earliest()
	if at.Before(now) {
		at = now
	}
	p.reserved.take(at)
	return at
}

// take lets a call leave now, or returns when to come again: others came late, and the second is full.
func (p *globalPacer) take(now time.Time) time.Time {
	if p.left == nil {
		return now
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if at := p.left.earliest(); at.After(now) {
		return at
	}
	p.left.take(now)
	return now
}
