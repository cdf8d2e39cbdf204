package sweep

import (
	"context"
	"time"

	"github.com/topicdesk/topicdesk/storage"
)

// eventsBatch is how many events are deleted in one write. After each the sweep pauses for as long as it took.
const eventsBatch = 200

// deleteEvents deletes the events beyond the retention.
func (s *Loop) deleteEvents(ctx context.Context) {
	if s.o.KeepEvents <= 0 {
		return
	}
	before := s.env.Now().Add(-s.o.KeepEvents)
	for partition := 0; partition < storage.Partitions; {
		began := time.Now()
		n, err := s.env.Store.DeleteEvents(ctx, partition, before, eventsBatch)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			s.env.Log.Error("old events can't be deleted; tried again", "error", err)
			return
		}
		if n < eventsBatch {
			partition++
		}
		if n > 0 {
			select {
			case <-ctx.Done():
				return
			case <-time.After(time.Since(began)):
			}
		}
	}
}
