package main

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/config"
)

// TestAStopEndsBeforeSupervisorsKill: Docker kills a process 10 s after SIGTERM. By then a node of a cluster has also served on
// while it said that it is not ready. Parts that do not end do not keep others from being stopped.
func TestAStopEndsBeforeSupervisorsKill(t *testing.T) {
	t.Parallel()
	const killed = 10 * time.Second
	for name, settings := range map[string]config.Config{"alone": {}, "one of several": {ClusterProvider: "etcd"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := &App{Config: settings, Log: slog.New(slog.DiscardHandler)}
			began := time.Now()
			if settings.Clustered() {
				began = began.Add(-drainFor)
			}
			last, errHangs, within := false, errors.New("hangs"), time.Duration(0)
			stops := &closers{}
			stops.add("what is stopped last", func(ctx context.Context) error {
				last = ctx.Err() != nil
				return nil
			})
			stops.add("what hangs", func(ctx context.Context) error {
				end, _ := ctx.Deadline()
				within = end.Sub(began)
				select {
				case <-ctx.Done():
				case <-time.After(10 * killed):
				}
				return errHangs
			})
			err := a.stop(stops)
			if within > killed-500*time.Millisecond || within < killed/2 {
				t.Errorf("it takes %s", within)
			}
			if !last || !errors.Is(err, errHangs) {
				t.Errorf("%v, %v", last, err)
			}
		})
	}
}
