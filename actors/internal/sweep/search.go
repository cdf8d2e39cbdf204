package sweep

import (
	"errors"
	"time"

	"github.com/topicdesk/topicdesk/storage"
)

const (
	reindexBatch = 50               // tickets whose search index is made anew in one write
	reindexSays  = 30 * time.Second // between two lines in the log
)

// Reindex makes the search index anew, if the folding of texts has changed, and returns when it is done or the node
// stops. It pauses after each batch for as long as the batch took, so that it never takes more than half of the store.
func (s *Loop) Reindex() {
	log, begun, said, done := s.env.Log, s.env.Now(), s.env.Now(), 0
	for {
		if !s.node.Owns(chores, "") {
			select {
			case <-s.env.Ctx.Done():
				return
			case <-time.After(time.Minute):
				continue
			}
		}
		from := time.Now()
		left, err := s.env.Store.Reindex(s.env.Ctx, reindexBatch)
		wait := time.Since(from)
		if errors.Is(err, storage.ErrLeftOut) {
			log.Error("tickets can't be found by their texts", "error", err)
			err = nil
		}
		switch {
		case s.env.Ctx.Err() != nil:
			return
		case err != nil:
			log.Error("the search index can't be made anew; tried again", "error", err)
			wait = time.Minute
		case !left:
			if done > 0 {
				log.Info("the search index is made anew", "took", s.env.Now().Sub(begun))
			}
			return
		default:
			if done += reindexBatch; done == reindexBatch || s.env.Now().Sub(said) >= reindexSays {
				log.Info("making the search index anew; searches go on", "tickets", done)
				said = s.env.Now()
			}
		}
		select {
		case <-s.env.Ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}
