package chat

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
)

// TestNoCallBeginsBehindAStop: when a stop has waited for the calls, none is in flight, and a chat that was about to make one does not.
func TestNoCallBeginsBehindAStop(t *testing.T) {
	t.Parallel()
	for range 200 {
		var c calls
		var waited atomic.Bool
		var late atomic.Int64
		var chats sync.WaitGroup
		for range 8 {
			chats.Go(func() {
				for range 10_000 {
					if !c.begin() {
						return
					}
					if waited.Load() {
						late.Add(1)
					}
					c.end()
				}
			})
		}
		if err := c.wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		waited.Store(true)
		if c.begin() {
			t.Error("a call begins behind the stop")
		}
		chats.Wait()
		if late.Load() != 0 {
			t.Errorf("%d calls were in flight behind the stop", late.Load())
		}
	}
}

// TestAStopWaitsForCalls: until they have ended, or for as long as it may.
func TestAStopWaitsForCalls(t *testing.T) {
	t.Parallel()
	var c calls
	if !c.begin() {
		t.Fatal("the first call may not begin")
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.wait(ended); err == nil {
		t.Error("a call is in flight, and the stop did not say so")
	}
	c.end()
	if err := c.wait(t.Context()); err != nil {
		t.Error(err)
	}
}
