package simulator

import (
	"path/filepath"
	"testing"
	"time"
)

// TestClock: to move the clock moves its timers, but not those that were stopped, and a restart keeps it.
func TestClock(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "state.jsonl")
	start := func() (*Server, *Clock) {
		c := NewClock()
		s, err := New(Options{StateFile: file, Clock: c})
		if err != nil {
			t.Fatal(err)
		}
		return s, c
	}
	s, c := start()
	fired := make(chan string, 10)
	c.AfterFunc(time.Hour, func() { fired <- "an hour" })
	c.AfterFunc(50*time.Hour, func() { fired <- "two days" })
	c.AfterFunc(time.Hour, func() { fired <- "stopped" }).Stop()
	if err := s.MoveClock(time.Hour); err != nil {
		t.Fatal(err)
	}
	if got := <-fired; got != "an hour" {
		t.Errorf("%s fired", got)
	}
	if ahead := time.Until(c.Now()); ahead < 59*time.Minute || ahead > time.Hour {
		t.Errorf("it is %s ahead", ahead)
	}
	if err := s.MoveClock(24 * time.Hour); err != nil {
		t.Fatal(err)
	}
	for _, wrong := range []time.Duration{0, -time.Hour, 32 * 24 * time.Hour} {
		if err := s.MoveClock(wrong); err == nil {
			t.Errorf("%s is taken", wrong)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s, c = start()
	defer func() { _ = s.Close() }()
	if ahead := time.Until(c.Now()); ahead < 24*time.Hour || ahead > 25*time.Hour {
		t.Errorf("after a restart it is %s ahead", ahead)
	}
	select {
	case got := <-fired:
		t.Errorf("%s fired, too", got)
	default:
	}
}

// TestClockElapsed: what the clock was moved over has not passed.
func TestClockElapsed(t *testing.T) {
	t.Parallel()
	c := NewClock()
	start := c.Now()
	c.forward(time.Hour)
	c.forward(24 * time.Hour)
	for _, since := range []time.Duration{0, 30 * time.Minute, 2 * time.Hour, 20 * time.Hour} {
		if passed := c.Elapsed(start.Add(since)); passed < 0 || passed > time.Minute {
			t.Errorf("%s have passed since %s after the start", passed, since)
		}
	}
	if passed := c.Elapsed(start.Add(-2 * time.Hour)); passed < 2*time.Hour || passed > 3*time.Hour {
		t.Errorf("%s", passed)
	}
}
