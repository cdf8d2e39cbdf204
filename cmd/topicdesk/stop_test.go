package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

// TestStopUnderTraffic asks the service to stop while people write. It ends in time, nothing is lost and nothing
// arrives twice.
func TestStopUnderTraffic(t *testing.T) {
	if testing.Short() {
		t.Skip("long: stops processes under load")
	}
	t.Parallel()
	for _, mode := range []string{"polling", "webhook"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			seed := rand.Uint64()
			t.Logf("seed %d", seed)
			b := newBurst(t, mode, seed)
			b.prepare()
			start := time.Now()
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
			defer cancel()
			b.begin()
			var talking sync.WaitGroup
			talking.Go(func() { b.talk(ctx) })
			for _, at := range []int{50 + b.random(100), 200 + b.random(200)} {
				b.await(b.state, func() bool { return b.arrivals() >= at || b.allArrived() })
				b.slow() // so that calls are in flight
				b.await(b.state, func() bool { return b.open.Load() > burstAhead/2 || b.allArrived() })
				b.stop()
				b.sim.ClearFaults()
				b.begin()
			}
			talking.Wait()
			b.await(b.state, b.allArrived)
			took := time.Since(start)
			b.last()
			b.check(fmt.Sprintf("%s, 2 stops, %.1fs", mode, took.Seconds()))
		})
	}
}
