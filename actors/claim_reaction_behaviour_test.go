package actors_test

import (
	"testing"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/simulator"
)

// TestReactionClaims: 👀 on a message of a ticket, or on a copy of one, claims it for somebody of the desk. Nobody else hears
// anything, and nobody is asked twice.
func TestReactionClaims(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	k := d.open(d.eve, d.support, "Printer")
	eng := d.mention(d.ann, k, "@bob_eng", d.engineering)
	said := d.say(d.eve, d.support, k.thread, "It smokes")
	copied := d.awaitText(d.engineering, eng, "It smokes")
	react := func(by int64, m simulator.Message, emoji string, reactions int) {
		t.Helper()
		d.must(d.sim.React(by, m.Chat, m.ID, emoji))
		d.awaitTold(k, messages.EventMessageReacted, reactions)
	}
	d.run(t, "not whoever opened it, nor somebody else of a linked group, nor another emoji", func(t *testing.T) {
		before := len(d.byBot(d.support, k.thread)) + len(d.byBot(d.engineering, eng))
		react(d.eve, said, "👀", 1)
		react(d.dora, copied, "👀", 2)
		react(d.carl, said, "👍", 3)
		d.quiet(k)
		d.awaitAssignee(k, 0)
		if n := len(d.byBot(d.support, k.thread)) + len(d.byBot(d.engineering, eng)) - before; n != 0 {
			t.Errorf("the bot said something: %d messages", n)
		}
	})
	d.run(t, "somebody of the desk, on a copy", func(*testing.T) {
		react(d.bob, copied, "👀", 4)
		d.awaitAssignee(k, d.bob)
		d.awaitText(d.engineering, eng, "Bob takes care of this ticket now")
		d.awaitTold(k, messages.EventTicketAssigned, 1)
	})
	d.run(t, "nobody takes what another has, and what is released needs a new one", func(t *testing.T) {
		react(d.carl, said, "👀", 5)
		d.quiet(k)
		d.awaitAssignee(k, d.bob)
		d.awaitAnswer(d.say(d.bob, d.engineering, eng, "/release"), "has released")
		d.restart()
		d.quiet(k)
		d.awaitAssignee(k, 0)
		react(d.carl, said, "", 6)
		react(d.carl, said, "👀", 7)
		d.awaitAssignee(k, d.carl)
	})
}
