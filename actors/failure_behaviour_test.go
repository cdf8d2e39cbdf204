package actors_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/simulator"
	"github.com/topicdesk/topicdesk/storage"
)

// refuse has Telegram refuse every message into a thread from now on, whatever came of earlier ones.
func (d *desk) refuse(chat int64, thread int, why string) {
	d.t.Helper()
	d.inject(simulator.Fault{
		Method: "sendMessage", Chat: chat, Thread: thread, Kind: simulator.Fault400, Description: why, Count: -1,
	})
}

func TestFailedCopies(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	k := d.open(d.ann, d.support, "Printer")
	eng := d.mention(d.ann, k, "bob_eng", d.engineering)
	var first simulator.Message
	d.run(t, "shown at the source with the reason; the same reason again as a reaction", func(t *testing.T) {
		d.refuse(d.engineering, eng, "bot was muted")
		first = d.say(d.ann, d.support, k.thread, "lost one")
		word := d.awaitAnswer(first, "did not reach Engineering")
		if !strings.Contains(word.Text, "bot was muted") {
			t.Errorf("%q", word.Text)
		}
		second := d.say(d.eve, d.support, k.thread, "lost two")
		d.await("a reaction", func() bool { m, _ := d.sim.Message(d.support, second.ID); return len(m.Reactions) == 1 })
		if n := len(d.copies(d.engineering, eng)); n != 0 {
			t.Errorf("%d copies", n)
		}
	})
	d.run(t, "the other direction goes on", func(t *testing.T) {
		d.say(d.bob, d.engineering, eng, "do you hear me")
		d.awaitText(d.support, k.thread, "do you hear me")
	})
	d.run(t, "try again while it still fails: told again", func(t *testing.T) {
		before := len(d.byBot(d.support, k.thread))
		if a := d.press(d.ann, d.awaitAnswer(first, "did not reach"), "retry:"); !strings.Contains(a.Text, "Trying again") {
			t.Errorf("%+v", a)
		}
		d.await("told again", func() bool { return len(d.byBot(d.support, k.thread)) == before+1 })
	})
	d.run(t, "try again when it works: it arrives, once", func(t *testing.T) {
		d.sim.ClearFaults()
		word := d.awaitAnswer(first, "did not reach")
		d.press(d.ann, word, "retry:")
		d.awaitText(d.engineering, eng, "lost one")
		d.press(d.ann, word, "retry:")
		d.say(d.ann, d.support, k.thread, "the last")
		d.awaitText(d.engineering, eng, "the last")
		d.quiet(k)
		same(t, "copies", d.copies(d.engineering, eng), []string{"lost one", "the last"})
	})
	d.run(t, "into home: the button is in the linked topic", func(t *testing.T) {
		d.refuse(d.support, k.thread, "not this one")
		m := d.say(d.bob, d.engineering, eng, "homeless")
		word := d.awaitAnswer(m, "did not reach Support")
		d.sim.ClearFaults()
		d.press(d.bob, word, "retry:")
		d.awaitText(d.support, k.thread, "homeless")
	})
	d.run(t, "the retried message can be answered", func(t *testing.T) {
		m, _ := d.find(d.engineering, eng, "lost one")
		d.reply(d.bob, d.engineering, m, "found it")
		if c := d.awaitText(d.support, k.thread, "found it"); c.ReplyTo != first.ID {
			t.Errorf("it answers %d, want %d", c.ReplyTo, first.ID)
		}
	})
	d.run(t, "a failure is shown after a restart, if there was no time before", func(t *testing.T) {
		d.refuse(d.engineering, eng, "bot was muted")
		d.inject(simulator.Fault{
			Method: "sendMessage", Chat: d.support, Thread: k.thread, Kind: simulator.Fault500, Count: -1,
		})
		m := d.say(d.ann, d.support, k.thread, "lost three")
		d.eventually("the copy has failed", func() bool {
			c, err := d.store.Copy(t.Context(), itoa(int(d.support))+":"+itoa(m.ID), k.id+":1")
			return err == nil && c.State == "failed"
		})
		d.await("a try to tell", func() bool {
			calls := d.sim.Calls()
			return calls[len(calls)-1].Chat == d.support && calls[len(calls)-1].Code == 500
		})
		d.stop()
		d.sim.ClearFaults()
		d.refuse(d.engineering, eng, "bot was muted")
		d.start()
		d.awaitAnswer(m, "did not reach Engineering")
	})
	d.run(t, "a retry that the service did not live to make is made after the restart", func(t *testing.T) {
		d.inject(simulator.Fault{
			Method: "sendMessage", Chat: d.engineering, Thread: eng, Kind: simulator.Fault500, Count: -1,
		})
		all := d.byBot(d.support, k.thread)
		var word simulator.Message
		for _, m := range all {
			if strings.Contains(m.Text, "did not reach Engineering") {
				word = m
			}
		}
		d.sim.ClearFaults()
		d.inject(simulator.Fault{
			Method: "sendMessage", Chat: d.engineering, Thread: eng, Kind: simulator.Fault500, Count: -1,
		})
		d.press(d.ann, word, "retry:")
		d.await("a try", func() bool {
			calls := d.sim.Calls()
			return calls[len(calls)-1].Chat == d.engineering && calls[len(calls)-1].Code == 500
		})
		d.stop()
		d.sim.ClearFaults()
		d.start()
		d.awaitText(d.engineering, eng, "lost three")
		d.quiet(k)
	})
}

func TestAFailureWhoseAnswerIsLostIsReportedOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("long: waits five minutes, by a clock that runs fast")
	}
	t.Parallel()
	var boom atomic.Bool
	d := ready(t, options{speed: 60, wrapStore: func(s storage.Store) storage.Store { return reportPanics{s, &boom} }})
	k := d.open(d.ann, d.support, "Printer")
	eng := d.mention(d.ann, k, "bob_eng", d.engineering)
	d.refuse(d.engineering, eng, "bot was muted")
	// Telegram is in trouble for so long that the notice of the first failure is given up, and made again.
	d.inject(simulator.Fault{
		Method: "sendMessage", Chat: d.support, Thread: k.thread, Kind: simulator.Fault500, Count: -1,
	})
	first := d.say(d.ann, d.support, k.thread, "lost one")
	start := d.clock.Now()
	d.await("five minutes of trouble", func() bool { return d.clock.Now().Sub(start) > 6*time.Minute })
	d.sim.ClearFaults()
	d.awaitAnswer(first, "did not reach Engineering")
	// The link panics when it writes down that the second failure was reported.
	d.refuse(d.engineering, eng, "bot was banned")
	boom.Store(true)
	second := d.say(d.ann, d.support, k.thread, "lost two")
	d.eventually("the panic", func() bool { return d.metric(t, "entity_panics_total") == 1 })
	d.eventually("written down", func() bool {
		c, err := d.store.Copy(t.Context(), itoa(int(d.support))+":"+itoa(second.ID), k.id+":1")
		return err == nil && c.Reported
	})
	d.quiet(k)
	reports := 0
	for _, m := range d.byBot(d.support, k.thread) {
		if m.ReplyTo == second.ID && strings.Contains(m.Text, "did not reach Engineering") {
			reports++
		}
	}
	if reports != 1 {
		t.Errorf("reported %d times", reports)
	}
}

// reportPanics panics once when it is written down that a failure was reported.
type reportPanics struct {
	storage.Store
	boom *atomic.Bool
}

func (s reportPanics) SaveCopy(ctx context.Context, c *storage.Copy) error {
	if c.Reported && s.boom.CompareAndSwap(true, false) {
		panic("ordered by the test")
	}
	return s.Store.SaveCopy(ctx, c)
}

func TestTroubleInPassing(t *testing.T) {
	if testing.Short() {
		t.Skip("long: waits five minutes, by a clock that runs fast")
	}
	t.Parallel()
	d := ready(t, options{speed: 50})
	k := d.open(d.ann, d.support, "Printer")
	eng := d.mention(d.ann, k, "bob_eng", d.engineering)
	d.run(t, "tried again, in order, once each", func(t *testing.T) {
		d.inject(simulator.Fault{Method: "sendMessage", Chat: d.engineering, Kind: simulator.Fault500, Count: 3})
		for _, text := range []string{"one", "two", "three"} {
			d.say(d.ann, d.support, k.thread, text)
		}
		d.awaitText(d.engineering, eng, "three")
		same(t, "copies", d.copies(d.engineering, eng), []string{"one", "two", "three"})
	})
	d.run(t, "given up after five minutes, then shown, and what comes behind goes over", func(t *testing.T) {
		d.inject(simulator.Fault{Method: "sendMessage", Chat: d.engineering, Kind: simulator.Fault502HTML, Count: -1})
		before := len(d.sim.Calls())
		m := d.say(d.ann, d.support, k.thread, "four")
		d.awaitAnswer(m, "did not reach Engineering")
		var tried []time.Time
		for _, c := range d.sim.Calls()[before:] {
			if c.Chat == d.engineering && c.Method == "sendMessage" {
				tried = append(tried, c.At)
			}
		}
		if took := tried[len(tried)-1].Sub(tried[0]).Minutes(); took < 4.9 || took > 7 { // from the answer to the first
			t.Errorf("after %.1f minutes", took)
		}
		d.sim.ClearFaults()
		d.say(d.ann, d.support, k.thread, "five")
		d.awaitText(d.engineering, eng, "five")
	})
}
