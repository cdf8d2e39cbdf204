package actors_test

import (
	"strings"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/simulator"
)

// linksTopic has a program link a topic of Engineering to a ticket, and returns the link's id.
func (d *desk) linksTopic(k *ticket, thread int) string {
	d.t.Helper()
	o := program()
	o.Place, o.ChatId, o.ThreadId = messages.GroupPlace(d.engineering), d.engineering, int64(thread)
	return d.does(k.id, &messages.LinkTopic{Origin: o}, "").LinkId
}

// linkState is the state of a link as the API shows it.
func (d *desk) linkState(k *ticket, id string) string {
	d.t.Helper()
	for _, l := range asks[*messages.LinkRecords](d, messages.KindQuery, "", &messages.ListLinkRecords{TicketId: k.id}).Links {
		if l.LinkId == id {
			return l.State
		}
	}
	return ""
}

// events counts the ticket's events of a type.
func (d *desk) events(k *ticket, kind string) (n int) {
	d.t.Helper()
	all, _ := d.told(k)
	for _, e := range all {
		if e.Type == kind {
			n++
		}
	}
	return n
}

// TestProgramLinksATopic: the Bot API can't look a topic up, so a link by a program is pending until its card is there.
func TestProgramLinksATopic(t *testing.T) {
	t.Parallel()
	d := ready(t, options{speed: 20})
	k := d.opens("Printer")
	d.quiet(k)
	d.run(t, "one that never was: pending, also over a restart, then failed, with an event; nobody in Telegram hears of it", func(t *testing.T) {
		const nowhere = 990099
		down := simulator.Fault{Chat: d.engineering, Kind: simulator.Fault500, Count: -1}
		d.inject(down)
		topics, home := len(d.sim.Topics(d.engineering)), len(d.visible(k.chat, k.thread))
		id := d.linksTopic(k, nowhere)
		if s := d.linkState(k, id); s != "pending" {
			t.Errorf("at first it is %s", s)
		}
		d.await("Telegram is asked", func() bool { return d.calls("sendMessage", d.engineering) > 0 })
		d.restart()
		if s := d.linkState(k, id); s != "pending" {
			t.Errorf("before Telegram has answered it is %s", s)
		}
		d.say(d.ann, k.chat, k.thread, "said meanwhile")
		d.sim.ClearFaults()
		_, data := d.awaitTold(k, messages.EventTopicFailed, 1)
		if data.Topic.TopicID != id || data.Topic.State != "failed" || !strings.Contains(data.Reason, "no such topic") {
			t.Errorf("the event tells %+v", data)
		}
		if s := d.linkState(k, id); s != "failed" {
			t.Errorf("in the end it is %s", s)
		}
		d.quiet(k)
		if n := d.events(k, messages.EventTopicLinked); n != 0 {
			t.Errorf("%d of topic.linked", n)
		}
		if n := len(d.sim.Topics(d.engineering)); n != topics {
			t.Errorf("%d topics in Engineering, %d before", n, topics)
		}
		if n := len(d.visible(k.chat, k.thread)); n != home+1 {
			t.Errorf("%d messages in the home topic, %d before and one said", n, home)
		}
		if n := d.into(0, d.engineering, nowhere); n > 4 {
			t.Errorf("%d calls into nowhere", n)
		}
	})
	eng, err := d.sim.CreateTopic(d.engineering, d.bob, "By hand")
	d.must(err)
	d.run(t, "one that can't be reached for now can be linked again", func(t *testing.T) {
		d.inject(simulator.Fault{Chat: d.engineering, Thread: eng, Kind: simulator.Fault400, Description: "message thread not found"})
		d.linksTopic(k, eng)
		d.awaitTold(k, messages.EventTopicFailed, 2)
		d.quiet(k)
	})
	d.run(t, "one whose card Telegram refuses: failed, with what Telegram said", func(t *testing.T) {
		d.inject(simulator.Fault{Chat: d.engineering, Thread: eng, Kind: simulator.Fault400, Description: "WORDS_TOO_LOUD"})
		id := d.linksTopic(k, eng)
		_, data := d.awaitTold(k, messages.EventTopicFailed, 3)
		if data.Topic.TopicID != id || !strings.Contains(data.Reason, "WORDS_TOO_LOUD") {
			t.Errorf("the event tells %+v", data)
		}
		d.quiet(k)
		if s, n := d.linkState(k, id), d.events(k, messages.EventTopicLinked); s != "failed" || n != 0 {
			t.Errorf("it is %s, with %d of topic.linked", s, n)
		}
	})
	d.run(t, "one that exists: active, with an event and both notices; what was said meanwhile arrives", func(t *testing.T) {
		d.inject(simulator.Fault{Chat: d.engineering, Kind: simulator.Fault500, Count: -1})
		id := d.linksTopic(k, eng)
		d.say(d.ann, k.chat, k.thread, "from home")
		d.say(d.bob, d.engineering, eng, "to home")
		d.awaitText(k.chat, k.thread, "to home")
		if s := d.linkState(k, id); s != "pending" {
			t.Errorf("at first it is %s", s)
		}
		d.sim.ClearFaults()
		_, data := d.awaitTold(k, messages.EventTopicLinked, 1)
		if data.Topic.TopicID != id || data.Topic.State != "open" || data.Actor == nil || data.Actor.Name != "CRM" {
			t.Errorf("the event tells %+v", data)
		}
		d.awaitText(d.engineering, eng, "CRM linked this topic to ticket")
		d.awaitText(k.chat, k.thread, "CRM linked a topic in Engineering")
		d.awaitText(d.engineering, eng, "from home")
		d.quiet(k)
		if s := d.linkState(k, id); s != "active" {
			t.Errorf("in the end it is %s", s)
		}
		same(t, "copies", d.copies(d.engineering, eng), []string{"from home"})
	})
	d.run(t, "where the bot may not write: pending until it may, and home hears nothing of it", func(t *testing.T) {
		muted, err := d.sim.CreateTopic(d.engineering, d.bob, "Muted")
		d.must(err)
		calls := len(d.sim.Calls())
		d.inject(simulator.Fault{Chat: d.engineering, Thread: muted, Kind: simulator.Fault403, Count: -1,
			Description: "bot was kicked from the supergroup chat"})
		id := d.linksTopic(k, muted)
		d.await("Telegram is asked", func() bool { return d.into(calls, d.engineering, muted) > 0 })
		if s := d.linkState(k, id); s != "pending" {
			t.Errorf("at first it is %s", s)
		}
		d.sim.ClearFaults()
		d.awaitTold(k, messages.EventTopicLinked, 2)
		d.quiet(k)
		if _, found := d.find(k.chat, k.thread, "can't write in Engineering"); found {
			t.Error("home heard of it")
		}
	})
	d.run(t, "taken back before Telegram has answered: nothing is said of it, and what was said meanwhile holds nothing up", func(t *testing.T) {
		other, err := d.sim.CreateTopic(d.engineering, d.bob, "Another")
		d.must(err)
		for _, thread := range []int{other, 990098} { // the latter never was
			d.inject(simulator.Fault{Chat: d.engineering, Kind: simulator.Fault500, Count: -1})
			id := d.linksTopic(k, thread)
			said := d.say(d.ann, k.chat, k.thread, "said to nobody there")
			d.eventually("it is recorded", func() bool {
				_, err := d.store.Message(d.t.Context(), messages.MessageKey(k.chat, int64(said.ID)))
				return err == nil
			})
			d.does(k.id, &messages.UnlinkTopic{Origin: program(), LinkId: id}, "")
			d.sim.ClearFaults()
			d.quiet(k)
			if s := d.linkState(k, id); s != "ended" {
				t.Errorf("the link with %d is %s", thread, s)
			}
		}
		for _, m := range d.byBot(k.chat, k.thread) {
			if strings.Contains(m.Text, "ended the link") {
				t.Errorf("home reads %q", m.Text)
			}
		}
		d.awaitAnswer(d.say(d.ann, k.chat, k.thread, "/close_ticket"), "Ann closed this ticket")
		d.closedEverywhere(true, map[int64]int{k.chat: k.thread})
		same(t, "copies", d.copies(d.engineering, other), nil)
	})
}

// TestACardSaysThatATopicIsThere: a topic that seemed to be deleted is there once a card has arrived in it.
func TestACardSaysThatATopicIsThere(t *testing.T) {
	t.Parallel()
	d := ready(t, options{speed: 20})
	k := d.opens("Printer")
	d.quiet(k)
	eng, err := d.sim.CreateTopic(d.engineering, d.bob, "By hand")
	d.must(err)
	d.inject(simulator.Fault{Chat: d.engineering, Thread: eng, Kind: simulator.Fault400, Count: -1, Description: "message thread not found"})
	calls := len(d.sim.Calls())
	d.say(d.bob, d.engineering, eng, "/close_ticket") // the bot can't answer that there is none
	d.await("Telegram is asked", func() bool { return d.into(calls, d.engineering, eng) > 0 })
	d.quiet(k)
	d.sim.ClearFaults()
	checks := d.calls("editForumTopic", d.engineering)
	d.linksTopic(k, eng)
	d.awaitText(d.engineering, eng, "CRM linked this topic to ticket")
	d.quiet(k)
	if n := d.calls("editForumTopic", d.engineering) - checks; n > 0 {
		t.Errorf("%d calls ask whether it is there", n)
	}
}

// TestACardIsCalledThoughItsTopicSeemsGone: a card that waits behind a call which says that there is no such topic is
// called all the same.
func TestACardIsCalledThoughItsTopicSeemsGone(t *testing.T) {
	t.Parallel()
	d := ready(t, options{speed: 20})
	k := d.opens("Printer")
	d.quiet(k)
	eng, err := d.sim.CreateTopic(d.engineering, d.bob, "By hand")
	d.must(err)
	// Flood control holds the answer and the card back together.
	d.inject(simulator.Fault{Chat: d.engineering, Thread: eng, Kind: simulator.Fault429, RetryAfter: 2})
	d.inject(simulator.Fault{Chat: d.engineering, Thread: eng, Kind: simulator.Fault400, Description: "message thread not found"})
	calls := len(d.sim.Calls())
	d.say(d.bob, d.engineering, eng, "/close_ticket") // the bot can't answer that there is none
	d.await("Telegram is asked", func() bool { return d.into(calls, d.engineering, eng) > 0 })
	d.linksTopic(k, eng)
	d.awaitText(d.engineering, eng, "CRM linked this topic to ticket")
	d.awaitText(k.chat, k.thread, "CRM linked a topic in Engineering")
}

// TestNoAnswerProvesNoTopic: while no answer to its card arrives, a link by a program is pending, however long that takes.
func TestNoAnswerProvesNoTopic(t *testing.T) {
	t.Parallel()
	d := ready(t, options{speed: 200})
	k := d.opens("Printer")
	d.quiet(k)
	eng, err := d.sim.CreateTopic(d.engineering, d.bob, "By hand")
	d.must(err)
	d.inject(simulator.Fault{Chat: d.engineering, Kind: simulator.FaultReset, Count: -1})
	id, linked := d.linksTopic(k, eng), d.clock.Now()
	d.eventually("a chat has given the call up", func() bool { return d.clock.Now().Sub(linked) > 10*time.Minute })
	if s, n := d.linkState(k, id), d.events(k, messages.EventTopicLinked); s != "pending" || n != 0 {
		t.Errorf("without an answer it is %s, with %d of topic.linked", s, n)
	}
	d.sim.ClearFaults()
	d.awaitTold(k, messages.EventTopicLinked, 1)
	d.awaitText(d.engineering, eng, "CRM linked this topic to ticket")
	d.quiet(k)
}
