package actors_test

import (
	"slices"
	"strings"
	"testing"

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
