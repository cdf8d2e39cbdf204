package mongotest_test

import (
	"sync"
	"testing"
	"time"
)

// heart beats, and knows how late: a machine that has other things to do is late with all, and that is no fault of a desk on it.
type heart struct {
	mu    sync.Mutex
	stood []stall
}

// stall is how long a beat was late, and until when.
type stall struct {
	at   time.Time
	late time.Duration
}

const beatEvery = 20 * time.Millisecond

func newHeart(t *testing.T) *heart {
	h := &heart{}
	end := make(chan struct{})
	var beating sync.WaitGroup
	beating.Go(func() {
		beat := time.NewTicker(beatEvery)
		defer beat.Stop()
		for last := time.Now(); ; {
			select {
			case <-end:
				return
			case <-beat.C:
			}
			now := time.Now()
			if late := now.Sub(last) - beatEvery; late > beatEvery {
				h.mu.Lock()
				h.stood = append(h.stood, stall{now, late})
				h.mu.Unlock()
			}
			last = now
		}
	})
	t.Cleanup(func() { close(end); beating.Wait() })
	return h
}

// longest is how long the machine stood still at most since a moment.
func (h *heart) longest(since time.Time) (longest time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range h.stood {
		if s.at.After(since) {
			longest = max(longest, s.late)
		}
	}
	return longest
}

// loosely is a limit as it is judged: the long form has the machine to itself. In the short form other tests run beside it, so the limit is
// three times as long, and longer still where the machine stood still. A desk that does not go on is found all the same.
func loosely(limit, stalled time.Duration) time.Duration {
	if long() {
		return limit
	}
	return 3*limit + 20*stalled
}
