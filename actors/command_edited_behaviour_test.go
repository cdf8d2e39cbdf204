package actors_test

import "testing"

// What a command is edited to goes to nobody, and whoever edits it hears that once.
func TestEditOfACommandToWords(t *testing.T) {
	t.Parallel()
	const told = "this message was a command when you sent it"
	d := newTeam(t)
	d.run(t, "in a topic", func(t *testing.T) {
		said := d.here("/ticket")
		d.awaitAnswer(said, "Printer")
		d.edit(said, "the toner is empty")
		d.awaitAnswer(said, told)
		d.edit(said, "the toner is empty, I think")
		d.keeps(t, "toner")
		if n := d.answers(said, told); n != 1 {
			t.Errorf("told %d times", n)
		}
	})
	d.run(t, "in private", func(t *testing.T) {
		said := d.say(d.ann, d.ann, 0, "/pending")
		d.await("it is pending", func() bool { return d.record(d.k).Status == "pending" })
		d.edit(said, "I wait for the toner")
		d.awaitAnswer(said, told)
	})
	d.run(t, "to a command, or to a note: silently", func(t *testing.T) {
		for _, to := range []string{"/ticket 1", "/claim@other_bot", "/tikcet", "// the toner"} {
			said := d.here("/ticket")
			d.awaitAnswer(said, "Printer")
			d.edit(said, to)
			d.quiet(d.k)
			if n := d.answers(said, told); n != 0 {
				t.Errorf("%s: told %d times", to, n)
			}
		}
	})
	d.run(t, "what was no command of the ticket's is left alone", func(t *testing.T) {
		said := d.say(d.carl, d.support, 0, "hello")
		d.edit(said, "hello there")
		other := d.here("/nothing@other_bot")
		d.edit(other, "hello there")
		d.quiet(d.k)
		if n := d.answers(said, told) + d.answers(other, told); n != 0 {
			t.Errorf("told %d times", n)
		}
	})
}
