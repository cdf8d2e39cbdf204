package actors_test

import (
	"strings"
	"testing"
)

// TestItsOwnTopicNeedsNoNumber: in a ticket's topics only the card, the topic's name and what /link needs say how it is called.
// No notice repeats that, whatever happens to the ticket, and nobody reads its id.
func TestItsOwnTopicNeedsNoNumber(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	k := d.open(d.eve, d.support, "Printer")
	eng := d.mention(d.ann, k, "@bob_eng", d.engineering)
	for _, step := range []struct{ command, said string }{
		{"/claim", "Ann takes care of this ticket now"}, {"/claim", "take care of this ticket already"}, {"/priority high", "Ann changed the priority"},
		{"/priority high", "already"}, {"/later 2h", "put this ticket aside"}, {"/release", "has released"},
		{"/pending", "to pending"}, {"/pending", "already"}, {"/reopen_ticket", "not pending any more"}, {"/reopen_ticket", "already"},
		{"/mention @bob_eng", "on this ticket already"}, {"/crate_ticket", "I don't know /crate_ticket"},
		{"/close_ticket It prints", "closed this ticket"}, {"/close_ticket", "already"}, {"/mention @dora_s", "closed"},
		{"/reopen_ticket", "reopened this ticket"},
	} {
		d.awaitAnswer(d.say(d.ann, d.support, k.thread, step.command), step.said)
	}
	d.awaitText(d.engineering, eng, "reopened this ticket")
	d.quiet(k)
	number := d.number(k)
	for chat, thread := range map[int64]int{d.support: k.thread, d.engineering: eng} {
		notices := 0
		for _, m := range d.byBot(chat, thread) {
			switch card := strings.Contains(m.Text, d.head(k)); {
			case strings.Contains(m.Text, k.id), !card && strings.Contains(m.Text, number):
				t.Errorf("in chat %d one reads %q", chat, m.Text)
			case !card:
				notices++
			}
		}
		if notices < 4 {
			t.Errorf("in chat %d there are %d notices", chat, notices)
		}
	}
}
