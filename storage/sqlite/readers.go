package sqlite

import (
	"context"
	"errors"
	"sync"
)

// readers are the connections that read. The one that was used last is used first: what it has read of the file serves until the
// next commit, and the others need not read the same (docs/decisions.md, D55).
type readers struct {
	all   int
	free  chan struct{} // holds one for each of the idle; closed after all were closed
	mu    sync.Mutex
	conns []*conn // idle ones, the last used last
}

func newReaders(most int) *readers { return &readers{free: make(chan struct{}, most)} }

// take waits for a connection; it belongs to the caller until give.
func (r *readers) take(ctx context.Context) (*conn, error) {
	select {
	case _, open := <-r.free:
		if !open {
			return nil, errClosed
		}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	last := len(r.conns) - 1
	c := r.conns[last]
	r.conns[last] = nil
	r.conns = r.conns[:last]
	return c, nil
}

// add makes a new connection one of them.
func (r *readers) add(c *conn) {
	r.all++
	r.give(c)
}

// give takes back what was taken.
func (r *readers) give(c *conn) {
	r.mu.Lock()
	r.conns = append(r.conns, c)
	r.mu.Unlock()
	r.free <- struct{}{}
}

// close waits for all connections and closes them; whoever comes later gets errClosed.
func (r *readers) close() error {
	var all []error
	for range r.all {
		c, err := r.take(context.Background())
		if err != nil {
			return err
		}
		all = append(all, c.close())
	}
	close(r.free)
	return errors.Join(all...)
}
