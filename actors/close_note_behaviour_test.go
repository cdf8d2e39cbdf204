package actors_test

import (
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/simulator"
)

// A reason that begins with "//" is an internal note: it stays in its topic.
func TestCloseWithANote(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	k := d.openPrivately(d.ann, d.support, "Printer")
	eng := d.mention(d.carl, k, "@bob_eng", d.engineering)
	d.must(d.sim.SetMember(d.support, d.carl, simulator.Administrator))
	leaks := func(t *testing.T, secret string) {
		t.Helper()
		d.quiet(k)
		for chat, thread := range map[int64]int{d.ann: 0, d.engineering: eng, d.support: k.thread} {
			if m, found := d.find(chat, thread, secret); found {
				t.Errorf("%q is in %d: %q", secret, chat, m.Text)
			}
		}
		_, data := d.told(k)
		for _, e := range data {
			if strings.Contains(e.Reason, secret) {
				t.Errorf("the event says %q", e.Reason)
			}
		}
	}
	reopen := func() {
		d.say(d.carl, d.support, k.thread, "/reopen_ticket")
		d.await("it is open again", func() bool { return d.record(k).Status == "open" })
	}
	d.run(t, "the customer and the other groups hear that it is closed, and the note is recorded", func(t *testing.T) {
		said := d.say(d.carl, d.support, k.thread, "/close_ticket // customer lied")
		d.awaitText(d.ann, 0, "closed your ticket")
		leaks(t, "customer lied")
		if note := d.said(said); !note.Internal || note.Text != "// customer lied" {
			t.Errorf("recorded as %+v", note)
		}
	})
	d.run(t, "an edit of the command changes the note, and leaves it one", func(t *testing.T) {
		said := d.say(d.carl, d.support, k.thread, "/close_ticket // customer lied")
		d.awaitAnswer(said, "closed")
		d.edit(said, "/close_ticket // customer lied twice")
		d.eventually("the note is edited", func() bool { return d.said(said).Text == "// customer lied twice" })
		leaks(t, "lied twice")
		if !d.said(said).Internal {
			t.Error("it is no note any more")
		}
		reopen()
	})
	d.run(t, "as a photo's caption", func(t *testing.T) {
		d.send(d.carl, d.support, k.thread, upload("photo"), "/close_ticket ／／ look at that liar")
		d.await("it is closed", func() bool { return d.record(k).Status == "closed" })
		leaks(t, "liar")
		for chat, thread := range map[int64]int{d.ann: 0, d.engineering: eng} {
			for _, m := range d.byBot(chat, thread) {
				if m.Media != nil {
					t.Errorf("the photo is in %d", chat)
				}
			}
		}
		reopen()
	})
	d.run(t, "by the button of a command that is misspelt", func(t *testing.T) {
		answer := d.awaitAnswer(d.say(d.carl, d.support, k.thread, "/clsoe_ticket // a thief"), "Did you mean /close_ticket?")
		d.press(d.carl, answer, "instead:")
		d.await("it is closed", func() bool { return d.record(k).Status == "closed" })
		leaks(t, "thief")
		reopen()
	})
	d.run(t, "a reason before it reaches the customer, and so does a web address", func(t *testing.T) {
		said := d.say(d.carl, d.support, k.thread, "/close_ticket repaired, see https://shop.example // never paid")
		d.awaitText(d.ann, 0, "repaired, see https://shop.example")
		leaks(t, "never paid")
		if note := d.said(said); !note.Internal || note.Text != "// never paid" {
			t.Errorf("recorded as %+v", note)
		}
		reopen()
	})
	for text, secret := range map[string]string{
		"/close_ticket // deadbeat": "deadbeat", "/close_ticket//swindler": "swindler", "/close_ticket สองชั่วโมง // โกหก": "โกหก",
	} {
		d.run(t, "so does "+text, func(t *testing.T) {
			said := d.say(d.carl, d.support, k.thread, text)
			d.awaitAnswer(said, "closed")
			leaks(t, secret)
			reopen()
		})
	}
	d.run(t, "after a time the ticket closes then", func(t *testing.T) {
		for _, text := range []string{"/close_ticket in 2h // customer cheated", "/close_ticket อีก 2 ชั่วโมง // customer cheated"} {
			d.say(d.carl, d.support, k.thread, "waiting for you")
			said := d.say(d.carl, d.support, k.thread, text)
			d.await("it is planned", func() bool { r := d.record(k); return r.Status == "open" && !r.Timers.ClosesAt.IsZero() })
			d.awaitText(d.ann, 0, "to close by itself")
			leaks(t, "cheated")
			if note := d.said(said); !note.Internal || note.Text != "// customer cheated" {
				t.Errorf("recorded as %+v", note)
			}
			d.say(d.carl, d.support, k.thread, "/close_ticket off")
			d.await("it is not planned", func() bool { return d.record(k).Timers.ClosesAt.IsZero() })
		}
	})
}
