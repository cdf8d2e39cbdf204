package actors_test

import (
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/simulator"
)

// TestUnlinkReleases: whoever has a ticket does not keep it when the only topic in which they see it leaves.
func TestUnlinkReleases(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	k := d.open(d.eve, d.support, "Printer")
	eng := d.mention(d.ann, k, "@bob_eng", d.engineering)
	claims := func(by int64, name string) {
		t.Helper()
		d.awaitAnswer(d.say(by, d.engineering, eng, "/claim"), name+" takes care of this ticket now")
		d.awaitAssignee(k, by)
	}
	back := func() {
		t.Helper()
		d.awaitAnswer(d.say(d.bob, d.engineering, eng, "/link "+d.number(k)), "linked this topic")
		d.quiet(k)
	}
	const gone = "Bob took care of the ticket, and no longer sees it: nobody takes care of it now"
	d.run(t, "they end it themselves", func(t *testing.T) {
		claims(d.bob, "Bob")
		d.say(d.bob, d.engineering, eng, "/unlink")
		d.awaitText(d.engineering, eng, gone)
		d.awaitText(d.support, k.thread, gone)
		d.awaitAssignee(k, 0)
		if _, data := d.awaitTold(k, messages.EventTicketReleased, 1); data.Actor.ID != itoa64(d.bob) {
			t.Errorf("%+v", data)
		}
		back()
	})
	d.run(t, "somebody else ends it: they are told by a mention", func(t *testing.T) {
		claims(d.bob, "Bob")
		d.must(d.sim.SetMember(d.engineering, d.dora, simulator.Administrator))
		d.say(d.dora, d.engineering, eng, "/unlink")
		if m := d.awaitText(d.engineering, eng, "Bob, Dora has ended the link of this topic"); !mentions(m, d.bob) {
			t.Errorf("no mention in %+v", m)
		}
		d.awaitAssignee(k, 0)
		if m := d.awaitText(d.engineering, eng, "Dora ended the link"); strings.Contains(m.Text, "took care") {
			t.Errorf("it is said twice: %q", m.Text)
		}
	})
	d.run(t, "who sees it elsewhere keeps it", func(t *testing.T) {
		d.awaitAnswer(d.say(d.dora, d.engineering, eng, "/link "+d.number(k)), "linked this topic")
		d.quiet(k)
		d.awaitHeard(k, d.say(d.ann, d.support, k.thread, "I look after it"))
		d.awaitAssignee(k, d.ann)
		d.must(d.sim.SetMember(d.engineering, d.ann, simulator.Member))
		d.awaitHeard(k, d.say(d.ann, d.engineering, eng, "With your help"))
		d.say(d.dora, d.engineering, eng, "/unlink")
		d.await("it is heard again", func() bool { return len(d.visibleWith(k, "Dora ended the link")) == 2 })
		d.quiet(k)
		d.awaitAssignee(k, d.ann)
		d.awaitTold(k, messages.EventTicketReleased, 2)
	})
}
