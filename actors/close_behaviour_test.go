package actors_test

import (
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/simulator"
)

// closedEverywhere waits until the topics of a ticket are closed, or open, in Telegram.
func (d *desk) closedEverywhere(closed bool, places map[int64]int) {
	d.t.Helper()
	d.await("the topics are closed or open", func() bool {
		for chat, thread := range places {
			if d.topic(chat, thread).Closed != closed {
				return false
			}
		}
		return true
	})
}

func TestCloseAndReopen(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	k, eng, sales := three(t, d)
	places := map[int64]int{d.support: k.thread, d.engineering: eng, d.sales: sales}
	card := d.awaitText(d.support, k.thread, d.head(k))
	status := func(want string) {
		d.t.Helper()
		d.eventually("status "+want, func() bool { return d.record(k).Status == want })
	}
	d.run(t, "by command: told with the reason, card edited, all topics closed", func(t *testing.T) {
		d.awaitAnswer(d.say(d.ann, d.support, k.thread, "/close_ticket all is well"), "Ann closed this ticket")
		for chat, thread := range places {
			if m := d.awaitText(chat, thread, "closed this ticket"); !strings.Contains(m.Text, "Reason: all is well") {
				t.Errorf("%q", m.Text)
			}
		}
		d.closedEverywhere(true, places)
		d.await("card says closed", func() bool {
			m, _ := d.sim.Message(d.support, card.ID)
			return strings.Contains(m.Text, "Closed")
		})
		if r := d.record(k); r.Status != "closed" || r.ClosedAt.IsZero() {
			t.Errorf("%+v", r)
		}
	})
	d.run(t, "a second close says it is closed", func(t *testing.T) {
		d.awaitAnswer(d.say(d.ann, d.support, k.thread, "/close_ticket"), "is closed already")
	})
	d.run(t, "an administrator's message in a closed topic is mirrored and reopens nothing", func(t *testing.T) {
		d.say(d.bob, d.engineering, eng, "one more thing")
		d.awaitText(d.support, k.thread, "one more thing")
		d.awaitText(d.sales, sales, "one more thing")
		d.quiet(k)
		status("closed")
		d.closedEverywhere(true, places)
	})
	d.run(t, "reopen by command", func(t *testing.T) {
		d.say(d.ann, d.support, k.thread, "/reopen_ticket")
		for chat, thread := range places {
			d.awaitText(chat, thread, "Ann reopened this ticket")
		}
		d.closedEverywhere(false, places)
		d.awaitAnswer(d.say(d.ann, d.support, k.thread, "/reopen_ticket"), "is open already")
		d.say(d.eve, d.support, k.thread, "open again")
		d.awaitText(d.sales, sales, "open again")
	})
	d.run(t, "by the buttons of the card", func(t *testing.T) {
		d.press(d.ann, card, "close:")
		d.closedEverywhere(true, places)
		d.await("a button to reopen", func() bool { m, _ := d.sim.Message(d.support, card.ID); return len(m.Buttons) == 1 })
		d.press(d.ann, card, "reopen:")
		d.closedEverywhere(false, places)
		status("open")
	})
	d.run(t, "by hand in a linked topic", func(t *testing.T) {
		d.must(d.sim.CloseTopic(d.engineering, d.bob, eng))
		d.closedEverywhere(true, places)
		status("closed")
		d.must(d.sim.ReopenTopic(d.engineering, d.bob, eng))
		d.closedEverywhere(false, places)
		status("open")
	})
	d.run(t, "what was said before the close goes over before the notice and the closing", func(t *testing.T) {
		d.quiet(k)
		d.inject(simulator.Fault{
			Method: "sendMessage", Chat: d.engineering, Kind: simulator.FaultSlow, Delay: 100e6, Count: 3,
		})
		for _, text := range []string{"last 1", "last 2", "last 3"} {
			d.say(d.eve, d.support, k.thread, text)
		}
		d.say(d.ann, d.support, k.thread, "/close_ticket")
		d.closedEverywhere(true, places)
		var order []string
		for _, m := range d.sim.Messages(d.engineering, eng) {
			switch {
			case strings.Contains(m.Text, "last "):
				order = append(order, m.Text[len(m.Text)-6:])
			case m.Service != nil && m.Service.Kind == "forum_topic_closed":
				order = append(order, "closed")
			case strings.Contains(m.Text, "closed this ticket"):
				order = append(order, "told")
			}
		}
		same(t, "order", order[len(order)-5:], []string{"last 1", "last 2", "last 3", "told", "closed"})
	})
	d.run(t, "close and reopen at once end as the last command says", func(t *testing.T) {
		d.say(d.ann, d.support, k.thread, "/reopen_ticket")
		d.closedEverywhere(false, places)
		for range 3 {
			d.say(d.ann, d.support, k.thread, "/close_ticket")
			d.say(d.ann, d.support, k.thread, "/reopen_ticket")
		}
		d.quiet(k)
		status("open")
		d.closedEverywhere(false, places)
	})
	d.run(t, "where the closing waits for copies, the reopening does not overtake it", func(t *testing.T) {
		after := d.last(d.engineering)
		d.inject(simulator.Fault{
			Method: "sendMessage", Chat: d.engineering, Kind: simulator.FaultSlow, Delay: 100e6, Count: 4,
		})
		for _, text := range []string{"wait 1", "wait 2", "wait 3"} {
			d.say(d.eve, d.support, k.thread, text)
		}
		d.say(d.ann, d.support, k.thread, "/close_ticket solved")
		d.say(d.ann, d.support, k.thread, "/reopen_ticket")
		d.say(d.eve, d.support, k.thread, "still broken")
		d.quiet(k)
		told := strings.Join(d.arrived(d.engineering, eng, after), "; ")
		closed, reopened := strings.LastIndex(told, "closed this ticket"), strings.LastIndex(told, "reopened this ticket")
		if closed < 0 || reopened < closed || !strings.Contains(told, "still broken") {
			t.Errorf("%q", told)
		}
		d.closedEverywhere(false, places)
	})
	d.run(t, "a close that the service did not live to finish is finished", func(t *testing.T) {
		d.inject(simulator.Fault{Method: "closeForumTopic", Kind: simulator.Fault500, Count: -1})
		d.say(d.ann, d.support, k.thread, "/close_ticket")
		d.await("a try", func() bool {
			return d.calls("closeForumTopic", 0) > 0 && d.sim.Calls()[len(d.sim.Calls())-1].Code == 500
		})
		d.stop()
		d.sim.ClearFaults()
		d.start()
		d.closedEverywhere(true, places)
	})
}

func TestRename(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	k, eng, sales := three(t, d)
	number := d.number(k) + " "
	named := func(name string, places map[int64]int) {
		d.t.Helper()
		d.await("the name "+name, func() bool {
			for chat, thread := range places {
				if d.topic(chat, thread).Name != name {
					return false
				}
			}
			return true
		})
	}
	d.run(t, "by hand: the ticket, its card and the other topics follow", func(t *testing.T) {
		d.must(d.sim.RenameTopic(d.engineering, d.bob, eng, number+"Scanner"))
		named(number+"Scanner", map[int64]int{d.support: k.thread, d.sales: sales, d.engineering: eng})
		d.eventually("the title", func() bool { return d.record(k).Title == "Scanner" })
		card, _ := d.find(d.support, k.thread, d.head(k))
		d.await("the card", func() bool {
			m, _ := d.sim.Message(d.support, card.ID)
			return strings.Contains(m.Text, "Scanner")
		})
	})
	d.run(t, "without the number, which that topic loses and the others keep", func(t *testing.T) {
		d.must(d.sim.RenameTopic(d.support, d.ann, k.thread, "Fax"))
		named(number+"Fax", map[int64]int{d.sales: sales, d.engineering: eng})
		named("Fax", map[int64]int{d.support: k.thread})
	})
	d.run(t, "the bot's own renaming starts nothing", func(t *testing.T) {
		d.quiet(k)
		n := d.calls("editForumTopic", 0)
		d.say(d.ann, d.support, k.thread, "still there?")
		d.awaitText(d.engineering, eng, "still there?")
		if d.calls("editForumTopic", 0) != n {
			t.Error("renamed again")
		}
	})
}
