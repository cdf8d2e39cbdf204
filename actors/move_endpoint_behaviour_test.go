package actors_test

import (
	"strings"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/messages"
)

// TestAnEndpointGoesOnWhereItWasOvertaken: two nodes have an endpoint, and the one whose activation is the newest loses it.
// The other one's has stopped by itself, and begins again though no sweep wakes it.
func TestAnEndpointGoesOnWhereItWasOvertaken(t *testing.T) {
	t.Parallel()
	for name, leaves := range map[string]func(a *twins, first, second *process){
		"the newer one leaves": func(a *twins, first, second *process) {
			a.believes(second, func(int) *process { return first })
		},
		"nobody says that the newer one is gone": func(a *twins, first, second *process) {
			a.lose(func(any) bool { return true })
			a.believes(second, func(int) *process { return first })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newTwins(t)
			d, first, second := twinDesk(t, options{speed: 5, twins: a, sweepEvery: time.Hour})
			heard := d.hears(&messages.WebhookSettings{Events: []string{"message.sent"}}, nil)
			k := d.open(d.ann, d.support, "Printer")
			said := 0
			say := func() {
				said++
				d.say(d.ann, d.support, k.thread, "question "+itoa(said))
			}
			before := d.epoch(messages.KindWebhook, heard.id)
			a.believes(second, nil)
			d.eventually("the second has it", func() bool { return d.epoch(messages.KindWebhook, heard.id) > before })
			d.eventually("the first has stopped by itself", func() bool {
				say()
				return first.metric(t, "entity_fences_total", "kind", messages.KindWebhook) > 0
			})
			leaves(a, first, second)
			d.eventually("the second has nothing", func() bool { return second.metric(t, "entities") == 0 })
			a.lose(nil)
			say()
			d.eventually("all is delivered", func() bool { return heard.count() == said })
		})
	}
}

// TestAnEndpointGoesOnAfterADoubt: a node does not know for a while whether it is a member. It delivers nothing then, and goes
// on by itself.
func TestAnEndpointGoesOnAfterADoubt(t *testing.T) {
	t.Parallel()
	a := newTwins(t)
	d, first, _ := twinDesk(t, options{speed: 5, twins: a, sweepEvery: time.Hour})
	k := d.open(d.ann, d.support, "Printer")
	logged := func() (n int) {
		d.t.Helper()
		for _, of := range d.eventLog() {
			n += of
		}
		return n
	}
	a.doubts(first, true)
	heard := d.hears(&messages.WebhookSettings{Events: []string{"message.sent"}}, nil) // it can't begin
	a.doubts(first, false)
	d.eventually("it has begun", func() bool {
		d.say(d.ann, d.support, k.thread, "question")
		return heard.count() > 0
	})
	d.quiet(k)
	a.doubts(first, true)
	before, delivered := logged(), heard.count()
	d.say(d.ann, d.support, k.thread, "another question") // it can't go on
	d.eventually("the event is in the log", func() bool { return logged() > before })
	if err := first.system.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "etcd does not answer") {
		t.Errorf("it says of itself: %v", err)
	}
	doubted := d.clock.Now()
	d.eventually("an endpoint would have it by now", func() bool { return d.clock.Now().Sub(doubted) > 5*time.Second })
	if heard.count() != delivered {
		t.Error("it is delivered by a node that may not have the endpoint any more")
	}
	a.doubts(first, false)
	d.eventually("it is delivered", func() bool { return heard.count() == delivered+1 })
}

// TestQuietChatsAreNotWoken: a chat that moves is woken on its new node if it has called lately, and not else.
func TestQuietChatsAreNotWoken(t *testing.T) {
	t.Parallel()
	a := newTwins(t)
	d, first, second := twinDesk(t, options{speed: 50, twins: a, sweepEvery: time.Hour})
	k := d.open(d.ann, d.support, "Printer")
	eng := d.mention(d.ann, k, "@bob_eng", d.engineering)
	// moves says how many chats have been woken where the shards went, when f is satisfied.
	moves := func(from, to *process, f func(woken float64) bool) (woken float64) {
		d.t.Helper()
		before := to.metric(t, "entity_activations_total", "kind", messages.KindChat)
		a.gives(from, to)
		d.eventually("the chats have moved", func() bool {
			woken = to.metric(t, "entity_activations_total", "kind", messages.KindChat) - before
			return from.metric(t, "entities") == 0 && f(woken)
		})
		return woken
	}
	d.quiet(k)
	silent := d.clock.Now()
	d.eventually("nothing was called for a while", func() bool { return d.clock.Now().Sub(silent) > 70*time.Second })
	moved := d.clock.Now()
	enough := func(float64) bool { return d.clock.Now().Sub(moved) > 100*time.Second } // 2 s, where a tenth would do
	if n := moves(first, second, enough); n > 0 {
		t.Errorf("%v quiet chats were woken", n)
	}
	d.say(d.ann, d.support, k.thread, "hello")
	d.awaitText(d.engineering, eng, "hello")
	moves(second, first, func(woken float64) bool { return woken > 0 }) // which has just called
}
