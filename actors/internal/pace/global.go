package pace

import (
	"sync"
	"time"
)

// Global spreads the calls of all chats of a node. Chats reserve times in the order in which they ask, so that none
// starves. A call may leave later than its reserved time, if its chat was held up, so the calls that really leave are
// counted in a window of their own.
type Global struct {
	mu       sync.Mutex
	reserved *Window
	left     *Window
}

// NewGlobal begins as if the calls of a whole second had just left, since the previous process may have made them.
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

// Take lets n calls leave now, or returns when to come again: the second may be full, because others came late.
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
