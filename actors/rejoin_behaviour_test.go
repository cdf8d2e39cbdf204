package actors_test

import (
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/messages"
)

// TestRejoin: who has left a ticket by /unlink may come back, and who was removed may not.
func TestRejoin(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	k := d.open(d.ann, d.support, "Printer")
	thread := d.mention(d.ann, k, "@bob_eng", d.engineering)
	link := func(by int64, answer string) {
		t.Helper()
		d.awaitAnswer(d.say(by, d.engineering, thread, "/link "+k.id), answer)
	}
	unlink := func(by int64) {
		t.Helper()
		before := d.texts(d.engineering, thread, "ended the link")
		d.say(by, d.engineering, thread, "/unlink")
		d.await("the end of the link", func() bool { return d.texts(d.engineering, thread, "ended the link") > before })
	}
	d.run(t, "who has left comes back, and is on the ticket as before", func(t *testing.T) {
		unlink(d.bob)
		d.restart()
		link(d.bob, "Bob linked this topic")
		d.say(d.ann, d.support, k.thread, "welcome back")
		d.awaitText(d.engineering, thread, "welcome back")
		if links := d.record(k).Links; links[len(links)-1].UserID != d.bob {
			t.Errorf("%+v", links)
		}
		if card := d.awaitText(d.engineering, thread, d.head(k)); strings.Contains(card.Text, "Bob asks Bob") {
			t.Errorf("%q", card.Text)
		}
		d.awaitAnswer(d.say(d.ann, d.support, k.thread, "/mention @bob_eng"), "already")
	})
	d.run(t, "others may not, before and after", func(*testing.T) {
		unlink(d.bob)
		link(d.dora, "you need rights on both sides")
		link(d.bob, "Bob linked this topic")
	})
	d.run(t, "who was removed by a program may not, although they have left before", func(*testing.T) {
		links := d.record(k).Links
		d.does(k.id, &messages.UnlinkTopic{Origin: program(), LinkId: links[len(links)-1].LinkID}, "")
		link(d.bob, "you need rights on both sides")
	})
	d.run(t, "nor who was removed by whoever opened the ticket", func(*testing.T) {
		thread = d.mention(d.ann, k, "@bob_eng", d.engineering)
		d.must(d.sim.SetMember(d.engineering, d.ann, "member"))
		unlink(d.ann)
		link(d.bob, "you need rights on both sides")
		link(d.ann, "you need rights on both sides") // she has none over the group
	})
}
