package storage

import (
	"context"
	"log/slog"
	"time"
)

const (
	renewAtOnce  = 20
	renewPause   = 5 * time.Second // after a failure
	renewReports = 30 * time.Second
)

// RenewSearch makes the search index anew where a release with another Folding has made it, until all of it is of the
// current one or ctx ends. It goes on where it ended before. After each batch it rests for twice as long as the
// batch took, so that it takes at most a third of what the store can do.
func RenewSearch(ctx context.Context, s Tickets, log *slog.Logger) {
	start := time.Now()
	done, reported, failing := 0, start, false
	for {
		began := time.Now()
		n, more, err := s.RenewSearch(ctx, renewAtOnce)
		pause := 2 * time.Since(began)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			if !failing {
				log.Warn("the search index could not be renewed; tried again until it can", "error", err)
			}
			pause = renewPause
		case !more:
			if done+n > 0 {
				log.Info("the search index is renewed", "tickets", done+n, "took", time.Since(start).Round(time.Millisecond))
			}
			return
		}
		failing = err != nil
		if done += n; time.Since(reported) >= renewReports {
			log.Info("renewing the search index; until it is done, tickets are found as before the upgrade", "tickets", done)
			reported = time.Now()
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}
