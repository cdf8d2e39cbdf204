package actors_test

import (
	"context"
	"errors"
	"time"
)

// patience is how long a test waits while nothing moves: only a failing test waits this long. While the simulator sees that
// the desk works, it waits up to three times as long, since a busy machine may take that for what others do in seconds.
const patience = 2 * time.Minute

// waiting tells patience that has ended from a desk that is slow.
type waiting struct {
	d      *desk
	rounds int
	seen   [2]int
}

func (d *desk) waits() *waiting { return &waiting{d: d, seen: d.moved()} }

// moved changes as long as the desk calls Telegram or handles updates.
func (d *desk) moved() [2]int {
	stats := d.sim.CallStats()
	return [2]int{stats.Total - stats.ByMethod["getUpdates"], d.sim.Pending()}
}

// inVain is asked after each patience: whether that was the last.
func (w *waiting) inVain() bool {
	before := w.seen
	w.seen = w.d.moved()
	w.rounds++
	return w.seen == before || w.rounds == 3
}

// await waits until cond holds. It checks after every change of the simulator.
func (d *desk) await(what string, cond func() bool) {
	d.t.Helper()
	for w := d.waits(); ; {
		ctx, cancel := context.WithTimeout(d.t.Context(), patience)
		err := d.sim.Await(ctx, cond)
		cancel()
		if err == nil {
			return
		}
		if !errors.Is(err, context.DeadlineExceeded) || w.inVain() {
			d.t.Fatalf("never came: %s\n%s", what, d.transcript())
		}
	}
}

// eventually waits for something that the simulator does not show.
func (d *desk) eventually(what string, cond func() bool) {
	d.t.Helper()
	w, deadline := d.waits(), time.After(patience)
	for pause := 5 * time.Millisecond; !cond(); pause = min(pause*5/4, 200*time.Millisecond) {
		select {
		case <-deadline:
			if w.inVain() {
				d.t.Fatalf("never came: %s\n%s", what, d.transcript())
			}
			deadline = time.After(patience)
		case <-time.After(pause):
		}
	}
}
