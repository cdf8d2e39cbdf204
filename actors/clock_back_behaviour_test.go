package actors_test

import (
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/messages"
)

// TestClockSetBack: where somebody sets the clock of the machine back, by more than a day, whatever follows from it goes on by the clock of
// then: icons, the list of what waits, what is due, and the rest of the ticket. Nothing is told a second time.
func TestClockSetBack(t *testing.T) {
	t.Parallel()
	d := ready(t, options{waitingLists: true, speed: 60, sweepEvery: 10 * time.Second})
	d.showClock(12, 0)
	k := d.open(d.eve, d.support, "Printer")
	d.awaitAnswer(d.say(d.carl, d.support, k.thread, "/claim"), "takes care of this ticket now")
	d.awaitIcon(d.support, k.thread, iconClaimed)
	first := d.awaitList(d.support, 1, "Printer", "")
	d.quiet(k)
	d.awaitListRests(d.support)
	d.clock.jump(4*time.Hour + time.Minute)
	d.awaitText(d.support, k.thread, overdue)
	d.awaitIcon(d.support, k.thread, iconOverdue)
	d.awaitList(d.support, 1, "❗ "+d.name(k), "")
	d.quiet(k)
	d.awaitListRests(d.support)
	d.clock.setBack(30 * time.Hour)
	d.run(t, "icons, the list and the ticket's rest", func(*testing.T) {
		d.awaitHeard(k, d.say(d.carl, d.support, k.thread, "Which one?"))
		d.awaitIcon(d.support, k.thread, iconCustomer)
		d.awaitList(d.support, 1, "Nothing waits", "Printer")
		d.eventually("the ticket rests", func() bool { return resting(d.record(k)) })
	})
	d.run(t, "the next wait is due, and told, by the clock of now", func(t *testing.T) {
		m := d.say(d.eve, d.support, k.thread, "The large one")
		d.awaitHeard(k, m)
		d.awaitDue(k, d.said(m).RecordedAt.Add(4*time.Hour))
		d.awaitIcon(d.support, k.thread, iconClaimed)
		if now := d.awaitList(d.support, 1, "Printer", ""); now.ID != first.ID {
			t.Errorf("another list: %+v", now)
		}
		d.clock.jump(4*time.Hour + time.Minute)
		d.await("a second reminder", func() bool { return len(d.reminders(d.support, k.thread, overdue)) == 2 })
		d.awaitIcon(d.support, k.thread, iconOverdue)
		d.quiet(k)
	})
	d.run(t, "nothing is told again when the clock shows the times of before", func(t *testing.T) {
		d.clock.jump(30 * time.Hour)
		d.awaitText(d.support, k.thread, nobodyHas)
		d.quiet(k)
		d.awaitTold(k, messages.EventTicketOverdue, 2)
		d.awaitTold(k, messages.EventTicketReleased, 1)
		if n := len(d.reminders(d.support, k.thread, overdue)); n != 2 {
			t.Errorf("%d reminders", n)
		}
	})
}
