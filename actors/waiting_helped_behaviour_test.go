package actors_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/simulator"
)

// TestWaitingIsInTheGroupsZone: what General lists and what /waiting lists have times of one zone, that of the team; each reader
// whose app knows such times sees them in their own.
func TestWaitingIsInTheGroupsZone(t *testing.T) {
	t.Parallel()
	d := ready(t, options{waitingLists: true, speed: 60})
	d.showClock(12, 0)
	d.awaitAnswer(d.say(d.ann, d.support, 0, "/hours Mon-Sun 0:00-24:00 Asia/Bangkok"), "Support now works")
	k := d.open(d.eve, d.support, "Printer")
	d.quiet(k)
	shows := func(t *testing.T, m simulator.Message) {
		t.Helper()
		if !strings.Contains(m.Text, "(Asia/Bangkok)") || strings.Contains(m.Text, "(UTC)") {
			t.Errorf("%s", m.Text)
		}
		since := d.record(k).WaitingSince.Unix()
		if !slices.ContainsFunc(m.Entities, func(e simulator.Entity) bool { return e.Type == "date_time" && e.UnixTime == since }) {
			t.Errorf("no reader sees %d in their own zone: %+v", since, m.Entities)
		}
	}
	d.run(t, "in General", func(t *testing.T) { shows(t, d.awaitList(d.support, 1, "Printer", "")) })
	d.run(t, "by /waiting", func(t *testing.T) {
		shows(t, d.awaitAnswer(d.say(d.eve, d.support, 0, "/waiting"), "1 ticket waits for an answer in Support"))
	})
	d.run(t, "by /waiting in private", func(t *testing.T) {
		shows(t, d.awaitAnswer(d.say(d.ann, d.ann, 0, "/waiting"), "1 ticket waits for an answer"))
	})
}

// TestWaitingWhereAGroupHelps: what waits for the desk in a ticket of Support is listed in Engineering, too, for as long as it helps.
func TestWaitingWhereAGroupHelps(t *testing.T) {
	t.Parallel()
	d := ready(t, options{waitingLists: true, speed: 60})
	d.showClock(12, 0)
	k := d.open(d.ann, d.support, "Printer") // Ann administers Support: those of Engineering are the desk
	eng := d.mention(d.ann, k, "@bob_eng", d.engineering)
	d.awaitHeard(k, d.say(d.ann, d.support, k.thread, "It smokes"))
	d.awaitWaiting(k, "desk")
	d.quiet(k)
	row, url := "🤝 ticket of Support", messages.TopicURL(d.engineering, int64(eng))
	helps := func(t *testing.T, m simulator.Message) {
		t.Helper()
		leads := slices.ContainsFunc(m.Entities, func(e simulator.Entity) bool { return e.Type == "text_link" && e.URL == url })
		if !strings.Contains(m.Text, "• "+d.name(k)) || !strings.Contains(m.Text, row) || !leads {
			t.Errorf("%s\n%+v", m.Text, m.Entities)
		}
	}
	d.run(t, "by /waiting, with whose ticket it is and a link to the topic there", func(t *testing.T) {
		helps(t, d.awaitAnswer(d.say(d.dora, d.engineering, 0, "/waiting"), "1 ticket waits for an answer in Engineering:"))
		helps(t, d.awaitAnswer(d.say(d.bob, d.bob, 0, "/waiting"), "1 ticket waits for an answer:"))
	})
	d.run(t, "in General", func(t *testing.T) { helps(t, d.awaitList(d.engineering, 1, "Printer", "")) })
	d.run(t, "whose it is does not stand in its own group, nor where somebody is of both", func(t *testing.T) {
		if m := d.awaitAnswer(d.say(d.ann, d.support, 0, "/waiting"), "1 ticket waits for an answer in Support:"); strings.Contains(m.Text, "🤝") {
			t.Errorf("%s", m.Text)
		}
		d.must(d.sim.SetMember(d.engineering, d.ann, simulator.Administrator))
		d.eventually("Ann administers both", func() bool {
			g, err := d.store.Group(t.Context(), messages.GroupPlace(d.engineering))
			return err == nil && slices.Contains(g.Admins, d.ann)
		})
		d.await("one row in private", func() bool {
			m := d.awaitAnswer(d.say(d.ann, d.ann, 0, "/waiting"), "waits for an answer:")
			return strings.Count(m.Text, "• ") == 1 && !strings.Contains(m.Text, "🤝")
		})
	})
	d.run(t, "no longer than it helps", func(*testing.T) {
		d.say(d.bob, d.engineering, eng, "/unlink")
		d.awaitText(d.support, k.thread, "ended the link")
		d.awaitAnswer(d.say(d.dora, d.engineering, 0, "/waiting"), "Nothing waits for an answer in Engineering")
		d.awaitList(d.engineering, 1, "Nothing waits for an answer in Engineering", "Printer")
	})
}
