package webhook

import (
	"slices"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/actors/internal/entity"
)

// TestOneTimerWakesARun sets timers as looks do. Several that run at the same time, each of which sets the next, would
// become more and more.
func TestOneTimerWakesARun(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	var set []*time.Timer
	var waits []time.Duration
	env := &entity.Env{Now: func() time.Time { return now }, AfterFunc: func(d time.Duration, _ func()) *time.Timer {
		set, waits = append(set, time.NewTimer(time.Hour)), append(waits, d)
		return set[len(set)-1]
	}}
	r := &run{w: &webhook{Host: &entity.Host{Env: env}}}
	for _, after := range []time.Duration{time.Minute, time.Second, 2 * time.Second, time.Minute, time.Second / 2} {
		r.wake(now.Add(after))
	}
	if want := []time.Duration{time.Minute, time.Second, time.Second / 2}; !slices.Equal(waits, want) {
		t.Errorf("it set %v, not %v", waits, want)
	}
	running := 0
	for _, timer := range set {
		if timer.Stop() {
			running++
		}
	}
	if running != 1 {
		t.Errorf("%d timers run", running)
	}
}
