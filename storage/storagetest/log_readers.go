package storagetest

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/topicdesk/topicdesk/storage"
)

// testLogReaders: however many append to a partition, its positions have no gap, and no reader at its head passes an
// event that becomes visible later.
func testLogReaders(t *testing.T, f Factory) {
	ctx, s := t.Context(), f.Open(t)
	const partitions = 2
	var writers, readers sync.WaitGroup
	var written atomic.Bool
	for p := range partitions {
		readers.Go(func() {
			after := int64(0)
			for {
				ended := written.Load() // before the read: then it finds everything
				page, err := s.LogAfter(ctx, p, after, 5)
				if err != nil {
					t.Error(err)
					return
				}
				for _, e := range page {
					if e.Position != after+1 {
						t.Errorf("partition %d: position %d comes after %d", p, e.Position, after)
					}
					after = e.Position
				}
				if ended && len(page) == 0 {
					break
				}
			}
			if last, err := s.LastPosition(ctx, p); last != after || err != nil || last == 0 {
				t.Errorf("partition %d: read up to %d of %d, %v", p, after, last, err)
			}
		})
	}
	for w := range f.Sizes.Writers {
		writers.Go(func() {
			if err := appendTogether(t, s, f, w, w%partitions); err != nil {
				t.Error(err)
			}
		})
	}
	writers.Wait()
	written.Store(true)
	readers.Wait()
}

// appendTogether appends events to a partition to which others append, too.
func appendTogether(t *testing.T, s storage.Store, f Factory, writer, partition int) error {
	for n := 0; n < f.Sizes.Rounds; {
		last, err := s.LastPosition(t.Context(), partition)
		if err != nil {
			return err
		}
		events := logOf(partition, last+1, last+1+int64(n%3))
		for i := range events {
			events[i].EventID = fmt.Sprintf("evt_%d_%d_%d_%d", writer, n, last, i)
		}
		switch err := s.AppendEvents(t.Context(), events); kind(err) {
		case nil:
			n++
		case storage.ErrConflict: // someone else was faster
		default:
			return err
		}
	}
	return nil
}
