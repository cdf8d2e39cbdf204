package main

import (
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"github.com/mattn/go-isatty"
)

// progress says how far a long command is: on a terminal in one line that changes, elsewhere in a line every 10 s.
type progress struct {
	out      io.Writer
	terminal bool
	every    time.Duration
}

func newProgress(out io.Writer) *progress {
	f, ok := out.(*os.File)
	if ok && isatty.IsTerminal(f.Fd()) {
		return &progress{out: out, terminal: true, every: 200 * time.Millisecond}
	}
	return &progress{out: out, every: 10 * time.Second}
}

func (p *progress) say(format string, args ...any) { _, _ = fmt.Fprintf(p.out, format+"\n", args...) }

// task is a part of a command, of which so many units are done.
type task struct {
	p          *progress
	what, unit string // unit "": only the time counts
	done       atomic.Int64
	total      atomic.Int64 // 0: not known
	began      time.Time
	stop       chan struct{}
	stopped    chan struct{}
}

// begin begins a task. It must be ended.
func (p *progress) begin(what, unit string, total int64) *task {
	t := &task{p: p, what: what, unit: unit, began: time.Now(), stop: make(chan struct{}), stopped: make(chan struct{})}
	t.total.Store(total)
	go t.run()
	return t
}

func (t *task) run() {
	defer close(t.stopped)
	tick := time.NewTicker(t.p.every)
	defer tick.Stop()
	for {
		select {
		case <-t.stop:
			return
		case <-tick.C:
			t.show(t.line(time.Since(t.began)))
		}
	}
}

// add counts units that are done.
func (t *task) add(n int) { t.done.Add(int64(n)) }

// set says how many units are done, for a task that learns it from others.
func (t *task) set(done, total int) {
	t.done.Store(int64(done))
	t.total.Store(int64(total))
}

// end ends the task, and says what it did; after an error, how far it came.
func (t *task) end(err error) {
	close(t.stop)
	<-t.stopped
	took, done := time.Since(t.began), t.done.Load()
	switch {
	case err != nil && t.unit != "":
		t.show(fmt.Sprintf("%s: stopped after %s, %s", t.what, t.count(done), span(took)))
	case err != nil:
		t.show(fmt.Sprintf("%s: stopped after %s", t.what, span(took)))
	case t.unit != "":
		t.show(fmt.Sprintf("%s: %d %s in %s", t.what, done, t.unit, span(took)))
	default:
		t.show(fmt.Sprintf("%s: done in %s", t.what, span(took)))
	}
	if t.p.terminal {
		t.p.say("")
	}
}

// show writes a line; on a terminal over the one before.
func (t *task) show(line string) {
	if t.p.terminal {
		_, _ = fmt.Fprintf(t.p.out, "\r%s\x1b[K", line)
		return
	}
	t.p.say("%s", line)
}

// line is how far the task is after that time.
func (t *task) line(took time.Duration) string {
	if t.unit == "" {
		return fmt.Sprintf("%s: %s", t.what, span(took))
	}
	done := t.done.Load()
	line := fmt.Sprintf("%s: %s", t.what, t.count(done))
	if done == 0 {
		return line + ", " + span(took)
	}
	rate := float64(done) / took.Seconds()
	if rate < 10 {
		line += fmt.Sprintf(", %.1f/s", rate)
	} else {
		line += fmt.Sprintf(", %.0f/s", rate)
	}
	if left := t.total.Load() - done; left > 0 {
		line += fmt.Sprintf(", %s left", span(time.Duration(float64(left)/rate*float64(time.Second))))
	}
	return line
}

func (t *task) count(done int64) string {
	total := t.total.Load()
	if total == 0 {
		return fmt.Sprintf("%d %s", done, t.unit)
	}
	return fmt.Sprintf("%d of %d %s (%d%%)", done, total, t.unit, 100*done/total)
}

// span writes a time for people, no finer than they need it.
func span(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < 2*time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d < 2*time.Hour:
		return fmt.Sprintf("%.0f min", d.Minutes())
	}
	return fmt.Sprintf("%.1f h", d.Hours())
}
