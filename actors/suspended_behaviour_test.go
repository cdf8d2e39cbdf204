package actors_test

import (
	"strings"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/simulator"
)

// texts counts the bot's messages in a thread that contain a text.
func (d *desk) texts(chat int64, thread int, part string) int {
	n := 0
	for _, m := range d.byBot(chat, thread) {
		if strings.Contains(m.Text, part) {
			n++
		}
	}
	return n
}

var fullRights = simulator.BotRights{Status: simulator.Administrator, CanManageTopics: true, CanPinMessages: true}

func TestBotRemovedFromAGroup(t *testing.T) {
	if testing.Short() {
		t.Skip("long: waits for hours, by a clock that runs fast")
	}
	t.Parallel()
	d := ready(t, options{speed: 20})
	k := d.open(d.ann, d.support, "Printer")
	eng := d.mention(d.ann, k, "bob_eng", d.engineering)
	sales := d.mention(d.ann, k, "dora_s", d.sales)
	d.quiet(k)
	var want []string
	say := func(n int) {
		for range n {
			text := "waiting " + itoa(len(want))
			d.say(d.ann, d.support, k.thread, text)
			want = append(want, text)
		}
		d.awaitText(d.sales, sales, want[len(want)-1])
	}
	d.run(t, "the other sides are told once, others go on", func(t *testing.T) {
		d.must(d.sim.SetBot(d.engineering, simulator.Kicked, simulator.BotRights{}))
		say(30)
		word := d.awaitText(d.support, k.thread, "can't write in Engineering")
		if !strings.Contains(word.Text, "kicked") {
			t.Errorf("%q", word.Text)
		}
		d.awaitText(d.sales, sales, "can't write in Engineering")
		if n := d.texts(d.support, k.thread, "did not reach"); n != 0 {
			t.Errorf("%d given up", n)
		}
	})
	d.run(t, "across a restart, told no second time, and hardly called", func(t *testing.T) {
		calls := d.calls("sendMessage", d.engineering)
		d.restart()
		say(30)
		if n := d.texts(d.support, k.thread, "can't write in Engineering"); n != 1 {
			t.Errorf("told %d times", n)
		}
		if n := d.calls("sendMessage", d.engineering) - calls; n > 8 {
			t.Errorf("%d calls", n)
		}
	})
	d.run(t, "the ticket closes where the bot may write", func(t *testing.T) {
		d.say(d.ann, d.support, k.thread, "/close_ticket")
		d.await("closed in Support and Sales", func() bool {
			return d.topic(d.support, k.thread).Closed && d.topic(d.sales, sales).Closed
		})
		d.say(d.ann, d.support, k.thread, "/reopen_ticket")
		d.await("open again", func() bool { return !d.topic(d.support, k.thread).Closed && !d.topic(d.sales, sales).Closed })
	})
	d.run(t, "everything goes out, in order and once, when it returns", func(t *testing.T) {
		say(1)
		d.must(d.sim.SetBot(d.engineering, simulator.Administrator, fullRights))
		d.awaitText(d.engineering, eng, want[len(want)-1])
		d.quiet(k)
		same(t, "copies", d.copies(d.engineering, eng), want)
		d.eventually("the ticket knows", func() bool { return d.record(k).Links[0].Topic.Suspended == "" })
	})
	d.run(t, "when it happens again it is told again; rights that come back silently are found out", func(t *testing.T) {
		forbidden := d.clock.Now()
		d.inject(simulator.Fault{Method: "sendMessage", Chat: d.engineering, Kind: simulator.Fault403,
			Description: "not enough rights to send text messages to the chat", Count: -1})
		say(2)
		d.await("told again", func() bool { return d.texts(d.support, k.thread, "can't write in Engineering") == 2 })
		d.sim.ClearFaults()
		start := d.clock.Now()
		d.awaitText(d.engineering, eng, want[len(want)-1])
		// It is looked at after a minute, then after twice as long each time.
		if took, most := d.clock.Now().Sub(start), 5*time.Minute+2*start.Sub(forbidden); took > most {
			t.Errorf("after %v, %v at most", took, most)
		}
		d.quiet(k)
		same(t, "copies", d.copies(d.engineering, eng), want)
	})
	d.run(t, "the home group: the linked topics are told, and what they say waits", func(t *testing.T) {
		d.must(d.sim.SetBot(d.support, simulator.Left, simulator.BotRights{}))
		d.say(d.bob, d.engineering, eng, "can you hear me")
		d.awaitText(d.engineering, eng, "can't write in Support")
		d.awaitText(d.sales, sales, "can you hear me")
		d.awaitText(d.sales, sales, "can't write in Support")
		d.must(d.sim.SetBot(d.support, simulator.Administrator, fullRights))
		d.awaitText(d.support, k.thread, "can you hear me")
		d.quiet(k)
	})
}

func TestOneKindForbidden(t *testing.T) {
	t.Parallel()
	d := ready(t, options{speed: 20})
	k := d.open(d.ann, d.support, "Printer")
	eng := d.mention(d.ann, k, "bob_eng", d.engineering)
	// The bot lacks a right that only one kind of message needs: that copy fails, and nothing waits.
	d.inject(simulator.Fault{Method: "sendMessage", Chat: d.engineering, Kind: simulator.Fault400,
		Description: "not enough rights to send stickers to the chat"})
	m := d.say(d.ann, d.support, k.thread, "as if it were a sticker")
	d.say(d.ann, d.support, k.thread, "a text")
	d.awaitText(d.engineering, eng, "a text")
	d.awaitAnswer(m, "did not reach Engineering")
	d.quiet(k)
	same(t, "copies", d.copies(d.engineering, eng), []string{"a text"})
	if n := d.texts(d.support, k.thread, "can't write"); n != 0 {
		t.Errorf("told %d times", n)
	}
}

func TestDeletedTopicWhereTopicsMayNotBeOpened(t *testing.T) {
	t.Parallel()
	d := ready(t, options{speed: 20})
	k := d.open(d.ann, d.support, "Printer")
	eng := d.mention(d.ann, k, "bob_eng", d.engineering)
	d.quiet(k)
	rights := fullRights
	rights.CanManageTopics = false
	d.must(d.sim.SetBot(d.engineering, simulator.Administrator, rights))
	d.must(d.sim.DeleteTopic(d.engineering, d.bob, eng))
	d.say(d.ann, d.support, k.thread, "one")
	d.awaitText(d.support, k.thread, "can't write in Engineering")
	d.restart()
	d.say(d.ann, d.support, k.thread, "two")
	d.must(d.sim.SetBot(d.engineering, simulator.Administrator, fullRights))
	again := d.newTopic(d.engineering, eng).Thread
	d.awaitText(d.engineering, again, "two")
	d.quiet(k)
	same(t, "copies", d.copies(d.engineering, again), []string{"one", "two"})
	if n := d.texts(d.support, k.thread, "can't write"); n != 1 {
		t.Errorf("told %d times", n)
	}
}

// What happens to messages while the bot may not write in the chat is shown as soon as it may.
func TestEditsWhileTheBotIsAway(t *testing.T) {
	t.Parallel()
	d := ready(t, options{speed: 20})
	k := d.open(d.ann, d.support, "Printer")
	eng := d.mention(d.ann, k, "bob_eng", d.engineering)
	m := d.say(d.ann, d.support, k.thread, "first words")
	d.awaitText(d.engineering, eng, "first words")
	d.must(d.sim.SetBot(d.engineering, simulator.Kicked, simulator.BotRights{}))
	_, err := d.sim.Edit(d.ann, d.support, m.ID, "ข้อความที่แก้ไขแล้ว") // the edited text
	d.must(err)
	d.say(d.ann, d.support, k.thread, "and more")
	d.awaitText(d.support, k.thread, "can't write in Engineering")
	d.restart()
	d.must(d.sim.SetBot(d.engineering, simulator.Administrator, fullRights))
	d.awaitText(d.engineering, eng, "ข้อความที่แก้ไขแล้ว")
	d.awaitText(d.engineering, eng, "and more")
	d.quiet(k)
	if n := d.texts(d.support, k.thread, "did not reach"); n > 0 {
		t.Errorf("%d given up", n)
	}
}

// TestTwoTopicsOfAGroupAreToldOnce: that the bot can't write in a group is said once, however many colleagues of it are on the ticket.
func TestTwoTopicsOfAGroupAreToldOnce(t *testing.T) {
	t.Parallel()
	d := ready(t, options{speed: 20})
	d.say(d.carl, d.engineering, 0, "/default_group")
	d.awaitText(d.engineering, 0, "Carl, tickets")
	k := d.open(d.ann, d.support, "Printer")
	d.mention(d.ann, k, "bob_eng", d.engineering)
	d.awaitAnswer(d.say(d.ann, d.support, k.thread, "/mention @carl"), "Carl is on the ticket now")
	d.quiet(k)
	d.must(d.sim.SetBot(d.engineering, simulator.Kicked, simulator.BotRights{}))
	d.say(d.ann, d.support, k.thread, "Is it done?")
	d.eventually("both topics wait", func() bool {
		links := d.record(k).Links
		return links[0].Topic.Suspended != "" && links[1].Topic.Suspended != ""
	})
	d.awaitText(d.support, k.thread, "can't write in Engineering")
	d.must(d.sim.SetBot(d.engineering, simulator.Administrator, fullRights))
	for _, link := range d.record(k).Links {
		d.awaitText(d.engineering, int(link.Topic.TelegramTopicID), "Is it done?")
	}
	d.quiet(k)
	if n := d.texts(d.support, k.thread, "can't write"); n != 1 {
		t.Errorf("told %d times", n)
	}
}
