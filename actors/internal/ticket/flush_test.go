package ticket

import (
	"testing"
	"time"
)

// TestFlushWait: a ticket in which people write is written anew for the log's sake when they pause, or after three seconds, and one whose
// clock was set back at once.
func TestFlushWait(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	for _, c := range []struct{ silent, waited, want time.Duration }{
		{500 * ms, 500 * ms, 0},
		{time.Hour, 500 * ms, 0},
		{0, 500 * ms, 500 * ms},
		{499 * ms, 500 * ms, ms},
		{100 * ms, 2500 * ms, 400 * ms},
		{100 * ms, 2900 * ms, 100 * ms},
		{100 * ms, 3000 * ms, 0},
		{100 * ms, time.Hour, 0},
		{-time.Hour, 500 * ms, 0},
		{0, -time.Hour, 0},
	} {
		if got := flushWait(c.silent, c.waited); got != c.want {
			t.Errorf("silent for %v, waited for %v: %v, not %v", c.silent, c.waited, got, c.want)
		}
	}
}
