package sqlite

import (
	"context"
	"errors"
	"sync"
)

// readers is the pool of read connections. It is last in, first out: the pages that a connection has cached are valid
// until the next commit, so the connection that was used last saves the others reading them again (docs/decisions.md,
// D55).
type readers struct {
	all   int
	free  chan struct{} // one element per idle connection; closed when all connections are
	mu    sync.Mutex
	conns []*conn // idle; the most recently used is last
}

func newReaders(most int) *readers { return &readers{free: make(chan struct{}, most)} }

// take waits for a connection. It belongs to the caller until give.
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

// add adds a new connection to the pool.
func (r *readers) add(c *conn) {
	r.all++
	r.give(c)
}

// remove waits for a connection and closes it.
func (r *readers) remove() error {
	c, err := r.take(context.Background())
	if err != nil {
		return err
	}
	r.all--
	return c.close()
}

// give returns a connection to the pool.
func (r *readers) give(c *conn) {
	r.mu.Lock()
	r.conns = append(r.conns, c)
	r.mu.Unlock()
	r.free <- struct{}{}
}

// close waits for all connections and closes them. A later take returns errClosed.
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
