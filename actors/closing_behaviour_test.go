package actors_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/simulator"
	"github.com/topicdesk/topicdesk/view"
)

// What the bot says about closing by itself.
const (
	closesSoon   = "ticket waits for you"
	closedQuiet  = "has closed by itself, because"
	closedAsSet  = "has closed by itself, as Carl had set it"
	reopenedBy   = "has written again, so I reopened this ticket"
	stillNeeded  = "still needs this ticket"
	keptFromDesk = "keeps this ticket"
)

func (d *desk) awaitClosed(k *ticket) {
	d.t.Helper()
	d.eventually("it is closed", func() bool { return d.record(k).Status == "closed" })
}

// asksAfterClosing has a word reopen no closed ticket: who writes in private is asked.
func (d *desk) asksAfterClosing() {
	d.t.Helper()
	none := int64(0)
	for _, chat := range []int64{d.support, d.engineering, d.sales} {
		asks[*messages.GroupRecord](d, messages.KindGroup, messages.GroupPlace(chat), &messages.ChangeGroup{Origin: program(), ReopenDays: &none})
	}
}

// runsOut lets pass whatever time is left until the ticket closes by itself.
func (d *desk) runsOut(k *ticket) {
	d.t.Helper()
	d.eventually("it closes", func() bool { return d.ranOut(k) })
}

// ranOut says whether the ticket is closed. If it closes by itself, the time until then passes.
func (d *desk) ranOut(k *ticket) bool {
	r := d.record(k)
	if at := r.Timers.ClosesAt; r.Status != "closed" && at.After(d.clock.Now()) {
		d.clock.jump(at.Sub(d.clock.Now()))
	}
	return r.Status == "closed"
}

// awaitCloses waits until the ticket closes by itself about a time from now on; 0: not at all.
func (d *desk) awaitCloses(k *ticket, in time.Duration) {
	d.t.Helper()
	d.eventually("it closes in "+in.String(), func() bool {
		at := d.record(k).Timers.ClosesAt
		return in == 0 && at.IsZero() || in != 0 && at.Sub(d.clock.Now().Add(in)).Abs() < 5*time.Minute
	})
}

// TestAutoClose: a ticket that waits for the customer closes by itself, once its group wants that and the customer was told.
func TestAutoClose(t *testing.T) {
	t.Parallel()
	d := ready(t, options{sweepEvery: 10 * time.Second})
	k := d.open(d.eve, d.support, "Printer")
	says := func(by int64, text, answer string) simulator.Message {
		t.Helper()
		return d.awaitAnswer(d.say(by, d.support, k.thread, text), answer)
	}
	heard := func(by int64, text string) {
		t.Helper()
		d.awaitHeard(k, d.say(by, d.support, k.thread, text))
	}
	count := func(text string, want int) {
		t.Helper()
		d.quiet(k)
		if got := len(d.reminders(d.support, k.thread, text)); got != want {
			t.Errorf("%q is said %d times, not %d", text, got, want)
		}
	}
	heard(d.carl, "Please send a picture")
	d.run(t, "it is off until an administrator switches it on", func(t *testing.T) {
		d.clock.jump(30 * 24 * time.Hour)
		count(closesSoon, 0)
		says(d.carl, "/autoclose 72h 24h", "Only administrators")
		says(d.ann, "/autoclose", "tickets do not close by themselves")
		says(d.ann, "/autoclose soon", "I can't read soon")
		heard(d.eve, "Here it is")
		heard(d.carl, "And the number?")
		says(d.ann, "/autoclose 72h 24h", "has waited for the customer for 72 h, I now tell them that it closes by itself 24 h later")
		d.eventually("it knows", func() bool { return !d.record(k).Timers.WarnsAt.IsZero() })
	})
	d.run(t, "the customer is told, and presses that it is still needed", func(t *testing.T) {
		d.clock.jump(72*time.Hour + time.Minute)
		m := d.awaitText(d.support, k.thread, closesSoon)
		if !mentions(m, d.eve) || m.Silent {
			t.Errorf("%+v", m)
		}
		same(t, "buttons", buttons(m), []string{"🙋 Still needed", "✅ Solved"})
		d.awaitCloses(k, 24*time.Hour)
		d.await("the card says so", func() bool {
			card, found := d.find(d.support, k.thread, "Closes by itself:")
			return found && card.Pinned
		})
		d.press(d.eve, m, "keep:"+k.id)
		d.awaitText(d.support, k.thread, stillNeeded)
		d.await("its buttons are gone", func() bool { m, _ := d.sim.Message(d.support, m.ID); return len(m.Buttons) == 0 })
		d.awaitWaiting(k, "desk")
		d.awaitCloses(k, 0)
		d.clock.jump(40 * 24 * time.Hour)
		count(closesSoon, 1)
	})
	d.run(t, "a word of the customer ends it, thanks do not; the desk's words change nothing", func(t *testing.T) {
		heard(d.carl, "Is it red?")
		d.clock.jump(72*time.Hour + time.Minute)
		d.await("a second notice", func() bool { return len(d.reminders(d.support, k.thread, closesSoon)) == 2 })
		d.quiet(k)
		d.restart()
		heard(d.carl, "Hello?")
		heard(d.eve, "Thanks!")
		d.awaitCloses(k, 24*time.Hour)
		heard(d.eve, "Yes")
		d.awaitCloses(k, 0)
	})
	d.run(t, "then it closes by itself, and says why", func(t *testing.T) {
		heard(d.carl, "Then press the button")
		d.clock.jump(72*time.Hour + time.Minute)
		d.await("a third notice", func() bool { return len(d.reminders(d.support, k.thread, closesSoon)) == 3 })
		d.quiet(k)
		d.runsOut(k)
		d.awaitText(d.support, k.thread, closedQuiet)
		if _, data := d.awaitTold(k, messages.EventTicketClosed, 1); data.Actor != nil || data.Reason != view.ReasonQuiet {
			t.Errorf("%+v", data)
		}
		d.await("the topic is closed", func() bool { return d.topic(d.support, k.thread).Closed })
		d.restart()
		d.clock.jump(24 * time.Hour)
		count(closedQuiet, 1)
		count(closesSoon, 3)
	})
	d.run(t, "a press that comes when it has closed reopens it", func(t *testing.T) {
		notices := d.reminders(d.support, k.thread, closesSoon)
		last := notices[len(notices)-1]
		d.press(d.carl, last, "keep:"+k.id)
		d.quiet(k)
		if d.record(k).Status != "closed" {
			t.Error("somebody of the desk reopens it")
		}
		d.press(d.eve, last, "keep:"+k.id)
		d.awaitText(d.support, k.thread, "Eve reopened this ticket")
		d.awaitWaiting(k, "desk")
		d.await("the topic is open", func() bool { return !d.topic(d.support, k.thread).Closed })
		says(d.ann, "/close_ticket", "closed this ticket")
		d.awaitClosed(k)
		d.quiet(k)
	})
	d.run(t, "a ticket that is put aside, or pending, does not", func(t *testing.T) {
		says(d.ann, "/reopen_ticket", "reopened this ticket")
		d.await("the topic is open", func() bool { return !d.topic(d.support, k.thread).Closed })
		heard(d.carl, "One moment")
		d.say(d.ann, d.support, k.thread, "/pending")
		d.eventually("it is pending", func() bool { return d.record(k).Status == "pending" })
		d.clock.jump(20 * 24 * time.Hour)
		count(closesSoon, 3)
		says(d.ann, "/reopen_ticket", "not pending any more")
		says(d.carl, "/later 100h", "put this ticket aside")
		d.clock.jump(99 * time.Hour)
		count(closesSoon, 3)
		d.clock.jump(2 * time.Hour)
		d.awaitText(d.support, k.thread, "here is the ticket again")
		d.clock.jump(72*time.Hour + time.Minute)
		d.await("a fourth notice", func() bool { return len(d.reminders(d.support, k.thread, closesSoon)) == 4 })
		says(d.ann, "/autoclose off", "do not close by themselves any more")
		d.awaitCloses(k, 0)
		d.await("the card says nothing of it", func() bool {
			_, found := d.find(d.support, k.thread, "Closes by itself:")
			return !found
		})
	})
	d.run(t, "the customer presses that it is solved, which closes it at once", func(t *testing.T) {
		says(d.ann, "/autoclose 72h 24h", "closes by itself 24 h later")
		d.await("a fifth notice", func() bool { return len(d.reminders(d.support, k.thread, closesSoon)) == 5 })
		d.quiet(k)
		m := d.reminders(d.support, k.thread, closesSoon)[4]
		d.press(d.eve, m, "solved:"+k.id)
		d.awaitText(d.support, k.thread, "Eve closed this ticket")
		d.awaitClosed(k)
		d.await("its buttons are gone", func() bool { m, _ := d.sim.Message(d.support, m.ID); return len(m.Buttons) == 0 })
		if _, data := d.awaitTold(k, messages.EventTicketClosed, 3); data.Actor == nil || data.Actor.Name != "Eve" || data.Reason != "" {
			t.Errorf("%+v", data)
		}
		d.clock.jump(25 * time.Hour)
		count(closedQuiet, 1)
		count(closesSoon, 5)
	})
}

// awaitPlanned has Carl set a time, and waits until Eve is told of it anew.
func (d *desk) awaitPlanned(k *ticket, command string) (told simulator.Message) {
	d.t.Helper()
	before := len(d.reminders(d.eve, 0, "Carl has set your ticket"))
	d.awaitAnswer(d.say(d.carl, d.support, k.thread, command), "Carl has set this ticket")
	d.await("Eve is told anew", func() bool {
		all := d.reminders(d.eve, 0, "Carl has set your ticket")
		if len(all) == before+1 {
			told = all[before]
		}
		return len(all) == before+1
	})
	return told
}

// TestClosingGivesTime: a ticket does not close while the customer may still answer: the desk's newest question, or a desk that was down,
// gives them time.
func TestClosingGivesTime(t *testing.T) {
	t.Parallel()
	d := ready(t, options{sweepEvery: 10 * time.Second})
	asks[*messages.GroupRecord](d, messages.KindGroup, messages.GroupPlace(d.support), &messages.ChangeGroup{
		Origin: program(), AutoClose: &messages.AutoClose{After: 72 * 60, Notice: 24 * 60}})
	k := d.open(d.eve, d.support, "Printer")
	heard := func(by int64, text string) {
		t.Helper()
		d.awaitHeard(k, d.say(by, d.support, k.thread, text))
		d.quiet(k)
	}
	heard(d.carl, "I'll look")
	d.clock.jump(71 * time.Hour)
	heard(d.carl, "Is it red?")
	d.run(t, "the newest question counts before the notice", func(t *testing.T) {
		said := d.clock.Now()
		d.clock.jump(70 * time.Hour)
		d.quiet(k)
		if r := d.record(k); !r.Timers.WarnedAt.IsZero() || r.Timers.WarnsAt.Sub(said.Add(72*time.Hour)).Abs() > 30*time.Minute {
			t.Errorf("%+v", r.Timers)
		}
		d.clock.jump(3 * time.Hour)
		d.awaitText(d.support, k.thread, closesSoon)
		d.quiet(k)
	})
	d.run(t, "and after it", func(t *testing.T) {
		d.clock.jump(20 * time.Hour)
		heard(d.carl, "Or is it green?")
		d.clock.jump(5 * time.Hour)
		d.awaitCloses(k, 19*time.Hour)
		if len(d.reminders(d.support, k.thread, closesSoon)) != 1 || d.record(k).Status != "open" {
			t.Error("it is told twice, or closed")
		}
	})
	d.run(t, "a desk that was down hears first what was said in time", func(t *testing.T) {
		d.quiet(k)
		d.stop()
		d.clock.jump(30 * time.Hour)
		d.start()
		d.awaitCloses(k, 10*time.Minute)
		d.await("the customer is told the new time", func() bool { return len(d.reminders(d.support, k.thread, closesSoon)) == 2 })
		d.await("the card says it", func() bool {
			card, _ := d.find(d.support, k.thread, "Closes by itself:")
			at := d.record(k).Timers.ClosesAt.Unix()
			return slices.ContainsFunc(card.Entities, func(e simulator.Entity) bool { return e.Type == "date_time" && e.UnixTime == at })
		})
		heard(d.eve, "Yes")
		d.awaitCloses(k, 0)
		d.awaitWaiting(k, "desk")
	})
	d.run(t, "a notice that has waited leaves as much time, and cards show the closing then", func(t *testing.T) {
		heard(d.carl, "Which green?")
		d.inject(simulator.Fault{Method: "sendMessage", Chat: d.support, Thread: k.thread, Kind: simulator.Fault500, Count: -1})
		d.clock.jump(72*time.Hour + time.Minute)
		d.eventually("the notice waits", func() bool { return !d.record(k).Timers.WarnedAt.IsZero() })
		first := d.record(k).Timers.ClosesAt
		d.clock.jump(20 * time.Hour)
		if _, shown := d.find(d.support, k.thread, "Closes by itself:"); shown {
			t.Error("the card shows what the customer was not told")
		}
		d.sim.ClearFaults()
		d.await("a second notice", func() bool { return len(d.reminders(d.support, k.thread, closesSoon)) == 2 })
		d.awaitCloses(k, 24*time.Hour)
		if at := d.record(k).Timers.ClosesAt; at.Sub(first) < 19*time.Hour {
			t.Errorf("it closes at %s, then at %s", first, at)
		}
		d.awaitText(d.support, k.thread, "Closes by itself:")
		heard(d.eve, "That one")
		d.awaitCloses(k, 0)
		d.quiet(k)
		var last struct{ Before, After any }
		_, told := d.told(k)
		for _, data := range told {
			if c, is := data.Changes["closesAt"]; is {
				last = c
			}
		}
		if last.Before == nil || last.After != nil {
			t.Errorf("%+v", last)
		}
	})
	d.run(t, "a program's ticket closes only when somebody has set that, and the desk is not asked", func(t *testing.T) {
		k := d.opens("Scanner")
		d.awaitHeard(k, d.say(d.carl, d.support, k.thread, "Is it blue?"))
		d.quiet(k)
		d.clock.jump(200 * time.Hour)
		d.quiet(k)
		if r := d.record(k); r.Status != "open" || !r.Timers.WarnsAt.IsZero() || len(d.reminders(d.support, k.thread, closesSoon)) > 0 {
			t.Errorf("%+v", r.Timers)
		}
		d.awaitAnswer(d.say(d.ann, d.support, k.thread, "/close_ticket in 1h"), "Ann has set this ticket")
		d.runsOut(k)
		d.awaitText(d.support, k.thread, "has closed by itself, as Ann had set it")
		if told := d.reminders(d.support, k.thread, "If you still need it"); len(told) > 0 {
			t.Errorf("%+v", told)
		}
		d.awaitAnswer(d.say(d.ann, d.support, k.thread, "/reopen_ticket"), "reopened this ticket")
		d.does(k.id, &messages.CloseTicket{Reason: "tomorrow", Origin: &messages.Origin{CommandId: "web:1", Web: true, Place: messages.GroupPlace(d.support),
			ChatId: d.support, ThreadId: int64(k.thread), From: &messages.Person{Id: d.ann, FirstName: "Ann"}}}, "")
		d.awaitText(d.support, k.thread, "Reason: tomorrow") // on the web desk it is a reason
	})
}

// TestClosingWhereTheClockIsMoved: what somebody moved the clock over is no downtime, so a ticket closes at once.
func TestClosingWhereTheClockIsMoved(t *testing.T) {
	t.Parallel()
	d := ready(t, options{sweepEvery: 10 * time.Second, elapsed: func(time.Time) time.Duration { return 0 }})
	k := d.open(d.eve, d.support, "Printer")
	d.run(t, "after /close_ticket with a time", func(*testing.T) {
		d.awaitHeard(k, d.say(d.carl, d.support, k.thread, "Which one?"))
		d.awaitWaiting(k, "customer")
		d.say(d.carl, d.support, k.thread, "/close_ticket in 1h")
		d.awaitCloses(k, time.Hour)
		d.quiet(k)
		d.clock.jump(3 * time.Hour)
		d.awaitText(d.support, k.thread, closedAsSet)
		d.awaitClosed(k)
	})
	d.run(t, "after silence", func(*testing.T) {
		d.awaitAnswer(d.say(d.ann, d.support, 0, "/autoclose 72h 24h"), "closes by itself 24 h later")
		k := d.open(d.eve, d.support, "Lamp")
		d.awaitHeard(k, d.say(d.carl, d.support, k.thread, "Which one?"))
		d.eventually("it knows", func() bool { return !d.record(k).Timers.WarnsAt.IsZero() })
		d.clock.jump(73 * time.Hour)
		d.awaitText(d.support, k.thread, closesSoon)
		d.quiet(k)
		d.clock.jump(48 * time.Hour)
		d.awaitText(d.support, k.thread, closedQuiet)
		d.awaitClosed(k)
	})
	d.rang(t, map[string]float64{"closes": 1, "closed": 2})
}

// TestCloseLater: /close_ticket with a time closes then, unless the customer writes before.
func TestCloseLater(t *testing.T) {
	t.Parallel()
	d := ready(t, options{sweepEvery: 10 * time.Second})
	k := d.openPrivately(d.eve, d.support, "Printer")
	says := func(by int64, text, answer string) simulator.Message {
		t.Helper()
		return d.awaitAnswer(d.say(by, d.support, k.thread, text), answer)
	}
	heard := func(by, chat int64, thread int, text string) {
		t.Helper()
		d.awaitHeard(k, d.say(by, chat, thread, text))
	}
	d.run(t, "not while the desk owes an answer, nor at a time that can't be read", func(t *testing.T) {
		says(d.carl, "/close_ticket in 2h", "This ticket waits for an answer")
		heard(d.carl, d.support, k.thread, "Done")
		says(d.carl, "/close_ticket in 2hh", "I can't read the time in 2hh")
		for _, text := range []string{"400d", "0h", "-2h", "next week", "tomorrow morning", "at 25:00", "in two hours", "today 0:00"} {
			says(d.carl, "/close_ticket "+text, "I can't read the time "+text)
		}
		says(d.carl, "/close_ticket OFF", "not about to close")
		if d.record(k).Status != "open" {
			t.Error("it is closed")
		}
	})
	d.run(t, "the customer is told, and both may undo it", func(t *testing.T) {
		m := says(d.carl, "/close_ticket in 2h", "Carl has set this ticket to close by itself")
		d.awaitCloses(k, 2*time.Hour)
		d.awaitText(d.eve, 0, "Carl has set your ticket")
		d.awaitAnswer(d.say(d.carl, d.support, 0, "/tickets"), "Closes by itself")
		d.press(d.carl, m, "keep:"+k.id)
		d.awaitText(d.support, k.thread, keptFromDesk)
		d.awaitCloses(k, 0)
		d.awaitWaiting(k, "customer")
		says(d.carl, "/close_ticket tomorrow", "Carl has set this ticket")
		says(d.carl, "/close_ticket off", keptFromDesk)
		d.awaitCloses(k, 0)
		says(d.carl, "/close_ticket off", "not about to close")
		at := d.clock.Now().Add(5 * time.Hour).UTC().Truncate(time.Minute).Format("15:04")
		d.awaitPlanned(k, "/close_ticket "+at)
		says(d.carl, "/close_ticket off", keptFromDesk)
		told := d.awaitPlanned(k, "/close_ticket "+at)
		d.say(d.carl, d.support, k.thread, "/pending")
		d.awaitCloses(k, 0)
		says(d.carl, "/reopen_ticket", "not pending any more")
		says(d.carl, "/close_ticket in 3h", "Carl has set this ticket")
		heard(d.eve, d.eve, 0, "It is not")
		d.awaitCloses(k, 0)
		d.awaitWaiting(k, "desk")
		if a := d.press(d.eve, told, "keep:"+k.id); !strings.Contains(a.Text, "not about to close") {
			t.Errorf("%q", a.Text)
		}
	})
	d.run(t, "then it closes, in the words of the language", func(t *testing.T) {
		heard(d.carl, d.support, k.thread, "Now it is")
		d.awaitAnswer(d.say(d.ann, d.support, 0, "/lang th"), "")
		says(d.carl, "/close_ticket อีก 2 ชั่วโมง", "Carl ตั้งให้ทิกเก็ตนี้ปิดเอง")
		d.awaitAnswer(d.say(d.ann, d.support, 0, "/lang en"), "")
		d.quiet(k)
		d.restart()
		d.runsOut(k)
		d.awaitText(d.support, k.thread, closedAsSet)
		m := d.awaitText(d.eve, 0, closedAsSet)
		same(t, "buttons", buttons(m), []string{"🟢 Reopen"})
		if _, data := d.awaitTold(k, messages.EventTicketClosed, 1); data.Actor != nil || data.Reason != view.ReasonPlanned {
			t.Errorf("%+v", data)
		}
	})
	d.run(t, "a reason is still a reason", func(t *testing.T) {
		d.await("the topic is closed", func() bool { return d.topic(d.support, k.thread).Closed })
		d.press(d.eve, d.awaitText(d.eve, 0, closedAsSet), "reopen:"+k.id)
		d.awaitWaiting(k, "desk")
		d.await("the topic is open", func() bool { return !d.topic(d.support, k.thread).Closed })
		says(d.carl, "/close_ticket in the end it was the cable", "Reason: in the end it was the cable")
		d.awaitClosed(k)
	})
	d.run(t, "a program sets it and takes it back", func(t *testing.T) {
		d.await("the topic is closed", func() bool { return d.topic(d.support, k.thread).Closed })
		d.press(d.eve, d.awaitText(d.eve, 0, "closed your ticket"), "reopen:"+k.id)
		d.awaitWaiting(k, "desk")
		d.await("the topic is open", func() bool { return !d.topic(d.support, k.thread).Closed })
		at, none, past := d.clock.Now().Add(time.Hour).UnixMilli(), int64(0), int64(1)
		d.does(k.id, &messages.UpdateTicket{Origin: program(), ClosesMs: &at}, messages.NoticeCloseUnanswered)
		heard(d.carl, d.support, k.thread, "Well?")
		d.does(k.id, &messages.UpdateTicket{Origin: program(), ClosesMs: &past}, messages.NoticeCloseUnclear)
		d.does(k.id, &messages.UpdateTicket{Origin: program(), ClosesMs: &at}, "")
		if d.shown(k.id).ClosesMs != at/1000*1000 {
			t.Errorf("%v", d.shown(k.id))
		}
		d.does(k.id, &messages.UpdateTicket{Origin: program(), ClosesMs: &none}, "")
		d.awaitCloses(k, 0)
	})
}

// TestWordsAfterClosing: for some days a customer's word reopens their ticket, later it opens a new one; thanks do neither.
func TestWordsAfterClosing(t *testing.T) {
	t.Parallel()
	d := ready(t, options{sweepEvery: 10 * time.Second})
	k := d.openPrivately(d.eve, d.support, "Printer")
	closes := func(k *ticket) {
		t.Helper()
		d.await("the topic is open", func() bool { return !d.topic(d.support, k.thread).Closed })
		d.say(d.carl, d.support, k.thread, "/close_ticket")
		d.awaitClosed(k)
		d.quiet(k)
	}
	d.awaitAnswer(d.say(d.carl, d.support, k.thread, "/claim"), "")
	closes(k)
	d.run(t, "thanks arrive, and it stays closed", func(t *testing.T) {
		d.say(d.eve, d.eve, 0, "ขอบคุณครับ")
		d.awaitText(d.support, k.thread, "ขอบคุณครับ")
		d.say(d.eve, d.eve, 0, "👍")
		d.awaitText(d.support, k.thread, "👍")
		d.quiet(k)
		if d.record(k).Status != "closed" {
			t.Error("it is open")
		}
	})
	d.run(t, "a word reopens it, with its claimer", func(t *testing.T) {
		d.clock.jump(6 * 24 * time.Hour)
		said := d.say(d.eve, d.eve, 0, "It is back")
		d.awaitText(d.support, k.thread, "Eve "+reopenedBy)
		d.awaitText(d.support, k.thread, "It is back")
		d.awaitAnswer(said, "I reopened your ticket "+d.name(k)+", and your message has arrived")
		d.awaitWaiting(k, "desk")
		d.quiet(k)
		if r := d.record(k); r.AssigneeID() != itoa64(d.carl) || r.Status != "open" {
			t.Errorf("%+v", r)
		}
		d.awaitTold(k, messages.EventTicketReopened, 1)
	})
	d.run(t, "who has another ticket is asked, unless they reply", func(t *testing.T) {
		lamp := d.openPrivately(d.eve, d.support, "Lamp")
		closes(lamp)
		said := d.say(d.eve, d.eve, 0, "It is dark")
		d.press(d.eve, d.awaitAnswer(said, "Not passed on"), "sayc:"+lamp.id)
		d.awaitText(d.support, lamp.thread, "It is dark")
		notice := d.awaitText(d.eve, 0, "closed your ticket "+d.name(lamp))
		d.reply(d.eve, d.eve, notice, "Still dark")
		d.awaitText(d.support, lamp.thread, "Still dark")
		d.eventually("it is open", func() bool { return d.record(lamp).Status == "open" })
		closes(k)
		closes(lamp)
	})
	d.run(t, "later it opens a new one, which names it", func(t *testing.T) {
		d.clock.jump(8 * 24 * time.Hour)
		d.say(d.eve, d.eve, 0, "Dark again\nand it smells")
		d.say(d.eve, d.eve, 0, "Hello?") // that is for the new one
		next := d.openedPrivately(d.eve, d.support, "Dark again")
		d.awaitText(d.support, next.thread, "Hello?")
		d.quiet(next)
		d.onlyTickets(3)
		r := d.record(next)
		former := d.record(&ticket{id: r.Follows, chat: d.support})
		if former.Title != "Lamp" || former.Status != "closed" || !strings.HasPrefix(r.Description, "Dark again\nand it smells") {
			t.Errorf("%+v", r)
		}
		if card, _ := d.find(d.support, next.thread, "🎫"); !strings.Contains(card.Text, "Goes on from #2 Lamp") {
			t.Errorf("%q", card.Text)
		}
		eng := d.mention(d.carl, next, "@bob_eng", d.engineering)
		if card := d.card(next, d.engineering, eng); strings.Contains(card.Text, "Goes on from") {
			t.Errorf("another group reads %q", card.Text)
		}
		if d.shown(next.id).Follows != r.Follows {
			t.Errorf("%v", d.shown(next.id))
		}
		closes(next)
	})
	d.run(t, "with 0 days people are asked", func(t *testing.T) {
		d.asksAfterClosing()
		d.awaitAnswer(d.say(d.eve, d.eve, 0, "And now?"), "Not passed on")
		thanks := d.say(d.eve, d.eve, 0, "ขอบคุณค่ะ")
		d.awaitRecorded(thanks)
		d.settled(d.eve, d.eve)
		for _, m := range d.byBot(d.eve, 0) {
			if m.ReplyTo == thanks.ID {
				t.Errorf("thanks are answered with %q", m.Text)
			}
		}
	})
}

// awaitRecorded waits until a ticket has a message.
func (d *desk) awaitRecorded(m simulator.Message) {
	d.t.Helper()
	d.eventually("it is recorded", func() bool {
		_, err := d.store.Message(d.t.Context(), messages.MessageKey(m.Chat, int64(m.ID)))
		return err == nil
	})
}

// onlyTickets checks how many tickets Eve has opened.
func (d *desk) onlyTickets(n int) {
	d.t.Helper()
	all, err := d.store.TicketsByCreator(d.t.Context(), "user", itoa64(d.eve), false, 100)
	if d.must(err); len(all) != n {
		d.t.Errorf("%d tickets, not %d", len(all), n)
	}
}

// TestWordsBeforeTheNextTicket: what a customer writes to a ticket that closed long ago opens one ticket, and all of it gets there.
func TestWordsBeforeTheNextTicket(t *testing.T) {
	t.Parallel()
	d := ready(t, options{sweepEvery: 10 * time.Second})
	closed := func(k *ticket) {
		t.Helper()
		d.await("the topic is open", func() bool { return !d.topic(d.support, k.thread).Closed })
		d.say(d.carl, d.support, k.thread, "/close_ticket")
		d.awaitClosed(k)
		d.quiet(k)
		d.clock.jump(8 * 24 * time.Hour)
	}
	says := func(text string) simulator.Message { t.Helper(); return d.say(d.eve, d.eve, 0, text) }
	accepted := func() {
		t.Helper()
		d.await("every update is confirmed", func() bool { return d.sim.Pending() == 0 })
	}
	once := func(k *ticket, texts ...string) {
		t.Helper()
		for _, text := range texts {
			d.awaitText(k.chat, k.thread, text)
		}
		d.quiet(k)
		for _, text := range texts {
			if n := d.texts(k.chat, k.thread, text); n != 1 {
				t.Errorf("%q is there %d times", text, n)
			}
		}
	}
	lamp := d.openPrivately(d.eve, d.support, "Lamp")
	closed(lamp)
	told := d.awaitText(d.eve, 0, "closed your ticket")
	var next *ticket
	d.run(t, "while Telegram is asked whether they belong to the group, over a restart", func(t *testing.T) {
		d.inject(simulator.Fault{Method: "getChatMember", Kind: simulator.Fault500, Count: -1})
		says("Dark again")
		says("Hello?")
		accepted() // it waits for nobody
		says("Anybody?")
		accepted()
		d.restart()
		d.sim.ClearFaults()
		next = d.openedPrivately(d.eve, d.support, "Dark again")
		once(next, "Hello?", "Anybody?")
		d.onlyTickets(2)
	})
	d.run(t, "once it is open, also in reply to the old one", func(t *testing.T) {
		d.reply(d.eve, d.eve, told, "This is urgent")
		once(next, "This is urgent")
		closed(next)
		says("Third time")
		next = d.openedPrivately(d.eve, d.support, "Third time")
		d.reply(d.eve, d.eve, told, "The first again")
		once(next, "The first again")
		d.onlyTickets(3)
		closed(next)
	})
	d.run(t, "who is no member any more chooses another group", func(t *testing.T) {
		d.inject(simulator.Fault{Method: "getChatMember", Kind: simulator.Fault500, Count: -1})
		asked := says("Dark as before")
		says("Hello there")
		accepted()
		d.must(d.sim.SetMember(d.support, d.eve, simulator.Left))
		d.sim.ClearFaults()
		choice := d.awaitAnswer(asked, "Where should Dark as before be opened?")
		d.awaitAnswer(says("And a third line"), "goes into your new ticket")
		d.reply(d.eve, d.eve, told, "And a fourth")
		accepted()
		d.restart()
		d.press(d.eve, choice, "pick:"+ticketOf(choice)+":g"+itoa64(d.sales))
		other := d.openedPrivately(d.eve, d.sales, "Dark as before")
		once(other, "Hello there", "And a third line", "And a fourth")
		if r := d.record(other); r.Follows == "" || r.FollowsName != "" {
			t.Errorf("another group sees the name of the former ticket: %+v", r)
		}
		d.onlyTickets(4)
	})
	for _, text := range []string{"Hello", "Anybody", "urgent", "first again", "third line", "fourth"} {
		if n := d.texts(d.support, lamp.thread, text); n != 0 {
			t.Errorf("%q is %d times in the closed ticket", text, n)
		}
	}
}

// TestPictureBeforeTheNextTicket: a picture without words opens a ticket that is called as the closed one was, but not in another group.
func TestPictureBeforeTheNextTicket(t *testing.T) {
	t.Parallel()
	for words, title := range map[string]string{"": "[photo]", "Here it is": "Here it is"} {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			d := ready(t, options{sweepEvery: 10 * time.Second})
			lamp := d.openPrivately(d.eve, d.support, "Merger")
			d.say(d.carl, d.support, lamp.thread, "/close_ticket")
			d.awaitClosed(lamp)
			d.quiet(lamp)
			d.clock.jump(8 * 24 * time.Hour)
			d.inject(simulator.Fault{Method: "getChatMember", Kind: simulator.Fault500, Count: -1})
			asked := d.send(d.eve, d.eve, 0, upload("photo"), "")
			if words != "" {
				d.say(d.eve, d.eve, 0, words)
			}
			d.await("every update is confirmed", func() bool { return d.sim.Pending() == 0 })
			d.must(d.sim.SetMember(d.support, d.eve, simulator.Left))
			d.sim.ClearFaults()
			choice := d.awaitAnswer(asked, "Where should "+title+" be opened?")
			d.press(d.eve, choice, "pick:"+ticketOf(choice)+":g"+itoa64(d.sales))
			next := d.openedPrivately(d.eve, d.sales, title)
			d.quiet(next)
			if r := d.record(next); r.Title != title || r.Follows != lamp.id {
				t.Errorf("it is called %q, and goes on from %q", r.Title, r.Follows)
			}
			for _, m := range d.visible(d.sales, next.thread) {
				if strings.Contains(m.Text, "Merger") {
					t.Errorf("another group reads %q", m.Text)
				}
			}
		})
	}
	t.Run("in the same group", func(t *testing.T) {
		t.Parallel()
		d := ready(t, options{sweepEvery: 10 * time.Second})
		lamp := d.openPrivately(d.eve, d.support, "Merger")
		d.say(d.carl, d.support, lamp.thread, "/close_ticket")
		d.awaitClosed(lamp)
		d.quiet(lamp)
		d.clock.jump(8 * 24 * time.Hour)
		d.send(d.eve, d.eve, 0, upload("photo"), "")
		d.eventually("the next one is open", func() bool {
			open, err := d.store.TicketsByCreator(t.Context(), "user", itoa64(d.eve), true, 10)
			return err == nil && len(open) == 1 && open[0].Title == "Merger" && open[0].Follows == lamp.id
		})
	})
}

// TestWordsBeforeTheNextTicketInItsTopic: the same in a private chat with topics.
func TestWordsBeforeTheNextTicketInItsTopic(t *testing.T) {
	t.Parallel()
	d := ready(t, options{sweepEvery: 10 * time.Second})
	d.must(d.sim.SetTopics(d.eve, true))
	lamp, thread := d.openInTopic(d.eve, d.support, "Lamp")
	d.say(d.carl, d.support, lamp.thread, "/close_ticket")
	d.awaitClosed(lamp)
	d.quiet(lamp)
	d.clock.jump(8 * 24 * time.Hour)
	for _, text := range []string{"Hi", "Dark again", "Can you help?"} {
		d.say(d.eve, d.eve, thread, text)
	}
	d.quiet(lamp)
	next := d.opened(d.support, "Hi")
	d.awaitText(d.support, next.thread, "Dark again")
	d.awaitText(d.support, next.thread, "Can you help?")
	d.say(d.eve, d.eve, thread, "It is late")
	d.awaitText(d.support, next.thread, "It is late")
	d.quiet(next)
	d.onlyTickets(2)
}

// TestWordsAfterClosingUnread: a word reopens nothing where nobody could read it.
func TestWordsAfterClosingUnread(t *testing.T) {
	t.Parallel()
	d := ready(t, options{sweepEvery: 10 * time.Second})
	lamp := d.openPrivately(d.eve, d.support, "Lamp")
	d.say(d.carl, d.support, lamp.thread, "/close_ticket")
	d.awaitClosed(lamp)
	d.quiet(lamp)
	d.must(d.sim.SetBot(d.support, simulator.Kicked, simulator.BotRights{}))
	d.await("the desk knows", func() bool { return d.sim.Pending() == 0 })
	d.awaitAnswer(d.say(d.eve, d.eve, 0, "Dark again"), "Not passed on")
	if d.record(lamp).Status != "closed" {
		t.Error("it is open")
	}
}

// TestWordsAfterClosingInAGroup: there, too, a customer's word reopens a ticket for some days. Later it changes nothing.
func TestWordsAfterClosingInAGroup(t *testing.T) {
	t.Parallel()
	d := ready(t, options{sweepEvery: 10 * time.Second})
	k := d.open(d.ann, d.support, "Printer") // an administrator, who may write in closed topics
	d.say(d.ann, d.support, k.thread, "/close_ticket")
	d.awaitClosed(k)
	d.quiet(k)
	d.say(d.ann, d.support, k.thread, "Thank you")
	d.quiet(k)
	if d.record(k).Status != "closed" {
		t.Error("thanks reopen it")
	}
	d.say(d.ann, d.support, k.thread, "It is back")
	d.awaitText(d.support, k.thread, reopenedBy)
	d.await("the topic is open", func() bool { return !d.topic(d.support, k.thread).Closed })
	d.awaitWaiting(k, "desk")
	d.say(d.ann, d.support, k.thread, "/close_ticket")
	d.awaitClosed(k)
	d.quiet(k)
	d.clock.jump(8 * 24 * time.Hour)
	m := d.say(d.ann, d.support, k.thread, "It is back again")
	d.awaitRecorded(m)
	d.quiet(k)
	if d.record(k).Status != "closed" || len(d.reminders(d.support, k.thread, reopenedBy)) != 1 {
		t.Error("it is open")
	}
}
