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
		for ctx.Err() == nil {
			n, err := s.env.Store.DeleteSamples(ctx, minutes, now.Add(-keep), samplesBatch)
			if err != nil {
				if ctx.Err() == nil {
					s.env.Log.Error("old figures can't be deleted; tried again", "error", err)
				}
				return
			}
			if n < samplesBatch {
				break
			}
		}
	}
	s.cleaned = now
}
