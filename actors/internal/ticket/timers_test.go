package ticket

import (
	"testing"
	"time"
)

// TestTurnsToRing: of tickets that are due together some ring immediately and the others at a bounded rate.
func TestTurnsToRing(t *testing.T) {
	var r rings
	now := time.Unix(1e9, 0)
	waits := func(n int, want time.Duration) {
		t.Helper()
		want = (want + ringTick - 1).Truncate(ringTick)
		if got := r.turn(now).Sub(now); max(0, got) != want {
			t.Errorf("number %d waits %s, want %s", n, got, want)
		}
	}
	for n := 1; n <= 10_000; n++ {
		waits(n, time.Duration(max(0, n-ringsTogether))*ringPause)
	}
	now = now.Add((10_000 - ringsTogether) * ringPause)
	for n := 1; n <= ringsTogether; n++ { // all have had their turn
		waits(n, time.Duration(n)*ringPause)
	}
	now = now.Add(time.Hour)
	for n := 1; n <= ringsTogether; n++ {
		waits(n, 0)
	}
	waits(ringsTogether+1, ringPause)
	now = now.AddDate(0, 0, -2) // the clock was set back
	waits(1, 0)
}
