package cluster

import "time"

// instant is a moment by two clocks. The steady one can't be set, but stands still while the machine sleeps; the one on the
// wall goes on meanwhile, or is set afterwards.
type instant struct{ steady, wall time.Time }

func now() instant {
	t := time.Now()
	return instant{steady: t, wall: t.Round(0)}
}

// since is the time that has passed by the clock that says more.
func (i instant) since(earlier instant) time.Duration {
	return max(i.steady.Sub(earlier.steady), i.wall.Sub(earlier.wall))
}
