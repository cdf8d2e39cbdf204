package actors_test

import (
	"strings"
	"testing"
)

// TestTheTeamOfAPrivateTicket: who asks in private has chosen a group, and its members are those who help.
func TestTheTeamOfAPrivateTicket(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	k := d.openPrivately(d.ann, d.support, "Printer")
	eng := d.mention(d.carl, k, "@bob_eng", d.engineering)
	d.run(t, "a member of its group changes priority and state, by command and by button", func(t *testing.T) {
		d.awaitAnswer(d.say(d.carl, d.support, k.thread, "/priority high"), "Carl changed the priority")
		card, _ := d.find(d.support, k.thread, d.head(k))
		d.press(d.carl, card, "pending:")
		d.awaitText(d.ann, 0, "Carl set your ticket #1 Printer to pending: it waits for an answer")
	})
	d.run(t, "the customer ends pending by the button of the notice, and of the card", func(t *testing.T) {
		said := d.awaitText(d.ann, 0, "set your ticket #1 Printer to pending")
		d.press(d.ann, said, "reopen:")
		d.awaitText(d.support, k.thread, "Ann set this ticket to open again")
		d.say(d.ann, d.ann, 0, "/pending")
		d.awaitText(d.support, k.thread, "Ann set this ticket to pending")
		d.say(d.ann, d.ann, 0, "More of it")
		d.awaitText(d.support, k.thread, "More of it")
		d.quiet(k)
		if s := d.record(k).Status; s != "pending" {
			t.Errorf("writing made it %s, which nobody has said", s)
		}
		card, _ := d.find(d.ann, 0, d.head(k))
		d.press(d.ann, card, "reopen:")
		d.eventually("it is open", func() bool { return d.record(k).Status == "open" })
	})
	d.run(t, "a priority from the private chat is said in the team's topic, once", func(t *testing.T) {
		d.say(d.ann, d.ann, 0, "/priority urgent")
		d.awaitText(d.support, k.thread, "Ann changed the priority of this ticket to")
		d.say(d.ann, d.ann, 0, "/priority urgent")
		d.awaitText(d.ann, 0, "already")
		d.quiet(k)
		n := 0
		for _, m := range d.byBot(d.support, k.thread) {
			n += strings.Count(m.Text, "Ann changed the priority")
		}
		if n != 1 {
			t.Errorf("said %d times", n)
		}
	})
	d.run(t, "elsewhere members of other groups may not", func(*testing.T) {
		d.awaitAnswer(d.say(d.dora, d.engineering, eng, "/priority low"), "You may not use /priority")
	})
	d.run(t, "every topic hears that the customer can't be reached", func(*testing.T) {
		d.must(d.sim.Block(d.ann, true))
		d.awaitText(d.support, k.thread, "Ann has blocked me")
		d.awaitText(d.engineering, eng, "Ann has blocked me")
		d.must(d.sim.Block(d.ann, false))
		d.awaitText(d.engineering, eng, "Ann can be reached again")
	})
	d.run(t, "a topic that was unlinked shows so, and says what its people can do", func(t *testing.T) {
		card, _ := d.find(d.engineering, eng, d.head(k))
		d.say(d.bob, d.engineering, eng, "/unlink")
		there := d.awaitText(d.engineering, eng, "ended the link")
		if !strings.Contains(there.Text, "To come back, send /link with the ticket's number here") {
			t.Errorf("it says %q", there.Text)
		}
		if home := d.awaitText(d.support, k.thread, "ended the link"); !strings.Contains(home.Text, "To bring Bob back, send /mention in the ticket's topic,") &&
			!strings.Contains(home.Text, "To bring Bob back, send /mention in the ticket's topic.") {
			t.Errorf("at home it says %q", home.Text)
		}
		d.await("the card says so", func() bool {
			m, _ := d.sim.Message(d.engineering, card.ID)
			return strings.Contains(m.Text, "no longer part of ticket #1 Printer") && len(m.Buttons) == 0
		})
	})
}

// TestWhoRegistersAGroupIsKnown: a mention says what is missing, not that nobody knows them.
func TestWhoRegistersAGroupIsKnown(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	k := d.open(d.bob, d.engineering, "Printer")
	d.awaitAnswer(d.say(d.bob, d.engineering, k.thread, "/mention @ann"), "Ann has no default group yet")
}
