package pace

import (
	"sync"
	"time"
)

// Global spreads the calls of all chats of a node. Chats reserve times in the order in which they ask, so that none
// starves. A call may leave later than its reserved time, if its chat was held up, so the calls that really leave are
// counted in a window of their own.
//
// On a node of a cluster only a share of them may leave (Lend): the nodes' shares are never more than the whole together.
type Global struct {
	total int

	mu       sync.Mutex
	reserved *Window
	left     *Window

	lent   bool
	share  int
	until  time.Time
	wanted []want // of the last second, oldest first
	least  int    // calls that wait to leave together, and are more than the share
}

type want struct {
	at time.Time
	n  int
}

// shareAgain is when a call comes again for which there is no share.
const shareAgain = 100 * time.Millisecond

// NewGlobal begins as if the calls of a whole second had just left, since the previous process may have made them.
func NewGlobal(perSecond int, now time.Time) *Global {
	p := &Global{total: perSecond, reserved: NewWindow(perSecond, time.Second), left: NewWindow(perSecond, time.Second)}
	for range perSecond {
		p.reserved.Take(now, 1)
		p.left.Take(now, 1)
	}
	return p
}

// Lend lets a share of the calls leave, until a time. From the first Lend on none leaves without one.
func (p *Global) Lend(share int, until time.Time) {
	if p.left == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lent, p.share, p.until = true, min(share, p.total), until
	p.left.slowed = max(1, p.share)
}

// Wanted is how many calls would have left in the second before now, and how many of those must leave together.
func (p *Global) Wanted(now time.Time) (calls, least int) {
	if p.left == nil {
		return 0, 0
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.wanted) > 0 && !p.wanted[0].at.After(now.Add(-time.Second)) {
		p.wanted = p.wanted[1:]
	}
	for _, w := range p.wanted {
		calls += w.n
	}
	least, p.least = p.least, 0 // it says so again
	return min(calls, p.total), least
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

// Free is when more than a share of what may leave in a second is left and not reserved: one part of so many. A time in the past means now.
func (p *Global) Free(parts int) time.Time {
	if p.reserved == nil {
		return time.Time{}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.left.Limit()/parts + 1
	at := p.left.Earliest(n)
	if reserved := p.reserved.Earliest(n + p.total - p.left.Limit()); reserved.After(at) {
		at = reserved
	}
	return at
}

// Take lets n calls leave now, or returns when to come again: the second may be full, because others came late, or
// because the share is small.
func (p *Global) Take(now time.Time, n int) time.Time {
	if p.left == nil {
		return now
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lent {
		p.wanted = append(p.wanted, want{now, n})
		least := min(n, p.total)
		if least > p.share {
			p.least = max(p.least, least)
		}
		if least > p.share || !now.Before(p.until) {
			return now.Add(shareAgain)
		}
	}
	if at := p.left.Earliest(n); at.After(now) {
		return at
	}
	p.left.Take(now, n)
	return now
}
