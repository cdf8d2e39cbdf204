package mongotest_test

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// figures are what came of one case.
type figures struct {
	what                  string
	said, lost, disorder  int           // words, those that never came, tickets whose copies came out of order
	rate                  float64       // words a second
	again                 int           // copies that came again
	usual                 time.Duration // what a copy took at most shortly before
	touched, others       int           // tickets that had something on the node, and those that had not
	silence, otherSilence time.Duration // the longest of each, beyond what is usual
	events                eventArrival
	refused               int // updates, with 503
	slowest               time.Duration
	asked                 int           // requests to the API
	polled                time.Duration // for how long two nodes polled at once, at most
	stalled               time.Duration // for how long the machine stood still, at most
}

// talking has people talk, one ticket after the other, until stop is called. After hush every fourth ticket has heard its last
// word, so that nothing which is said later can wake it.
func (d *desks) talking() (hush, stop func()) {
	var hushed atomic.Bool
	end := make(chan struct{})
	var talking sync.WaitGroup
	talking.Go(func() {
		again := time.NewTicker(pace() / time.Duration(len(d.lines)))
		defer again.Stop()
		for i := 0; ; i++ {
			if realURI() != "" && i%4 == 3 && hushed.Load() {
				i++ // the others say the more, so that the load stays
			}
			if l := d.lines[i%len(d.lines)]; i%4 != 3 || !hushed.Load() {
				d.talk(l)
			}
			select {
			case <-end:
				return
			case <-again.C:
			}
		}
	})
	return func() { hushed.Store(true) }, func() { close(end); talking.Wait() }
}

// meet has people talk while something happens, and looks at what came of it. f returns when it is over.
func (d *desks) meet(x trouble, f func()) {
	d.Helper()
	before := d.arrived()
	d.balancer.chatsMet(x.node)
	touched := map[*line]bool{}
	for _, l := range d.lines {
		touched[l] = x.node == nil || l.has(d.T, d.nodes, x.node)
	}
	start := time.Now()
	hush, stop := d.talking()
	d.wait(forms(3*pace(), max(pace(), 4*time.Second)))
	hush()
	var program *asker
	if x.asks {
		program = d.asking()
	}
	began := time.Now()
	usual := d.slowest(start, began)
	f()
	over := time.Now()
	if x.outage {
		began = over
	}
	d.wait(time.Until(over.Add(pace() + 2*time.Second))) // so that something is said in each ticket afterwards
	stop()
	talked, asked := time.Since(start), 0
	if program != nil {
		asked = program.stop(x.repeats)
	}
	after := d.arrived()
	got := figures{what: x.what, said: after.said - before.said, rate: float64(after.said-before.said) / talked.Seconds(), lost: after.lost, disorder: after.disorder,
		again: after.again - before.again, usual: usual, events: after.events.since(before.events), asked: asked,
		polled: together(d.sim.PollConflicts(), start), stalled: d.heart.longest(start)}
	met, refused, slowest := d.balancer.chatsMet(x.node)
	got.refused, got.slowest = refused, slowest
	for _, l := range d.lines {
		d.mu.Lock()
		silence := max(l.silence(began)-usual, 0)
		d.mu.Unlock()
		if touched[l] || met[l.home] {
			got.touched++
			got.silence = max(got.silence, silence)
		} else {
			got.others++
			got.otherSilence = max(got.otherSilence, silence)
		}
	}
	d.figures = append(d.figures, got)
	d.Log(got)
	d.judge(x, got)
}

// judge fails where more is lost, repeated or late than may be.
func (d *desks) judge(x trouble, got figures) {
	d.Helper()
	for what, again := range map[string]int{"copies": got.again, "deliveries": got.events.delivered, "entries of the feed": got.events.fed} {
		if again > x.repeats {
			d.Errorf("%s: %d %s came again, want %d at most", x.what, again, what, x.repeats)
		}
	}
	for what, times := range map[string][2]time.Duration{
		"tickets that had something there were silent":  {got.silence, x.within},
		"tickets that were not touched were silent":     {got.otherSilence, others},
		"an update was refused only after":              {got.slowest, refusedWithin},
		"two nodes asked Telegram for updates together": {got.polled, leaseOfPoller},
	} {
		if took, limit := times[0], loosely(times[1], got.stalled); took > limit {
			d.Errorf("%s: %s %v, want %v at most", x.what, what, rounded(took), rounded(limit))
		}
	}
}

// leaseOfPoller is for how long two nodes may poll at once.
const leaseOfPoller = 5 * time.Second

// together is for how long two nodes polled at once, at most, from a moment on: each of two ends the requests of the other, at once and again and
// again. A single conflict is what a node that is gone left behind.
func together(conflicts []time.Time, since time.Time) (longest time.Duration) {
	var first, last time.Time
	for _, at := range conflicts {
		if at.Before(since) {
			continue
		}
		if at.Sub(last) > leaseOfPoller {
			first = at
		}
		last = at
		longest = max(longest, last.Sub(first))
	}
	return longest
}

// refusedWithin is how long an update waits for its shard, and some time for the machine.
const refusedWithin = 2*time.Second + 300*time.Millisecond

// slowest is how long the copies of what was said since a moment took, at most, of those that came before another.
func (d *desks) slowest(since, before time.Time) (slowest time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, l := range d.lines {
		for word, came := range l.came {
			if came.Before(before) && l.said[word].After(since) {
				slowest = max(slowest, came.Sub(l.said[word]))
			}
		}
	}
	return slowest
}

// silence is how long, from a moment on, a ticket was silent though something was said there: what the slowest copy took.
func (l *line) silence(since time.Time) (longest time.Duration) {
	for _, word := range l.words {
		from := l.said[word]
		if from.Before(since) {
			from = since
		}
		longest = max(longest, l.came[word].Sub(from)) // less than nothing, if it came before
	}
	return longest
}

func (f figures) String() string {
	return fmt.Sprintf("%s: %d said (%.1f/s), %d lost, %d came again; silent for %v at most (a copy takes %v); %d tickets that were not touched for %v; "+
		"events: %v; %d updates were answered 503, after %v at most; %d requests; two polled for %v; the machine stood still for %v", f.what, f.said, f.rate,
		f.lost, f.again, rounded(f.silence), rounded(f.usual), f.others, rounded(f.otherSilence), f.events, f.refused, rounded(f.slowest), f.asked,
		rounded(f.polled), rounded(f.stalled))
}

func rounded(t time.Duration) time.Duration { return t.Round(10 * time.Millisecond) }

// table is what docs/figures.md has of a long run.
func table(mode string, all []figures) string {
	var b strings.Builder
	b.WriteString("\n| mode | case | messages | lost | out of order | repeated | touched tickets | their longest silence | " +
		"other tickets | theirs | events missing | out of order | delivered again |\n|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, f := range all {
		other := "-"
		if f.others > 0 {
			other = seconds(f.otherSilence)
		}
		fmt.Fprintf(&b, "| %s | %s | %d | %d | %d | %d | %d | %s | %d | %s | %d | %d | %d |\n", mode, f.what, f.said, f.lost, f.disorder,
			f.again, f.touched, seconds(f.silence), f.others, other, f.events.missing, f.events.disorder, f.events.delivered)
	}
	return b.String()
}

func seconds(t time.Duration) string { return fmt.Sprintf("%.1f s", t.Seconds()) }
