package actors_test

import (
	"testing"

	"github.com/topicdesk/topicdesk/actors"
)

// TestQuestionsDoNotWaitForThePace: whoever presses a button, or whose membership must be known, does not wait until a busy
// group has been told all that waits for it.
func TestQuestionsDoNotWaitForThePace(t *testing.T) {
	t.Parallel()
	d := ready(t, options{pace: actors.Pace{GroupPerMinute: 20}, speed: 1})
	k := d.opens("Printer")
	d.quiet(k)
	card := d.awaitText(k.chat, k.thread, "Printer")
	defer d.clock.hold()() // no minute passes
	for range 40 {
		d.say(d.ann, k.chat, 0, "/help")
	}
	d.eventually("more waits than may leave", func() bool { return d.pace(k.chat).Waiting > 20 })
	d.press(d.ann, card, "close:")
	asked := d.calls("getChatMember", k.chat)
	d.say(d.eve, d.eve, 0, "/create_ticket From Eve") // of which groups is she a member?
	d.await("Telegram is asked who belongs to the group", func() bool { return d.calls("getChatMember", k.chat) > asked })
	if n := d.pace(k.chat).Waiting; n < 10 {
		t.Errorf("meanwhile all but %d of what waited has left", n)
	}
}
