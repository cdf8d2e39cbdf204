package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/topicdesk/topicdesk/storage"
)

// stallingStore is storage where some appends to the log, at random, take long, fail, or fail although they were
// carried out.
type stallingStore struct{ storage.Store }

// stalledFor is how long an append that stalls takes.
const stalledFor = 300 * time.Millisecond

var errStalled = fmt.Errorf("the log can't be written: %w", storage.ErrUnavailable)

func (s *stallingStore) AppendEvents(ctx context.Context, events []storage.Event) error {
	trouble := rand.IntN(100)
	switch {
	case trouble < 5:
		<-time.After(stalledFor)
	case trouble < 8:
		return errStalled
	}
	if err := s.Store.AppendEvents(ctx, events); err != nil {
		return err
	}
	switch {
	case trouble >= 95:
		<-time.After(stalledFor)
	case trouble >= 92:
		return errStalled
	}
	return nil
}
