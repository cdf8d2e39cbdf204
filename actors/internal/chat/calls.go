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
	empty    chan struct{} // closed when inFlight falls to 0; nil while nobody waits
}

func (c *calls) begin() {
	c.mu.Lock()
	c.inFlight++
	c.mu.Unlock()
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

// wait returns when no call is in flight.
func (c *calls) wait(ctx context.Context) error {
	c.mu.Lock()
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
