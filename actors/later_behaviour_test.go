package actors_test

import (
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/messages"
)

func TestLater(t *testing.T) {
	t.Parallel()
	d := ready(t, options{sweepEvery: 10 * time.Second})
	k := d.open(d.eve, d.support, "Printer")
	says := func(by int64, text, answer string) {
		t.Helper()
		d.awaitAnswer(d.say(by, d.support, k.thread, text), answer)
	}
	snoozed := func(until time.Time) {
		t.Helper()
		d.eventually("it is put aside until "+until.String(), func() bool {
			at := d.record(k).SnoozedUntil()
			return at.Sub(until).Abs() < 2*time.Minute && d.record(k).DueAt.Equal(at)
		})
	}
	d.run(t, "only the team can, and says until when", func(t *testing.T) {
		says(d.eve, "/later 2h", "Only the team can put this ticket aside")
		says(d.carl, "/later whenever", "I can't read the time whenever")
		says(d.carl, "/later off", "This ticket is not put aside")
		says(d.carl, "/later 6h", "Carl has put this ticket aside")
		snoozed(d.clock.Now().Add(6 * time.Hour))
		d.awaitTold(k, messages.EventTicketSnoozed, 1)
	})
	d.run(t, "no answer is due meanwhile; a customer's word takes it up again", func(t *testing.T) {
		d.clock.jump(5 * time.Hour)
		d.awaitHeard(k, d.say(d.carl, d.support, k.thread, "// still nothing"))
		if d.record(k).Overdue() || len(d.reminders(d.support, k.thread, overdue)) > 0 {
			t.Error("it is overdue")
		}
		m := d.say(d.eve, d.support, k.thread, "Well?")
		d.awaitHeard(k, m)
		d.awaitDue(k, d.said(m).RecordedAt.Add(4*time.Hour))
	})
	d.run(t, "its time has come: whoever put it aside is told, and may do so again by a button", func(t *testing.T) {
		says(d.carl, "/later 1h", "Carl has put this ticket aside")
		snoozed(d.clock.Now().Add(time.Hour))
		d.quiet(k)
		d.restart()
		d.clock.jump(61 * time.Minute)
		m := d.awaitText(d.support, k.thread, "here is the ticket again")
		if !mentions(m, d.carl) || m.Silent {
			t.Errorf("%+v", m)
		}
		d.awaitTold(k, messages.EventTicketSnoozed, 3)
		d.press(d.carl, m, "later:"+k.id+":2h")
		d.await("its buttons are gone", func() bool { m, _ := d.sim.Message(d.support, m.ID); return len(m.Buttons) == 0 })
		snoozed(d.clock.Now().Add(2 * time.Hour))
		says(d.ann, "/later off", "Ann has taken this ticket up again")
		snoozedNot := func() bool { return d.record(k).SnoozedUntil().IsZero() }
		d.eventually("it is not put aside", snoozedNot)
		d.clock.jump(3 * time.Hour)
		d.quiet(k)
		if got := d.reminders(d.support, k.thread, "here is the ticket again"); len(got) != 1 {
			t.Errorf("%d times", len(got))
		}
	})
	d.run(t, "who has the ticket is told, rather than who has put it aside", func(t *testing.T) {
		says(d.carl, "/claim", "takes care of this ticket now")
		says(d.ann, "/later 1h", "Carl, Ann has put this ticket, which you take care of, aside")
		snoozed(d.clock.Now().Add(time.Hour))
		d.clock.jump(61 * time.Minute)
		d.await("a second notice", func() bool { return len(d.reminders(d.support, k.thread, isAwake)) == 2 })
		if m := d.reminders(d.support, k.thread, isAwake)[1]; !mentions(m, d.carl) || mentions(m, d.ann) {
			t.Errorf("%+v", m)
		}
		says(d.carl, "/release", "has released")
	})
	d.run(t, "a keyboard, and Thai", func(t *testing.T) {
		d.awaitAnswer(d.say(d.ann, d.support, 0, "/lang th"), "")
		says(d.carl, "/later", "พักทิกเก็ตนี้ไว้ถึงเมื่อไร")
		says(d.carl, "/later พรุ่งนี้ 9:00", "Carl พักทิกเก็ตนี้ไว้")
		at := d.record(k).SnoozedUntil()
		if bangkok := at.Add(7 * time.Hour); bangkok.Hour() != 9 || bangkok.Minute() != 0 {
			t.Errorf("it is put aside until %s", at)
		}
	})
	d.run(t, "closing ends it; a program puts it aside and takes it up", func(t *testing.T) {
		d.say(d.ann, d.support, k.thread, "/close_ticket")
		d.awaitWaiting(k, "nobody")
		d.quiet(k)
		d.say(d.ann, d.support, k.thread, "/reopen_ticket")
		d.awaitWaiting(k, "desk")
		if at := d.record(k).SnoozedUntil(); !at.IsZero() {
			t.Errorf("it is put aside until %s", at)
		}
		until, none, past := d.clock.Now().Add(time.Hour).UnixMilli(), int64(0), int64(1)
		d.does(k.id, &messages.UpdateTicket{Origin: program(), SnoozedUntilMs: &past}, messages.NoticeSnoozeUnclear)
		d.does(k.id, &messages.UpdateTicket{Origin: program(), SnoozedUntilMs: &until}, "")
		if d.shown(k.id).SnoozedUntilMs != until/1000*1000 {
			t.Errorf("%v", d.shown(k.id))
		}
		d.does(k.id, &messages.UpdateTicket{Origin: program(), SnoozedUntilMs: &none}, "")
		if d.shown(k.id).SnoozedUntilMs != 0 {
			t.Errorf("%v", d.shown(k.id))
		}
	})
}

// TestLaterIcon: a word of the customer's takes the icon of what is put aside away, also where the ticket waited for the desk already,
// so that nothing else about it changes.
func TestLaterIcon(t *testing.T) {
	t.Parallel()
	d := ready(t, options{sweepEvery: 10 * time.Second})
	d.awaitAnswer(d.say(d.ann, d.support, 0, "/answer_within off"), "") // nothing is overdue
	asides := func(t *testing.T, k *ticket) {
		t.Helper()
		d.awaitAnswer(d.say(d.carl, d.support, k.thread, "/later 6h"), "Carl has put this ticket aside")
		d.awaitIcon(d.support, k.thread, iconSnoozed)
		d.quiet(k)
		d.eventually("the ticket rests", func() bool { return resting(d.record(k)) })
		d.clock.jump(2 * time.Minute) // nothing is repeated any more that would look at the icon
		d.quiet(k)
	}
	d.run(t, "a person's", func(t *testing.T) {
		k := d.open(d.eve, d.support, "Printer")
		asides(t, k)
		d.awaitHeard(k, d.say(d.eve, d.support, k.thread, "Well?"))
		d.awaitIcon(d.support, k.thread, iconNew)
	})
	d.run(t, "that of the program that opened it", func(t *testing.T) {
		k := d.opens("Scanner")
		says := func(text string) {
			d.does(k.id, &messages.SendMessage{Origin: program(), Content: &messages.Content{Text: text}}, "")
		}
		says("Hello?") // the first makes the topic for programs, which is a write
		d.awaitText(d.support, k.thread, "Hello?")
		asides(t, k)
		says("Well?")
		d.awaitIcon(d.support, k.thread, iconNew)
	})
	d.run(t, "while it still waits, it is withdrawn", func(t *testing.T) {
		k := d.open(d.eve, d.support, "Copier")
		d.quiet(k)
		d.clock.jump(2 * time.Minute)
		d.quiet(k)
		changes := len(d.iconChanges(d.support, k.thread))
		d.closes(d.ann, d.support, 6)
		waited := d.metric(t, "operations_queued")
		waits := func(n int) {
			t.Helper()
			d.eventually(itoa(n)+" more wait", func() bool { return d.metric(t, "operations_queued") == waited+float64(n) })
		}
		until := d.clock.Now().Add(24 * time.Hour).UnixMilli()
		d.does(k.id, &messages.UpdateTicket{Origin: program(), SnoozedUntilMs: &until}, "")
		waits(1)
		letGo := d.clock.hold() // nothing is repeated
		d.awaitHeard(k, d.say(d.eve, d.support, k.thread, "Well?"))
		waits(0)
		letGo()
		d.clock.jump(6 * time.Hour)
		d.quiet(k)
		if n := len(d.iconChanges(d.support, k.thread)) - changes; n != 0 {
			t.Errorf("%d changes of the icon", n)
		}
	})
}

// TestLaterTellsWhoeverHasTheTicket: if somebody else puts it aside, or takes it up again, they hear of it where they work on it.
func TestLaterTellsWhoeverHasTheTicket(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	k := d.open(d.eve, d.support, "Printer")
	eng := d.mention(d.ann, k, "@bob_eng", d.engineering)
	d.awaitAnswer(d.say(d.bob, d.engineering, eng, "/claim"), "Bob takes care of this ticket now")
	for command, said := range map[string]string{"/later 6h": "put this ticket", "/later off": "taken this ticket"} {
		if command == "/later off" {
			d.awaitAnswer(d.say(d.bob, d.engineering, eng, "/later 6h"), "Bob has put this ticket aside")
		}
		d.awaitAnswer(d.say(d.ann, d.support, k.thread, command), "Ann has "+said)
		if m := d.awaitText(d.engineering, eng, "Bob, Ann has "+said+", which you take care of"); !mentions(m, d.bob) {
			t.Errorf("no mention in %+v", m)
		}
		if _, found := d.find(d.support, k.thread, "Bob, Ann"); found {
			t.Error("he is told twice")
		}
		d.quiet(k)
	}
}
