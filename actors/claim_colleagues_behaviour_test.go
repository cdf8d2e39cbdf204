package actors_test

import (
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/simulator"
)

// TestClaimAmongColleagues: where a colleague's ticket has gone to another group, administrators of its own group still take care of it,
// whoever has it gives it back, and all others there read who does.
func TestClaimAmongColleagues(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	d.awaitAnswer(d.say(d.carl, d.support, 0, "/default_group"), "Support")
	k := d.open(d.carl, d.support, "Door squeaks")
	says := func(by int64, text, answer string) simulator.Message {
		t.Helper()
		return d.awaitAnswer(d.say(by, d.support, k.thread, text), answer)
	}
	const elsewhere = "Help with this ticket now comes from Engineering. Only those who answer it there"
	says(d.eve, "/claim", "Eve takes care of this ticket now")
	eng := d.mention(d.carl, k, "@bob_eng", d.engineering)
	d.run(t, "whoever has it gives it back", func(*testing.T) {
		says(d.eve, "/claim", "You take care of this ticket already")
		says(d.eve, "/release", "Eve has released this ticket")
		d.awaitAssignee(k, 0)
	})
	d.run(t, "members of its own group are told who takes care of it", func(t *testing.T) {
		for _, by := range []int64{d.eve, d.carl} {
			for _, command := range []string{"/claim", "/assign @bob_eng", "/release", "/later 2h"} {
				says(by, command, elsewhere)
			}
		}
		if a := d.press(d.eve, d.card(k, d.support, k.thread), "claim:"); !strings.Contains(a.Text, elsewhere) ||
			!strings.HasSuffix(a.Text, "The customer can't.") {
			t.Errorf("the button says %q", a.Text)
		}
		d.awaitAssignee(k, 0)
	})
	d.run(t, "administrators of its own group take care of it", func(*testing.T) {
		says(d.ann, "/claim", "Ann takes care of this ticket now")
		says(d.ann, "/release", "Ann has released this ticket")
		says(d.ann, "/assign @bob_eng", "Ann has given this ticket to")
		says(d.ann, "/later 2h", "Ann")
		says(d.ann, "/release", "Ann has released this ticket")
		d.awaitAssignee(k, 0)
	})
	d.run(t, "so do those who help", func(*testing.T) {
		d.awaitAnswer(d.say(d.dora, d.engineering, eng, "/claim"), "Dora takes care of this ticket now")
		d.awaitAnswer(d.say(d.bob, d.engineering, eng, "/release"), "Bob has released this ticket")
	})
	d.run(t, "without them, it is as before", func(*testing.T) {
		d.say(d.bob, d.engineering, eng, "/unlink")
		d.awaitText(d.support, k.thread, "ended the link")
		says(d.eve, "/claim", "Eve takes care of this ticket now")
	})
}
