package actors_test

import "testing"

// TestEverybodyReadsTheTimes: who is no administrator reads when the team works and what follows from it, without buttons, and changes
// nothing.
func TestEverybodyReadsTheTimes(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	for _, c := range []struct{ shows, sets, shown string }{
		{"/hours", "/hours always", "works always"},
		{"/answer_within", "/answer_within 2h", "4 h"},
		{"/autoclose", "/autoclose 72h 24h", "do not close by themselves"},
	} {
		if m := d.awaitAnswer(d.say(d.carl, d.support, 0, c.shows), c.shown); len(m.Buttons) > 0 {
			t.Errorf("%s has buttons that would be refused: %v", c.shows, buttons(m))
		}
		d.awaitAnswer(d.say(d.carl, d.support, 0, c.sets), "Only administrators")
		d.awaitAnswer(d.say(d.ann, d.support, 0, c.shows), c.shown)
	}
}
