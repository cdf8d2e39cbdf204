package actors_test

import (
	"testing"
)

const titleHint = "reply with it to my question"

// TestATitleThatAnswersNothing: whoever is asked for a title in a group and just writes it is told how it is given, once.
func TestATitleThatAnswersNothing(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	d.awaitAnswer(d.say(d.carl, d.support, 0, "/create_ticket"), "What is the ticket about?")
	others := d.say(d.eve, d.support, 0, "Lunch?")
	d.awaitAnswer(d.say(d.carl, d.support, 0, "The lamp is dark"), titleHint)
	more := d.say(d.carl, d.support, 0, "Yes, lunch")
	question := d.awaitAnswer(d.say(d.carl, d.support, 0, "/create_ticket"), "What is the ticket about?")
	d.awaitAnswer(d.reply(d.carl, d.support, question, "The lamp is dark"), "Ticket opened: #")
	last := d.say(d.carl, d.support, 0, "Done")
	d.quiet()
	if n := d.answers(others, titleHint) + d.answers(more, titleHint) + d.answers(last, titleHint); n > 0 {
		t.Errorf("%d hints to what is no title", n)
	}
}
