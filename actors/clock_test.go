package actors_test

import (
	"cmp"
	"slices"
	"sync"
	"testing"
	"time"
)

// clock runs faster than real time, but stands still while this machine stalls: every millisecond it is advanced, by at
// most clockStep. So what a test says about minutes holds no matter how long the machine stalls.
type clock struct {
	speed float64

	mu     sync.Mutex
	now    time.Time
	real   time.Time // when it was last advanced
	held   bool      // it stands still
	timers []due     // soonest first
}

type due struct {
	at    time.Time
	timer *time.Timer // waits forever; a Reset fires it, unless it has been stopped
}

const clockStep = 20 * time.Millisecond

func newClock(t testing.TB, speed float64) *clock {
	start := time.Now()
	c := &clock{speed: speed, now: start, real: start}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				c.fire()
			case <-stop:
				return
			}
		}
	}()
	t.Cleanup(func() { close(stop); <-stopped })
	return c
}

// carryOn advances the clock by the real time that has passed. The caller holds c.mu.
func (c *clock) carryOn() {
	real := time.Now()
	if !c.held {
		c.now = c.now.Add(time.Duration(float64(min(real.Sub(c.real), clockStep)) * c.speed))
	}
	c.real = real
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.carryOn()
	return c.now
}

// hold stops the clock until it is let go, so that nothing falls due meanwhile, however slow this machine is: for what a test does
// at one time, or before something that the desk does later. A jump still advances it.
func (c *clock) hold() (letGo func()) {
	set := func(held bool) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.carryOn()
		c.held = held
	}
	set(true)
	return func() { set(false) }
}

// jump advances the clock, for a time that only has to pass.
func (c *clock) jump(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.carryOn()
	c.now = c.now.Add(d)
}

// setBack has the clock show an earlier time, as somebody who corrects it does. Timers fire when so much time has passed as was meant.
func (c *clock) setBack(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.carryOn()
	c.now = c.now.Add(-d)
	for i := range c.timers {
		c.timers[i].at = c.timers[i].at.Add(-d)
	}
}

func (c *clock) AfterFunc(d time.Duration, f func()) *time.Timer {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.carryOn()
	t := due{at: c.now.Add(d), timer: time.AfterFunc(1<<62, f)}
	i, _ := slices.BinarySearchFunc(c.timers, t, func(a, b due) int { return cmp.Or(a.at.Compare(b.at), -1) })
	c.timers = slices.Insert(c.timers, i, t)
	return t.timer
}

func (c *clock) fire() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.carryOn()
	n := 0
	for n < len(c.timers) && !c.timers[n].at.After(c.now) {
		if c.timers[n].timer.Stop() {
			c.timers[n].timer.Reset(0)
		}
		n++
	}
	c.timers = slices.Delete(c.timers, 0, n)
}
