package actors_test

import (
	"strings"
	"testing"
)

// A name in a message brings nobody into the ticket: the desk hears that, with a button that does.
func TestNameInAMessageOffersToMention(t *testing.T) {
	t.Parallel()
	const offer = "is not on this ticket"
	d := ready(t, options{})
	k := d.openPrivately(d.ann, d.support, "Printer")
	silent := func(t *testing.T, from, chat int64, thread int, text string) {
		t.Helper()
		said := d.say(from, chat, thread, text)
		if chat == d.ann {
			d.awaitText(d.support, k.thread, text)
		} else {
			d.awaitText(d.ann, 0, text)
		}
		d.quiet(k)
		if n := d.answers(said, offer); n != 0 {
			t.Errorf("%q: told %d times", text, n)
		}
	}
	d.run(t, "not to the customer, and not of somebody unknown", func(t *testing.T) {
		silent(t, d.ann, d.ann, 0, "is @bob_eng there?")
		silent(t, d.carl, d.support, k.thread, "@nobody_here can you help?")
	})
	d.run(t, "to the desk, once", func(t *testing.T) {
		said := d.say(d.carl, d.support, k.thread, "@bob_eng can you help?")
		answer := d.awaitAnswer(said, offer)
		if !strings.Contains(answer.Text, "Engineering") {
			t.Errorf("it says %q", answer.Text)
		}
		silent(t, d.carl, d.support, k.thread, "@bob_eng, are you there?")
		d.press(d.carl, answer, "muser:")
		d.await("he is on it", func() bool { return len(d.record(k).Links) == 2 })
		silent(t, d.carl, d.support, k.thread, "thank you, @bob_eng")
	})
}

// Whoever is invited reads in the invitation that the customer reads what they write.
func TestCardSaysThatTheCustomerReads(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	k := d.openPrivately(d.ann, d.support, "Printer")
	eng := d.mention(d.carl, k, "@bob_eng", d.engineering)
	for chat, thread := range map[int64]int{d.support: k.thread, d.engineering: eng} {
		d.awaitText(chat, thread, "reads what you write here")
	}
	d.quiet(k)
	if m, found := d.find(d.ann, 0, "reads what you write here"); found {
		t.Errorf("the customer is told %q", m.Text)
	}
	open := d.open(d.carl, d.support, "Scanner")
	d.quiet(open)
	if m, found := d.find(d.support, open.thread, "reads what you write here"); found {
		t.Errorf("of a ticket that nobody has opened in private it says %q", m.Text)
	}
}
