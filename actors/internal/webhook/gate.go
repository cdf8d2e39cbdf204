package webhook

import (
	"math/rand/v2"
	"time"

	"github.com/topicdesk/topicdesk/actors/internal/delivery"
	"github.com/topicdesk/topicdesk/storage"
)

// gate says whether an attempt may begin now: how many at once, how many in a second, and after how long a pause. It is
// the same over all tickets of the endpoint.
type gate struct {
	failures int  // attempts that failed since the last success
	open     bool // the breaker is open: one attempt at a time, with pauses
	probeAt  time.Time
	probing  bool // what runs is a probe
	pause    time.Duration

	hold time.Time // no attempts before
	back bool      // somebody says that it is there: one attempt, be it ahead of its time, tells whether it is
	slow int       // answers in a row that asked to slow down

	width, widthAtMost int // attempts at the same time
	window             int // events in memory

	most   float64   // attempts in a second, as the endpoint is set; 0: any
	ramp   time.Time // when it came back; zero: it goes at its full pace
	tokens float64
	filled time.Time
}

const (
	// breakerOpens is after how many failed attempts in a row the breaker opens.
	breakerOpens = 20
	// Pauses between probes begin with the first and are doubled up to the last.
	firstProbe, lastProbe = 5 * time.Second, 5 * time.Minute
	// Pauses after an answer that asks to slow down and does not say for how long.
	firstPause, lastPause = time.Second, time.Minute
	// An endpoint that comes back gets so many attempts in the first second, and twice as many in each one after, up to
	// rampEnds.
	rampBegins, rampEnds = 10, 10_000
)

func newGate(w *storage.Webhook) gate {
	return gate{
		hold: w.HoldUntil, width: w.MaxConcurrency, widthAtMost: w.MaxConcurrency, window: windowAtLeast, most: w.MaxPerSecond,
	}
}

// with is the gate with other settings. What it knows of the endpoint stays: pauses that it asked for, failures, its pace.
func (g gate) with(w *storage.Webhook) gate {
	next := newGate(w)
	next.failures, next.open, next.probeAt, next.pause = g.failures, g.open, g.probeAt, g.pause
	next.hold, next.back, next.slow, next.window = g.hold, g.back, g.slow, g.window
	next.ramp, next.tokens, next.filled = g.ramp, g.tokens, g.filled
	return next
}

// mayBegin reports whether an attempt may begin now, besides those that run; else after how long to ask again, 0 when
// another attempt must end first.
func (g *gate) mayBegin(now time.Time, running int) (bool, time.Duration) {
	switch {
	case g.hold.After(now):
		return false, g.hold.Sub(now)
	case g.open && running > 0, running >= g.width:
		return false, 0
	case g.open && g.probeAt.After(now):
		return false, g.probeAt.Sub(now)
	}
	if rate := g.rate(now); rate > 0 {
		if passed := now.Sub(g.filled).Seconds(); passed > 0 {
			g.tokens, g.filled = min(g.tokens+passed*rate, max(1, rate/10)), now
		}
		if g.tokens < 1 {
			return false, max(time.Duration((1-g.tokens)/rate*float64(time.Second)), time.Millisecond)
		}
	}
	return true, 0
}

// rests reports whether the endpoint is down and not to be tried until a time.
func (g *gate) rests(now time.Time) (until time.Time, rests bool) {
	if until = g.probeAt; g.hold.After(until) {
		until = g.hold
	}
	return until, g.open && until.After(now)
}

// begun takes the token of an attempt that begins.
func (g *gate) begun() {
	g.tokens--
	g.probing = g.open
}

// rate is how many attempts may begin in a second; 0: any number.
func (g *gate) rate(now time.Time) float64 {
	if g.ramp.IsZero() {
		return g.most
	}
	rate := float64(rampBegins)
	for passed := now.Sub(g.ramp); passed >= time.Second && rate < rampEnds; passed -= time.Second {
		rate *= 2
	}
	if rate >= rampEnds {
		g.ramp = time.Time{}
		return g.most
	}
	if g.most > 0 {
		return min(rate, g.most)
	}
	return rate
}

// succeeded learns that an attempt was a success.
func (g *gate) succeeded(now time.Time) {
	if g.open {
		g.open, g.pause = false, 0
		g.comesBack(now)
	}
	g.failures, g.slow = 0, 0
	g.width = min(g.width+1, g.widthAtMost)
	g.window = min(2*g.window, windowAtMost)
}

// release ends a pause that the endpoint has asked for. It reports whether there was one.
func (g *gate) release(now time.Time) bool {
	if !g.hold.After(now) {
		return false
	}
	g.hold, g.back, g.slow = time.Time{}, true, 0
	g.comesBack(now)
	return true
}

// comesBack lets the pace begin low, and grow.
func (g *gate) comesBack(now time.Time) {
	g.ramp, g.tokens, g.filled = now, 1, now
}

// failed learns that an attempt failed. It reports whether the breaker has opened by that.
func (g *gate) failed(now time.Time, r *delivery.Result) (opened bool) {
	g.failures++
	if r.RetryAfter > 0 || r.Verdict == delivery.RetryAndSlow {
		pause := r.RetryAfter
		if pause == 0 && !g.hold.After(now) { // else it was under way when the endpoint was first asked to slow down
			pause = jittered(min(firstPause<<min(g.slow, 10), lastPause))
			g.slow++
		}
		g.width = 1
		if until := now.Add(pause); until.After(g.hold) {
			g.hold = until
			g.comesBack(until)
		}
	}
	if g.failures < breakerOpens || g.open && !g.probing { // the latter were under way when it opened
		return false
	}
	opened = !g.open
	g.open, g.probing = true, false
	g.pause = min(max(2*g.pause, firstProbe), lastProbe)
	g.probeAt = now.Add(jittered(g.pause))
	g.window = windowAtLeast
	return opened
}

// jittered is a wait, 20% more or less.
func jittered(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (0.8 + 0.4*rand.Float64()))
}
