package chat

import (
	"context"
	"fmt"
	"sync"
)

// calls counts the Bot API calls in flight, so that a stop can wait for their answers.
type calls struct {
	mu       sync.Mutex
	inFlight int
	stopped  bool          // somebody waits, or has waited
	empty    chan struct{} // closed when inFlight falls to 0; nil while nobody waits
}

// begin counts a call that is about to leave. False: it must not, since a stop would not wait for its answer. A chat may find that out
// late: it looks whether the node stops before it writes down that a call leaves, which takes its time.
func (c *calls) begin() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.stopped {
		c.inFlight++
	}
	return !c.stopped
}

func (c *calls) end() {
	c.mu.Lock()
	c.inFlight--
	if c.inFlight == 0 && c.empty != nil {
		close(c.empty)
		c.empty = nil
	}
	c.mu.Unlock()
}

// wait returns when no call is in flight. No other one begins.
func (c *calls) wait(ctx context.Context) error {
	c.mu.Lock()
	c.stopped = true
	if c.inFlight == 0 {
		c.mu.Unlock()
		return nil
	}
	if c.empty == nil {
		c.empty = make(chan struct{})
	}
	empty, inFlight := c.empty, c.inFlight
	c.mu.Unlock()
	select {
	case <-empty:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("actors: %d calls to Telegram were still in flight: %w", inFlight, ctx.Err())
	}
}
