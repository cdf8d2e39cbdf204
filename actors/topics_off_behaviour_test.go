package actors_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/simulator"
)

func TestTopicsOfAGroupSwitchedOff(t *testing.T) {
	t.Parallel()
	d := ready(t, options{speed: 100})
	k := d.open(d.ann, d.support, "Printer")
	eng := d.mention(d.ann, k, "@bob_eng", d.engineering)
	d.say(d.ann, d.support, k.thread, "before")
	d.awaitText(d.engineering, eng, "before")
	d.quiet(k)
	topics := len(d.sim.Topics(d.engineering))
	d.must(d.sim.SetForum(d.engineering, false))
	d.say(d.ann, d.support, k.thread, "one")
	d.awaitText(d.support, k.thread, "I can't write in Engineering at the moment")
	d.say(d.ann, d.support, k.thread, "two")
	d.restart()
	d.say(d.ann, d.support, k.thread, "three")
	d.must(d.sim.SetForum(d.engineering, true))
	d.awaitText(d.engineering, eng, "three")
	d.quiet(k)
	d.run(t, "what was said arrives in the topic that is there, in order", func(t *testing.T) {
		said := d.copies(d.engineering, eng)
		same(t, "what arrived", said[len(said)-4:], []string{"before", "one", "two", "three"})
		if n := len(d.sim.Topics(d.engineering)); n != topics {
			t.Errorf("%d topics, %d before", n, topics)
		}
	})
	d.run(t, "it goes on in both directions, and the card is the one that was there", func(t *testing.T) {
		d.say(d.bob, d.engineering, eng, "back again")
		d.awaitText(d.support, k.thread, "back again")
		cards := 0
		for _, m := range d.byBot(d.engineering, eng) {
			if strings.Contains(m.Text, d.head(k)) {
				cards++
			}
		}
		if cards != 1 {
			t.Errorf("%d cards", cards)
		}
	})
}

func TestTopicThatIsGoneForTheBotOnly(t *testing.T) {
	t.Parallel()
	d := ready(t, options{speed: 20})
	k := d.open(d.ann, d.support, "Printer")
	eng := d.mention(d.ann, k, "@bob_eng", d.engineering)
	d.say(d.bob, d.engineering, eng, "hello")
	d.awaitText(d.support, k.thread, "hello")
	d.quiet(k)
	d.inject(simulator.Fault{Chat: d.engineering, Thread: eng, Kind: simulator.Fault400, Count: -1,
		Description: "message thread not found"})
	d.say(d.ann, d.support, k.thread, "do you read this?")
	again := d.newTopic(d.engineering, eng).Thread
	d.awaitText(d.engineering, again, "do you read this?")
	d.run(t, "what people say in it crosses, and arrives in the new topic, where it is told", func(t *testing.T) {
		long := strings.Repeat("long ", 819)
		d.say(d.bob, d.engineering, eng, "I do")
		d.say(d.dora, d.engineering, eng, long)
		d.awaitText(d.support, k.thread, "I do")
		d.awaitText(d.engineering, again, "Bob writes in this ticket's former topic")
		if m := d.awaitText(d.engineering, again, "I do"); m.Text != "Bob\nI do" {
			t.Errorf("it reads %q", m.Text)
		}
		d.await("both parts", func() bool {
			return len(slices.DeleteFunc(d.byBot(d.engineering, again), func(m simulator.Message) bool {
				return !strings.HasPrefix(m.Text, "Dora")
			})) == 2
		})
		d.quiet(k)
	})
	d.run(t, "it is told once, and a message that is delivered again makes nothing new", func(t *testing.T) {
		d.restart()
		d.say(d.bob, d.engineering, eng, "still here")
		d.awaitText(d.engineering, again, "still here")
		d.quiet(k)
		count := func(part string) (n int) {
			for _, m := range d.byBot(d.engineering, again) {
				n += strings.Count(m.Text, part)
			}
			return n
		}
		if told, said := count("former topic"), count("still here"); told != 1 || said != 1 {
			t.Errorf("told %d times, said %d times", told, said)
		}
	})
	d.run(t, "what waits names its messages, and what is too much is told", func(t *testing.T) {
		d.inject(simulator.Fault{Chat: d.engineering, Thread: again, Kind: simulator.Fault500, Count: -1})
		const said = 30
		for i := range said {
			d.say(d.dora, d.engineering, eng, "number "+itoa(i)+strings.Repeat(" much", 817))
		}
		d.awaitText(d.support, k.thread, "number "+itoa(said-1))
		r, err := d.store.Ticket(t.Context(), k.id)
		d.must(err)
		size := 0
		for _, pending := range r.Pending {
			size += len(pending.Body)
		}
		if size > 50_000 || len(r.Pending) < 50 {
			t.Errorf("%d pending calls have %d bytes", len(r.Pending), size)
		}
		d.restart()
		d.sim.ClearFaults()
		d.awaitText(d.engineering, again, "did not arrive here")
		d.quiet(k)
		told, first := 0, 0
		for _, m := range d.byBot(d.engineering, again) {
			told += strings.Count(m.Text, "did not arrive here")
			first += strings.Count(m.Text, "number 0 much")
		}
		if told != 1 || first != 1 {
			t.Errorf("told %d times, the first arrived %d times", told, first)
		}
	})
}
