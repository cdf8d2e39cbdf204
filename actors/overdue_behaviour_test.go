package actors_test

import (
	"strings"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/simulator"
	"github.com/topicdesk/topicdesk/storage"
)

// reminders are the bot's messages in a topic that contain a text.
func (d *desk) reminders(chat int64, thread int, text string) (all []simulator.Message) {
	for _, m := range d.byBot(chat, thread) {
		if strings.Contains(m.Text, text) {
			all = append(all, m)
		}
	}
	return all
}

// awaitDue waits until the record of a ticket says when an answer is due.
func (d *desk) awaitDue(k *ticket, due time.Time) {
	d.t.Helper()
	d.eventually("an answer is due at "+due.String(), func() bool {
		return d.record(k).Timers.AnswerDueAt.Equal(storage.Kept(due)) && d.record(k).DueAt.Equal(storage.Kept(due))
	})
}

// rang checks what timers have done since the start of the service.
func (d *desk) rang(t *testing.T, want map[string]float64) {
	t.Helper()
	for _, did := range []string{"overdue", "lapsed", "awake", "closes", "closed"} {
		if got := d.metric(t, "timers_rung_total", "did", did); got != want[did] {
			t.Errorf("%s: %v, want %v", did, got, want[did])
		}
	}
}

const overdue = "an answer to this ticket is overdue"

func TestOverdue(t *testing.T) {
	t.Parallel()
	d := ready(t, options{sweepEvery: 10 * time.Second})
	k := d.open(d.eve, d.support, "Printer")
	opened := d.record(k).CreatedAt
	d.awaitDue(k, opened.Add(4*time.Hour))
	d.run(t, "a message moves nothing, a higher priority does", func(t *testing.T) {
		d.awaitHeard(k, d.say(d.eve, d.support, k.thread, "Hello?"))
		d.awaitDue(k, opened.Add(4*time.Hour))
		d.awaitAnswer(d.say(d.ann, d.support, k.thread, "/priority high"), "")
		d.awaitDue(k, opened.Add(2*time.Hour))
	})
	d.run(t, "an answer in time ends it", func(t *testing.T) {
		d.awaitHeard(k, d.say(d.carl, d.support, k.thread, "Which one?"))
		d.awaitDue(k, time.Time{})
		d.clock.jump(5 * time.Hour)
		d.awaitHeard(k, d.say(d.eve, d.support, k.thread, "The large one"))
		d.awaitDue(k, d.awaitWaiting(k, "desk").Add(2*time.Hour))
		if got := d.reminders(d.support, k.thread, overdue); len(got) != 0 {
			t.Error(got)
		}
	})
	d.run(t, "it is told once, to whoever has the ticket, without a sound", func(t *testing.T) {
		first := d.record(k).WaitingSince
		d.clock.jump(2 * time.Hour)
		m := d.awaitText(d.support, k.thread, overdue)
		if !mentions(m, d.carl) || !m.Silent || m.ReplyTo == 0 || !strings.HasPrefix(m.Text, "❗ Carl: ") {
			t.Errorf("%+v", m)
		}
		if answered, _ := d.sim.Message(d.support, m.ReplyTo); answered.Text != "The large one" {
			t.Errorf("it replies to %q", answered.Text)
		}
		_, data := d.awaitTold(k, messages.EventTicketOverdue, 1)
		if data.Actor != nil || data.Ticket.OverdueSince == nil || !data.Ticket.WaitingSince.Equal(first) {
			t.Errorf("%+v", data)
		}
		d.quiet(k)
		d.restart()
		d.clock.jump(72 * time.Hour)
		d.say(d.eve, d.support, k.thread, "Anybody?")
		d.quiet(k)
		if !d.record(k).Overdue() {
			t.Error("it is not overdue")
		}
		d.awaitAnswer(d.say(d.ann, d.support, k.thread, "/priority urgent"), "")
		d.quiet(k)
		if got := d.reminders(d.support, k.thread, overdue); len(got) != 1 {
			t.Errorf("%d times", len(got))
		}
	})
	d.run(t, "the claim has lapsed", func(t *testing.T) {
		m := d.awaitText(d.support, k.thread, "nobody takes care of this ticket now")
		if !mentions(m, d.carl) || !m.Silent {
			t.Errorf("%+v", m)
		}
		d.awaitAssignee(k, 0)
		d.awaitTold(k, messages.EventTicketReleased, 1)
		d.rang(t, map[string]float64{"lapsed": 1})
	})
	d.run(t, "the next wait has a reminder of its own, to the group while nobody has the ticket", func(t *testing.T) {
		d.awaitAnswer(d.say(d.ann, d.support, 0, "/autoclaim off"), "")
		d.awaitHeard(k, d.say(d.ann, d.support, k.thread, "Is it on?"))
		d.awaitHeard(k, d.say(d.eve, d.support, k.thread, "Yes"))
		d.clock.jump(time.Hour + time.Minute)
		d.await("a second reminder", func() bool { return len(d.reminders(d.support, k.thread, overdue)) == 2 })
		if m := d.reminders(d.support, k.thread, overdue)[1]; !strings.HasPrefix(m.Text, "❗ Support: ") || !strings.Contains(m.Text, "/claim") {
			t.Errorf("%q", m.Text)
		}
		d.awaitTold(k, messages.EventTicketOverdue, 2)
	})
	d.run(t, "closed and reopened, it waits anew", func(t *testing.T) {
		d.say(d.ann, d.support, k.thread, "/close_ticket")
		d.awaitWaiting(k, "nobody")
		d.awaitDue(k, time.Time{})
		d.clock.jump(24 * time.Hour)
		d.say(d.ann, d.support, k.thread, "/reopen_ticket")
		since := d.awaitWaiting(k, "desk")
		d.awaitDue(k, since.Add(time.Hour))
	})
}

func TestHours(t *testing.T) {
	t.Parallel()
	d := ready(t, options{sweepEvery: 10 * time.Second})
	says := func(by int64, text, answer string) simulator.Message {
		t.Helper()
		return d.awaitAnswer(d.say(by, d.support, 0, text), answer)
	}
	private := d.openPrivately(d.eve, d.support, "Scanner")
	k := d.open(d.eve, d.support, "Printer")
	opened := d.record(k).CreatedAt
	d.awaitDue(k, opened.Add(4*time.Hour))
	// Hours that are over now, and begin again in five hours.
	closed := opened.Add(-time.Hour).Truncate(time.Minute)
	opens := closed.Add(6 * time.Hour)
	span := opens.Format("15:04") + "-" + closed.Format("15:04")
	d.run(t, "administrators set them", func(t *testing.T) {
		says(d.carl, "/hours always", "Only administrators")
		says(d.ann, "/hours", "Support works always")
		says(d.ann, "/hours 2026-12-25 closed", "Send the hours of a week first")
		says(d.ann, "/hours Mon-Fri 9-18", "The time zone is missing")
		says(d.ann, "/hours Mon-Fri 9-18 Asia/Atlantis", "I don't know the time zone Asia/Atlantis")
		says(d.ann, "/hours whenever UTC", "I can't read whenever")
		says(d.ann, "/hours Mon-Sun "+span+" utc", "Support now works Mon-Sun "+span+" UTC")
	})
	d.run(t, "a ticket that waits learns of it", func(t *testing.T) { d.awaitDue(k, opens.Add(4*time.Hour)) })
	d.run(t, "within which time, too", func(t *testing.T) {
		says(d.carl, "/answer_within 1h", "Only administrators")
		says(d.ann, "/answer_within", "urgent 1 h, high 2 h, normal 4 h, low 4 h")
		says(d.ann, "/answer_within soon", "I can't read soon")
		says(d.ann, "/answer_within normal 90m", "urgent 1 h, high 2 h, normal 1 h 30 min, low 4 h")
		d.awaitDue(k, opens.Add(90*time.Minute))
		says(d.ann, "/answer_within off", "urgent never")
		d.awaitDue(k, time.Time{})
		says(d.ann, "/answer_within 4h", "urgent 4 h")
		d.awaitDue(k, opens.Add(4*time.Hour))
	})
	d.run(t, "a holiday counts for nothing", func(t *testing.T) {
		date := opens.Format(time.DateOnly)
		says(d.carl, "/hours "+date+" closed", "Only administrators")
		says(d.ann, "/hours "+date+" closed", "Other hours on: "+date+" closed")
		d.awaitDue(k, opens.Add((24+4)*time.Hour))
		says(d.ann, "/hours "+date+" normal", "Support now works Mon-Sun "+span+" UTC.")
		d.awaitDue(k, opens.Add(4*time.Hour))
	})
	d.run(t, "a customer's first word of a closing is answered, once", func(t *testing.T) {
		m := d.awaitAnswer(d.say(d.eve, d.support, k.thread, "Hello?"), "Nobody of the team is here now")
		at := func(e simulator.Entity) bool { return e.Type == "date_time" && e.UnixTime == opens.Unix() }
		if !containsEntity(m, at) || !strings.Contains(m.Text, opens.Format("Mon 2 Jan 15:04")+" (UTC)") {
			t.Errorf("%+v", m)
		}
		d.awaitHeard(k, d.say(d.eve, d.support, k.thread, "Hello??"))
		d.restart()
		d.awaitHeard(k, d.say(d.eve, d.support, k.thread, "Hello???"))
		d.quiet(k)
		if got := d.reminders(d.support, k.thread, "Nobody of the team is here"); len(got) != 1 {
			t.Errorf("%d answers", len(got))
		}
	})
	d.run(t, "the team is told nothing", func(t *testing.T) {
		d.awaitHeard(k, d.say(d.carl, d.support, k.thread, "I am here by chance"))
		d.quiet(k)
		if got := d.reminders(d.support, k.thread, "Nobody of the team is here"); len(got) != 1 {
			t.Errorf("%d answers", len(got))
		}
	})
	d.run(t, "the next closing is answered anew", func(t *testing.T) {
		d.clock.jump(24 * time.Hour)
		next := opens.Add(24 * time.Hour)
		m := d.awaitAnswer(d.say(d.eve, d.support, k.thread, "And today?"), "Nobody of the team is here now")
		if !containsEntity(m, func(e simulator.Entity) bool { return e.Type == "date_time" && e.UnixTime == next.Unix() }) {
			t.Errorf("%+v", m)
		}
		d.awaitHeard(k, d.say(d.eve, d.support, k.thread, "Nobody?"))
		d.quiet(k)
		if got := d.reminders(d.support, k.thread, "Nobody of the team is here"); len(got) != 2 {
			t.Errorf("%d answers", len(got))
		}
	})
	d.run(t, "whoever opens a ticket outside of them is told, too", func(t *testing.T) {
		late := d.open(d.eve, d.support, "Copier")
		d.awaitText(d.support, late.thread, "Nobody of the team is here now")
		d.awaitHeard(late, d.say(d.eve, d.support, late.thread, "Hello?"))
		d.quiet(late)
		if got := d.reminders(d.support, late.thread, "Nobody of the team is here"); len(got) != 1 {
			t.Errorf("%d answers", len(got))
		}
	})
	d.run(t, "in private, in the person's language", func(t *testing.T) {
		d.awaitAnswer(d.say(d.eve, d.eve, 0, "/lang th"), "")
		d.awaitAnswer(d.say(d.eve, d.eve, 0, "Hello?"), "ตอนนี้อยู่นอกเวลาทำการ")
		d.quiet(private)
	})
	d.run(t, "by a button, and always again", func(t *testing.T) {
		m := says(d.ann, "/hours", "Administrators change this with the buttons")
		d.press(d.ann, m, "hours:Mon-Sat 09:00-18:00 UTC")
		d.awaitText(d.support, 0, "Support now works Mon-Sat 09:00-18:00 UTC")
		says(d.ann, "/hours 2026-12-25 closed", "Other hours on: 2026-12-25 closed")
		says(d.ann, "/hours Mon-Fri 8-17", "Mon-Fri 08:00-17:00 UTC. Other hours on")
		says(d.ann, "/hours always", "Support now works always.")
	})
}

func containsEntity(m simulator.Message, is func(simulator.Entity) bool) bool {
	for _, e := range m.Entities {
		if is(e) {
			return true
		}
	}
	return false
}
