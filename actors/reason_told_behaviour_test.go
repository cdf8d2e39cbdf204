package actors_test

import "testing"

// Everybody on the ticket reads why it was closed, and whoever wants that back hears that it can't be.
func TestReasonStaysTold(t *testing.T) {
	t.Parallel()
	const told = "everybody on the ticket was told the reason"
	d := newTeam(t)
	for _, to := range []string{"/close_ticket // a liar", "/close_ticket solved", "a liar"} {
		d.run(t, "edited to "+to, func(t *testing.T) {
			said := d.here("/close_ticket a liar and a thief")
			d.closed()
			d.edit(said, to)
			d.awaitAnswer(said, told)
			d.edit(said, to+"!")
			d.quiet(d.k)
			if n := d.answers(said, told); n != 1 {
				t.Errorf("told %d times", n)
			}
			d.reopen()
		})
	}
	d.run(t, "with a note beside the reason", func(t *testing.T) {
		said := d.here("/close_ticket a thief // as ever")
		d.closed()
		d.edit(said, "/close_ticket // a thief, as ever")
		d.awaitAnswer(said, told)
		d.reopen()
	})
	d.run(t, "deleted", func(t *testing.T) {
		said := d.here("/close_ticket a liar")
		d.closed()
		d.awaitAnswer(d.reply(d.carl, d.support, said, "/delete"), "I can't take this back: "+told)
		d.reopen()
	})
	d.run(t, "silent while the reason is the same, or was never told", func(t *testing.T) {
		for from, to := range map[string]string{"/close_ticket all solved": "/close_ticket  all solved", "/close_ticket": "/close_ticket solved",
			"/close_ticket // a liar": "/close_ticket // a liar and a thief"} {
			said := d.here(from)
			d.closed()
			d.edit(said, to)
			d.quiet(d.k)
			if n := d.answers(said, told); n != 0 {
				t.Errorf("%s: told %d times", to, n)
			}
			d.reopen()
		}
	})
}
