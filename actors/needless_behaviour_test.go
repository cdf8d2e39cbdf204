package actors_test

import (
	"strings"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/simulator"
)

// openedAlone has somebody open a ticket from their private chat without topics, and waits until nothing is pending on it.
func (d *desk) openedAlone(by, chat int64, title string) *ticket {
	d.t.Helper()
	choice := d.choice(by, title)
	d.press(by, choice, "pick:"+ticketOf(choice)+":g"+itoa64(chat))
	k := &ticket{chat: chat, id: ticketOf(choice), thread: d.topicNamed(chat, title).Thread}
	d.introduced(chat, k.thread)
	d.awaitText(by, 0, "🎫 #")
	d.quiet(k)
	return k
}

// noNeedlessEdit fails the test if Telegram has refused an edit that changed nothing.
func (d *desk) noNeedlessEdit() {
	d.t.Helper()
	for _, c := range d.sim.Calls() {
		if strings.Contains(c.Description, "not modified") {
			d.t.Errorf("%s in chat %d was refused: %s", c.Method, c.Chat, c.Description)
		}
	}
}

func TestNoEditChangesNothing(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	alpha := d.openedAlone(d.ann, d.support, "Alpha")
	beta := d.openedAlone(d.ann, d.support, "Beta")
	d.run(t, "of the card of a ticket that was opened in private", func(*testing.T) { d.noNeedlessEdit() })
	cardOf := func(k *ticket) string {
		d.t.Helper()
		m, _ := d.sim.Message(d.ann, int(d.record(k).Links[0].Topic.CardMessageID))
		return m.Text
	}
	mention := func(k *ticket, who, group string, chat int64) {
		d.t.Helper()
		d.say(d.carl, k.chat, k.thread, "/mention "+who)
		d.introduced(chat, d.topicNamed(chat, unnumbered(d.topic(k.chat, k.thread).Name)).Thread)
		d.awaitText(k.chat, k.thread, "🎫 #")
		d.await("the card names "+group, func() bool {
			m, _ := d.find(k.chat, k.thread, "🎫 #")
			return strings.Contains(m.Text, group)
		})
		d.quiet(k)
	}
	d.run(t, "when somebody is mentioned, also after a restart: the private card does not say so", func(t *testing.T) {
		was := cardOf(alpha)
		mention(alpha, "@bob_eng", "Engineering", d.engineering)
		d.restart()
		mention(alpha, "@dora_s", "Sales", d.sales)
		d.noNeedlessEdit()
		if now := cardOf(alpha); now != was {
			t.Errorf("the private card was %q and is %q", was, now)
		}
		if r := d.record(alpha); r.Links[0].Topic.CardRevision != r.CardRevision {
			t.Error("the private card is not up to date")
		}
	})
	d.run(t, "and what changes is shown, twice and back", func(*testing.T) {
		for _, change := range []struct{ command, shows string }{
			{"/priority high", "high"}, {"/priority normal", "normal"}, {"/priority high", "high"},
			{"/pending", "Pending"}, {"/reopen_ticket", "Open"}, {"/close_ticket", "Closed"}, {"/reopen_ticket", "Open"},
		} {
			d.say(d.ann, beta.chat, beta.thread, change.command)
			d.eventually(change.command+" on the private card", func() bool { return strings.Contains(cardOf(beta), change.shows) })
		}
		d.quiet(beta)
		d.noNeedlessEdit()
	})
	d.run(t, "of a copy whose original is changed and changed back before that is shown", func(*testing.T) {
		said := d.say(d.carl, beta.chat, beta.thread, "one")
		d.awaitText(d.ann, 0, "one")
		d.edit(said, "two")
		copied := d.awaitText(d.ann, 0, "two")
		d.quiet(beta)
		d.inject(simulator.Fault{Method: "sendMessage", Chat: d.ann, Kind: simulator.FaultSlow, Delay: 300 * time.Millisecond})
		d.say(d.carl, beta.chat, beta.thread, "wait")
		d.eventually("a call that takes long", func() bool { return len(d.sim.Faults()) == 0 })
		was := d.clock.Now()
		d.eventually("another second: Telegram dates edits by it", func() bool { return d.clock.Now().Sub(was) > time.Second })
		d.edit(said, "three")
		d.edit(said, "two")
		d.say(d.carl, beta.chat, beta.thread, "go on")
		d.awaitText(d.ann, 0, "go on")
		d.await("the copy says what was said at last", func() bool {
			m, _ := d.sim.Message(d.ann, copied.ID)
			return strings.HasSuffix(m.Text, "\ntwo")
		})
		d.quiet(beta)
		d.noNeedlessEdit()
	})
	d.run(t, "of a keyboard that two people use at once", func(*testing.T) {
		d.awaitAnswer(d.say(d.ann, beta.chat, beta.thread, "/priority"), "How urgent")
		asked, _ := d.find(beta.chat, beta.thread, "How urgent")
		d.stop()
		for _, p := range []string{"low", "urgent"} {
			_, err := d.sim.Press(d.ann, beta.chat, asked.ID, messages.CallbackPriority+":"+beta.id+":"+p)
			d.must(err)
		}
		d.start()
		d.awaitText(beta.chat, beta.thread, "to 🔥 urgent")
		d.quiet(beta)
		d.noNeedlessEdit()
	})
}
