package web

import (
	"testing"
	"time"
)

// Some get their turn at once, the others one after the other; and some at once again after a pause.
func TestTurns(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	s := turns{every: 100 * time.Millisecond}
	for round := range 2 {
		for i := range 200 {
			want := max(time.Duration(i+1-wordsAtOnce)*s.every, 0)
			if got := s.take(now, 1000); got != want {
				t.Fatalf("%d of round %d waits for %v, want %v", i, round, got, want)
			}
		}
		now = now.Add(time.Minute)
	}
}

// Turns of streams that have left do not silence the others.
func TestTurnsOfStreamsThatLeave(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	s := turns{every: 100 * time.Millisecond}
	for range wordsAtOnce {
		s.take(now, 1000)
	}
	for range 1000 {
		if got := s.take(now, 1000); got != s.every {
			t.Fatalf("it waits for %v", got)
		}
		s.giveBack()
	}
	for range 1000 {
		if got := s.take(now, 3); got > 3*s.every {
			t.Fatalf("one of three waits for %v", got)
		}
	}
}
