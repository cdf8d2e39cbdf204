package pace

import "time"

// Burst allows one call per interval on average, and size calls immediately after a quiet time (the generic cell rate
// algorithm). The nil Burst allows everything.
type Burst struct {
	interval time.Duration // today's
	usual    time.Duration
	size     int
	full     time.Time // when the allowance will be whole again
}

// chatBurst is how many calls to one chat may follow each other immediately.
const chatBurst = 5

// NewBurst returns nil when perSecond is 0.
func NewBurst(perSecond int) *Burst {
	if perSecond <= 0 {
		return nil
	}
	interval := withMargin(time.Second / time.Duration(perSecond))
	return &Burst{interval: interval, usual: interval, size: max(chatBurst, perSecond)}
}

// Slow lets a share of the usual calls through.
func (b *Burst) Slow(rate float64) {
	if b != nil {
		b.interval = time.Duration(float64(b.usual) / rate)
	}
}

// Size is how many calls may leave immediately after a quiet time; 0: any number.
func (b *Burst) Size() int {
	if b == nil {
		return 0
	}
	return b.size
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

// Earliest is when n calls may leave together. If n is over the size, they wait for a whole allowance.
func (b *Burst) Earliest(n int) time.Time {
	if b == nil {
		return time.Time{}
	}
	return b.full.Add(-time.Duration(max(0, b.size-n)) * b.interval)
}

// Recall restores when the allowance of a previous activation will be whole again. That is never later than a whole
// allowance takes from now.
func (b *Burst) Recall(full, now time.Time) {
	if b == nil {
		return
	}
	b.full = full
	if longest := now.Add(time.Duration(b.size) * b.interval); full.After(longest) {
		b.full = longest
	}
}

// Take counts n calls that leave at t.
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
