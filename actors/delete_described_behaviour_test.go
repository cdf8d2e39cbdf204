package actors_test

import "testing"

// TestDeletionOfADescription: what became a ticket's title and description is no message of it, and whoever deletes it hears that.
func TestDeletionOfADescription(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	const truth = "words are the title or description of "
	d.run(t, "the first words of a newcomer", func(t *testing.T) {
		who := d.newcomer("Nina")
		first := d.say(who, who, 0, "my card was charged twice, number 4111")
		second := d.say(who, who, 0, "and the second one")
		d.press(who, d.awaitAnswer(first, "passed on to nobody"), "new")
		k := d.pick(who, d.awaitAnswer(first, "Where should"), "my card was charged")
		d.quiet(k)
		d.restart()
		d.awaitAnswer(d.reply(who, who, first, "/delete"), truth+d.name(k))
		d.awaitAnswer(d.reply(who, who, second, "/delete"), truth+d.name(k))
		if d.record(k).Description == "" {
			t.Error("the description is gone")
		}
	})
	d.run(t, "a command, and nothing else", func(t *testing.T) {
		who := d.newcomer("Otto")
		command := d.say(who, who, 0, "/create_ticket Wrong sum\nsee the invoice")
		k := d.pick(who, d.awaitAnswer(command, "Where should"), "Wrong sum")
		d.quiet(k)
		d.awaitAnswer(d.reply(who, who, command, "/delete"), truth+d.name(k))
		other := d.awaitAnswer(d.say(who, who, 0, "/help"), "ticket")
		d.awaitAnswer(d.reply(who, who, other, "/delete"), "does not belong to this ticket")
	})
}
