package webhook

import (
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/actors/internal/delivery"
	"github.com/topicdesk/topicdesk/storage"
)

// TestGateCountsWhatIsUnderWayOnce has many attempts fail together: they are one failure of the endpoint, not many.
func TestGateCountsWhatIsUnderWayOnce(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	begins := func(t *testing.T, g *gate) {
		t.Helper()
		if may, wait := g.mayBegin(now, 0); !may {
			t.Fatalf("no attempt may begin for another %v", wait)
		}
		g.begun()
	}
	t.Run("the breaker's first probe comes soon, and each further one later", func(t *testing.T) {
		g := newGate(&storage.Webhook{MaxConcurrency: 64})
		opened := 0
		for range 64 {
			begins(t, &g)
		}
		for range 64 {
			if g.failed(now, &delivery.Result{}) {
				opened++
			}
		}
		if opened != 1 || g.pause != firstProbe {
			t.Errorf("opened %d times, and pauses %v", opened, g.pause)
		}
		for _, want := range []time.Duration{2 * firstProbe, 4 * firstProbe} {
			now = now.Add(2 * g.pause)
			begins(t, &g)
			if g.failed(now, &delivery.Result{}); g.pause != want {
				t.Errorf("pauses %v, not %v", g.pause, want)
			}
		}
	})
	t.Run("answers that ask to slow down", func(t *testing.T) {
		g := newGate(&storage.Webhook{MaxConcurrency: 16})
		for range 16 {
			begins(t, &g)
		}
		for range 16 {
			g.failed(now, &delivery.Result{Verdict: delivery.RetryAndSlow})
		}
		if pause := g.hold.Sub(now); pause > 2*firstPause {
			t.Errorf("pauses %v", pause)
		}
		now = now.Add(2 * firstPause)
		begins(t, &g)
		g.failed(now, &delivery.Result{Verdict: delivery.RetryAndSlow})
		if pause := g.hold.Sub(now); pause < firstPause*3/2 {
			t.Errorf("at the second time it pauses only %v", pause)
		}
	})
}

// TestGateWithOtherSettings changes settings while an endpoint has asked for a pause, and comes back.
func TestGateWithOtherSettings(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	g := newGate(&storage.Webhook{MaxConcurrency: 8})
	g.window = 512
	g.failed(now, &delivery.Result{RetryAfter: time.Hour})
	next := g.with(&storage.Webhook{MaxConcurrency: 2})
	if may, wait := next.mayBegin(now, 0); may || wait != time.Hour {
		t.Errorf("it asked for an hour: %v, %v", may, wait)
	}
	if next.window != 512 || next.widthAtMost != 2 {
		t.Errorf("window %d, width %d", next.window, next.widthAtMost)
	}
	begun := 0
	for now = now.Add(time.Hour); ; begun++ {
		if may, _ := next.mayBegin(now, begun); !may {
			break
		}
		next.begun()
	}
	if begun != 1 {
		t.Errorf("it comes back with %d attempts at once", begun)
	}
}
