package pace

import "time"

// Pace is the outgoing pace that the settings allow; 0 means no limit.
type Pace struct {
	GlobalPerSecond int
	ChatPerSecond   int
	GroupPerMinute  int

	LastAtMost int // reminders, and icons of topics, that wait with a chat; 0: 100
}

// PerMinute is how many calls to a group may leave in a minute; 0: no limit. rate is what flood control lowered the
// group's rate to, and quiet is how long ago that was.
func (p Pace) PerMinute(rate float64, quiet time.Duration) int {
	w := NewWindow(p.GroupPerMinute, 0)
	if w == nil {
		return 0
	}
	w.Slow(Recovered(rate, quiet))
	return w.slowed
}

// Left is how many calls to a group may leave at now, after those that left before; -1: any number. rate and quiet are as for
// PerMinute.
func (p Pace) Left(before []time.Time, rate float64, quiet time.Duration, now time.Time) int {
	w := NewWindow(p.GroupPerMinute, time.Minute)
	for _, t := range before {
		w.Take(t, 1)
	}
	if w != nil {
		w.Slow(Recovered(rate, quiet))
	}
	return w.Room(now)
}

// margin is the share by which windows and intervals are longer than the settings say. The network may push two calls
// together, and what arrives must keep to the limit, too (docs/decisions.md, D6).
const margin = 0.03

func withMargin(d time.Duration) time.Duration { return d + time.Duration(float64(d)*margin) }

// How the rate of a chat follows flood control. A rate is the share of the allowed calls that leave: each 429 lowers
// it, and each quiet rateStep raises it again, up to 1.
const (
	rateLowered = 0.7
	rateLeast   = 0.2
	rateRaised  = 0.1
	rateStep    = time.Minute
)

// Lowered is the rate after a 429.
func Lowered(rate float64) float64 { return max(rateLeast, rate*rateLowered) }

// Recovered is the rate to which a lowered one has risen after a quiet time. Rate 0 is one that was never lowered.
func Recovered(rate float64, quiet time.Duration) float64 {
	if rate == 0 {
		return 1
	}
	return min(1, rate+rateRaised*float64(max(0, quiet)/rateStep))
}
