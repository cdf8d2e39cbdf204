package main

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestCrashPointsOfAProcess does as TestCrashPoints for a sample of points, with a process that kills itself there.
func TestCrashPointsOfAProcess(t *testing.T) {
	if testing.Short() {
		t.Skip("long: a process for each of many crash points")
	}
	t.Parallel()
	whole := newPlay(t)
	whole.begin(crashPoint{})
	var want []string // after each step
	for _, s := range story {
		s.tell(whole.desk)
		whole.settle(s.name, always)
		want = append(want, whole.seen())
	}
	whole.stop()
	sample := 5
	if long() {
		sample = 60
	}
	all := whole.points()
	for _, i := range rand.Perm(len(all))[:sample] {
		point := all[i]
		t.Run(strings.ReplaceAll(point.String(), " ", "-"), func(t *testing.T) {
			t.Parallel()
			d := wake(t)
			order, err := json.Marshal(point)
			d.must(err)
			p := d.serve("polling", 0, childPointEnv, string(order))
			crashed, life := p.done, 0
			go func() {
				<-crashed
				d.poke()
			}()
			looking, stopLooking := context.WithCancel(context.Background())
			defer stopLooking()
			go d.lookAgain(looking)
			for i, s := range story {
				s.tell(d)
				d.await(func() string {
					return s.name + cmp.Diff(strings.Split(want[i], "\n"), strings.Split(d.seen(), "\n"))
				}, func() bool {
					select {
					case <-p.done:
						if crashed != p.done || p.wait() != killed {
							d.Fatal("the process has ended by itself")
						}
						life = 1
						p = d.serve("polling", life)
					default:
					}
					seen := withoutFormer(d.seen(), want[i], want[:i])
					return d.sim.Pending() == 0 && answered(seen, want[i]) == want[i] && !d.calls(life)
				})
			}
			p.awaitReady()
			if code := p.stop(); code != 0 && (code != killed || crashed != p.done) { // the stop itself writes last
				t.Errorf("exit code %d", code)
			}
			if twice := d.topicsTwice(); len(twice) > 0 {
				t.Errorf("topics that were opened twice: %q", twice)
			}
		})
	}
}
