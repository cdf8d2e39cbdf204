package actors_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/simulator"
)

func TestLink(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	k := d.open(d.bob, d.support2(), "Printer")
	other := d.open(d.ann, d.support, "Another")
	topic := func(chat, by int64, name string) int {
		thread, err := d.sim.CreateTopic(chat, by, name)
		d.must(err)
		return thread
	}
	eng := topic(d.engineering, d.bob, "Bob's own topic")
	refused := func(t *testing.T, by, chat int64, thread int, text, answer string) {
		t.Helper()
		links := len(d.record(k).Links)
		d.awaitAnswer(d.say(by, chat, thread, text), answer)
		if n := len(d.record(k).Links); n != links {
			t.Errorf("%d links", n)
		}
	}
	d.run(t, "refused, each with its own word", func(t *testing.T) {
		refused(t, d.bob, d.engineering, eng, "/link", "Send /link with the number")
		refused(t, d.bob, d.engineering, eng, "/link nonsense", "There is no ticket nonsense")
		refused(t, d.bob, d.engineering, eng, "/link TICK-LK3F9A2B-1A2B3C4D", "There is no ticket TICK-LK3F9A2B-1A2B3C4D")
		refused(t, d.bob, d.engineering, 0, "/link "+k.id, "works only in a topic")
		refused(t, d.ann, d.support, other.thread, "/link "+k.id, "belongs to another ticket: "+d.name(other)+"")
	})
	d.run(t, "rights are needed on both sides", func(t *testing.T) {
		refused(t, d.dora, d.engineering, eng, "/link "+k.id, "you need rights on both sides") // neither
		refused(t, d.bob, d.engineering, eng, "/link "+other.id, "you need rights on both sides")
		sales := topic(d.sales, d.carl, "Carl's own topic")
		// an administrator here, but not there
		refused(t, d.carl, d.sales, sales, "/link "+k.id, "you need rights on both sides")
	})
	d.run(t, "joins the topic: card, both told, both directions", func(t *testing.T) {
		d.say(d.bob, d.engineering, eng, "before the link")
		asked := d.say(d.bob, d.engineering, eng, "/link "+strings.ToLower(k.id))
		a := d.awaitAnswer(asked, "Bob linked this topic to ticket "+d.name(k))
		if !strings.Contains(a.Text, "Helpdesk") {
			t.Errorf("%q", a.Text)
		}
		d.say(d.bob, d.engineering, eng, "to home")
		d.say(d.bob, k.chat, k.thread, "from home")
		d.awaitText(k.chat, k.thread, "linked a topic in Engineering")
		d.awaitText(k.chat, k.thread, "to home")
		d.awaitText(d.engineering, eng, "from home")
		d.awaitText(d.engineering, eng, d.head(k))
		d.quiet(k)
		same(t, "copies", d.copies(k.chat, k.thread), []string{"to home"})
		if name := d.topic(d.engineering, eng).Name; name != "Bob's own topic" {
			t.Errorf("renamed to %q", name)
		}
	})
	d.run(t, "again: it is linked already", func(t *testing.T) {
		refused(t, d.bob, d.engineering, eng, "/link "+k.id, "is linked to that ticket already")
		refused(t, d.bob, k.chat, k.thread, "/link "+k.id, "is linked to that ticket already")
	})
	d.run(t, "unlink in the home topic is refused", func(t *testing.T) {
		refused(t, d.bob, k.chat, k.thread, "/unlink", "can't be unlinked")
	})
	d.run(t, "unlink by somebody without rights is refused", func(t *testing.T) {
		refused(t, d.dora, d.engineering, eng, "/unlink", "You may not use /unlink")
	})
	asked := d.say(d.bob, d.engineering, eng, "/ticket")
	d.awaitAnswer(asked, d.head(k))
	d.run(t, "unlink ends it: earlier messages are copied, both sides are told, the topic is free", func(t *testing.T) {
		d.say(d.bob, k.chat, k.thread, "just before")
		d.await("it is taken in: topics have no order between them", func() bool { return d.sim.Pending() == 0 })
		d.say(d.bob, d.engineering, eng, "/unlink")
		d.awaitText(d.engineering, eng, "Bob ended the link of Engineering")
		d.awaitText(k.chat, k.thread, "Bob ended the link of Engineering")
		d.say(d.bob, k.chat, k.thread, "after the end")
		d.say(d.bob, d.engineering, eng, "after the end, too")
		d.awaitAnswer(d.say(d.bob, d.engineering, eng, "/unlink"), "No ticket is linked here")
		d.awaitAnswer(d.say(d.bob, d.engineering, eng, "/ticket"), "can't be used here")
		d.quiet(k)
		same(t, "copies", d.copies(d.engineering, eng), []string{"from home", "just before"})
		same(t, "copies", d.copies(k.chat, k.thread), []string{"to home"})
	})
	d.run(t, "what was asked before the end comes again after a crash: it was answered", func(t *testing.T) {
		before := len(d.visible(d.engineering, eng))
		d.restart() // so that intake no longer knows what it handled
		d.must(d.sim.RawUpdate(fmt.Appendf(nil, `{"message":{"message_id":%d,"date":%d,"from":{"id":%d,"first_name":"Bob"},
			"chat":{"id":%d,"type":"supergroup","title":"Engineering","is_forum":true},
			"message_thread_id":%d,"is_topic_message":true,"text":"/ticket"}}`,
			asked.ID, asked.Date, d.bob, d.engineering, eng)))
		d.awaitAnswer(d.say(d.bob, d.engineering, eng, "/ticket"), "can't be used here")
		if n := len(d.visible(d.engineering, eng)) - before; n != 2 {
			t.Errorf("%d messages more", n)
		}
	})
	d.run(t, "link joins it again, from then on", func(t *testing.T) {
		d.awaitAnswer(d.say(d.bob, d.engineering, eng, "/link "+k.id), "linked this topic")
		d.say(d.bob, k.chat, k.thread, "we are back")
		d.say(d.bob, d.engineering, eng, "so are we")
		d.awaitText(d.engineering, eng, "we are back")
		d.awaitText(k.chat, k.thread, "so are we")
		d.quiet(k)
		same(t, "copies", d.copies(d.engineering, eng), []string{"from home", "just before", "we are back"})
		same(t, "copies", d.copies(k.chat, k.thread), []string{"to home", "so are we"})
	})
	d.run(t, "a topic that left while the ticket was closed is open again when it comes back", func(t *testing.T) {
		d.awaitAnswer(d.say(d.bob, k.chat, k.thread, "/close_ticket"), "closed this ticket")
		d.closedEverywhere(true, map[int64]int{k.chat: k.thread, d.engineering: eng})
		d.awaitText(d.engineering, eng, "closed this ticket")
		d.say(d.bob, d.engineering, eng, "/unlink")
		d.awaitText(k.chat, k.thread, "ended the link")
		d.press(d.bob, d.awaitText(k.chat, k.thread, d.head(k)), "reopen:") // a plain member can't write in a closed topic
		d.closedEverywhere(false, map[int64]int{k.chat: k.thread})
		d.awaitAnswer(d.say(d.bob, d.engineering, eng, "/link "+k.id), "linked this topic")
		d.closedEverywhere(false, map[int64]int{k.chat: k.thread, d.engineering: eng})
	})
	d.run(t, "two unlinks that both wait for Telegram's word end it once", func(t *testing.T) {
		adm, err := d.sim.AddPerson(simulator.Person{FirstName: "Adm"})
		d.must(err)
		d.must(d.sim.SetMember(d.engineering, adm.ID, simulator.Administrator))
		d.restart() // so that nobody remembers who the administrators are
		d.inject(simulator.Fault{Method: "getChatAdministrators", Kind: simulator.FaultSlow, Delay: 100e6})
		a, b := d.say(adm.ID, d.engineering, eng, "/unlink"), d.say(adm.ID, d.engineering, eng, "/unlink")
		d.awaitText(d.engineering, eng, "Adm ended the link")
		_ = a
		d.awaitAnswer(b, "No ticket is linked here")
	})
	d.run(t, "one topic, two tickets at the same moment: one of them gets it", func(t *testing.T) {
		mine := d.open(d.bob, k.chat, "Mine too")
		d.restart()
		d.inject(simulator.Fault{
			Method: "getChatAdministrators", Chat: d.engineering, Kind: simulator.FaultSlow, Delay: 100e6,
		})
		fresh := topic(d.engineering, d.bob, "Wanted by two")
		adm := d.bob
		d.say(adm, d.engineering, fresh, "/link "+k.id)
		d.say(adm, d.engineering, fresh, "/link "+mine.id)
		d.awaitText(d.engineering, fresh, "linked this topic")
		d.awaitText(d.engineering, fresh, "belongs to another ticket: ")
		d.quiet(k, mine)
	})
	d.run(t, "a closed ticket, and one whose home group the bot has left", func(t *testing.T) {
		fresh := topic(d.engineering, d.bob, "Late")
		d.must(d.sim.SetBot(k.chat, simulator.Kicked, simulator.BotRights{}))
		d.quiet()
		refused(t, d.bob, d.engineering, fresh, "/link "+k.id, "I am not in Helpdesk any more")
		d.must(d.sim.SetBot(k.chat, simulator.Administrator, simulator.BotRights{
			CanManageTopics: true, CanPinMessages: true,
		}))
		d.awaitText(k.chat, 0, "Helpdesk is registered")
		d.awaitAnswer(d.say(d.bob, k.chat, k.thread, "/close_ticket"), "closed this ticket")
		refused(t, d.bob, d.engineering, fresh, "/link "+k.id, "is closed, so /link can't be used")
	})
}

// support2 is a registered group in which Bob is a plain member.
func (d *desk) support2() int64 {
	d.t.Helper()
	chat := d.group("Helpdesk", map[int64]simulator.Role{d.ann: simulator.Creator, d.bob: simulator.Member})
	d.say(d.ann, chat, 0, "/register")
	d.awaitText(chat, 0, "is registered")
	return chat
}

// TestALinkIsToldBeforeItsFailure: while the home group has to wait, a topic joins the ticket and is lost again. People read
// both in this order.
func TestALinkIsToldBeforeItsFailure(t *testing.T) {
	t.Parallel()
	d := ready(t, options{speed: 20})
	k := d.open(d.ann, d.support, "Printer")
	d.must(d.sim.SetMember(d.support, d.bob, simulator.Administrator))
	d.quiet(k)
	eng, err := d.sim.CreateTopic(d.engineering, d.bob, "By hand")
	d.must(err)
	d.inject(simulator.Fault{Chat: d.support, Kind: simulator.Fault429, RetryAfter: 100})
	d.say(d.ann, d.support, k.thread, "/ticket")
	d.await("the group has to wait", func() bool {
		calls := d.sim.Calls()
		return slices.ContainsFunc(calls, func(c simulator.Call) bool { return c.Chat == d.support && c.Code == 429 })
	})
	d.awaitAnswer(d.say(d.bob, d.engineering, eng, "/link "+k.id), "linked this topic")
	d.inject(simulator.Fault{Method: "createForumTopic", Chat: d.engineering, Kind: simulator.Fault400, Description: "TOPICS_TOO_MUCH"})
	d.must(d.sim.DeleteTopic(d.engineering, d.bob, eng))
	d.say(d.ann, d.support, k.thread, "hello")
	d.awaitText(d.support, k.thread, "can't be opened again")
	joined, lost := -1, -1
	for i, m := range d.byBot(d.support, k.thread) {
		switch {
		case strings.Contains(m.Text, "Messages now go both ways"):
			joined = i
		case strings.Contains(m.Text, "can't be opened again"):
			lost = i
		}
	}
	if joined < 0 || lost < joined {
		t.Errorf("that messages go both ways is number %d, that they don't number %d", joined, lost)
	}
}
