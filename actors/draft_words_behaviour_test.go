package actors_test

import (
	"testing"
)

// TestWordsThatLookLikeACommand: what its author has sent as it is, is words of the ticket like any other.
func TestWordsThatLookLikeACommand(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	asIs := func(who int64, text, answered string) {
		t.Helper()
		said := d.say(who, who, 0, text)
		d.press(who, d.awaitAnswer(said, "so it was not passed on"), "asis:")
		d.awaitAnswer(said, answered)
	}
	d.run(t, "a newcomer's", func(t *testing.T) {
		who := d.newcomer("Nina")
		asIs(who, "/printer is broken", "passed on to nobody")
		hurry := d.say(who, who, 0, "please hurry")
		d.press(who, d.awaitAnswer(hurry, "passed on to nobody"), "new")
		choice := d.awaitAnswer(hurry, "Where should please hurry")
		asIs(who, "/room 12, I mean", whereYouChoose)
		k := d.pick(who, choice, "please hurry")
		d.describes(k, "/printer is broken\n\nplease hurry\n\n/room 12, I mean", nil)
	})
	d.run(t, "for a draft, while another ticket is the current one", func(t *testing.T) {
		who := d.newcomer("Otto")
		d.openPrivately(who, d.support, "Lamp")
		choice := d.choice(who, "Server")
		d.awaitSaid(who, choice)
		said := d.say(who, who, 0, "/var is full")
		d.press(who, d.awaitAnswer(said, "so it was not passed on"), "asis:")
		d.press(who, d.awaitAnswer(said, unclear), "mean:"+ticketOf(choice))
		d.settled(who, who)
		d.describes(d.pick(who, choice, "Server"), "/var is full", nil)
	})
}
