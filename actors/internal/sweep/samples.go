package sweep

import (
	"context"
	"time"
)

const (
	// samplesEvery is how often old samples are looked for, and samplesBatch how many are deleted together.
	samplesEvery = 10 * time.Minute
	samplesBatch = 500
)

// deleteSamples deletes what the node measured longer ago than is kept.
func (s *Loop) deleteSamples(ctx context.Context) {
	now := s.env.Now()
	if now.Sub(s.cleaned) < samplesEvery && !now.Before(s.cleaned) {
		return
	}
	for minutes, keep := range s.o.KeepSamples {
		if err := s.deleteSamplesOf(ctx, minutes, now.Add(-keep)); err != nil {
			if ctx.Err() == nil {
				s.env.Log.Error("old figures can't be deleted; tried again", "error", err)
			}
			return
		}
	}
	s.cleaned = now
}

// deleteSamplesOf deletes samples of so many minutes that began before a time. Where there is none, it writes nothing.
func (s *Loop) deleteSamplesOf(ctx context.Context, minutes int, before time.Time) error {
	for {
		oldest, err := s.env.Store.Samples(ctx, minutes, time.Time{}, "", 1)
		if err != nil || len(oldest) == 0 || !oldest[0].At.Before(before.Truncate(time.Minute)) {
			return err
		}
		if _, err := s.env.Store.DeleteSamples(ctx, minutes, before, samplesBatch); err != nil {
			return err
		}
	}
}
