package simulator

import (
	"errors"
	"sync"
	"time"
)

// Clock is a clock that somebody can move forward, for a bot that runs in one process with the simulator: what it does in days can be
// seen in a minute. It never goes back, and keeps pace with the real one otherwise.
type Clock struct {
	mu     sync.Mutex
	ahead  time.Duration
	moves  []clockMove // since it was made
	timers []clockTimer
	tidy   int // how many timers there may be before those that are over are dropped
}

type clockTimer struct {
	timer *time.Timer
	at    time.Time
}

type clockMove struct{ from, to time.Time }

// NewClock returns a clock that shows the time.
func NewClock() *Clock { return &Clock{} }

// Now is the time that the clock shows.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now()
}

func (c *Clock) now() time.Time { return time.Now().Add(c.ahead) }

// Elapsed is how much time has passed since the clock showed a time: what it was moved over does not count.
func (c *Clock) Elapsed(since time.Time) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	d := c.now().Sub(since)
	for _, m := range c.moves {
		from := m.from
		if since.After(from) {
			from = since
		}
		d -= max(0, m.to.Sub(from))
	}
	return d
}

// AfterFunc is time.AfterFunc on this clock.
func (c *Clock) AfterFunc(d time.Duration, f func()) *time.Timer {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.timers) >= max(c.tidy, 1000) {
		var left []clockTimer
		for _, t := range c.timers {
			if t.at.After(c.now()) {
				left = append(left, t)
			}
		}
		c.timers, c.tidy = left, 2*len(left)
	}
	t := clockTimer{time.AfterFunc(d, f), c.now().Add(d)}
	c.timers = append(c.timers, t)
	return t.timer
}

// forward moves the clock, and with it all timers.
func (c *Clock) forward(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	from := c.now()
	c.ahead += d
	c.moves = append(c.moves, clockMove{from, from.Add(d)})
	var left []clockTimer
	for _, t := range c.timers {
		if t.timer.Stop() { // else it has fired, or somebody has stopped it
			t.timer.Reset(max(0, t.at.Sub(c.now())))
			left = append(left, t)
		}
	}
	c.timers = left
}

// longestForward is how far a clock is moved at once.
const longestForward = 31 * 24 * time.Hour

// MoveClock moves the clock of Options.Clock forward, for the bot, too.
func (s *Server) MoveClock(d time.Duration) error {
	if s.opt.Clock == nil {
		return errors.New("the clock can be moved only where the bot runs in one process with the simulator")
	}
	if d <= 0 || d > longestForward {
		return errors.New("the clock can be moved forward by up to 31 days at once")
	}
	s.opt.Clock.forward(d)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.batch = append(s.batch, record{Meta: s.meta()})
	s.emit("clock", map[string]int64{"now": s.now().UnixMilli()})
	return s.commit()
}

// clockAt is what /sim/state says of a clock that can be moved; 0: it can't.
func (s *Server) clockAt() int64 {
	if s.opt.Clock == nil {
		return 0
	}
	return s.now().UnixMilli()
}

// clockAhead is how far the clock was moved.
func (s *Server) clockAhead() time.Duration {
	if s.opt.Clock == nil {
		return 0
	}
	s.opt.Clock.mu.Lock()
	defer s.opt.Clock.mu.Unlock()
	return s.opt.Clock.ahead
}
