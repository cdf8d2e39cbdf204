package chat

import (
	"context"
	"fmt"
	"sync"
)

// calls counts the Bot API calls under way, so that a stop can wait for their answers.
type calls struct {
	mu    sync.Mutex
	under int
	empty chan struct{} // closed when under falls to 0; nil while nobody waits
}

func (c *calls) begin() {
	c.mu.Lock()
	c.under++
	c.mu.Unlock()
}

func (c *calls) end() {
	c.mu.Lock()
	c.under--
	if c.under == 0 && c.empty != nil {
		close(c.empty)
		c.empty = nil
	}
	c.mu.Unlock()
}

// wait returns when no call is under way.
func (c *calls) wait(ctx context.Context) error {
	c.mu.Lock()
	if c.under == 0 {
		c.mu.Unlock()
		return nil
	}
	if c.empty == nil {
		c.empty = make(chan struct{})
	}
	empty, under := c.empty, c.under
	c.mu.Unlock()
	select {
	case <-empty:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("actors: %d calls to Telegram were still under way: %w", under, ctx.Err())
	}
}
