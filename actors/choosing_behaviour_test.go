package actors_test

import (
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/simulator"
)

// newcomerInBoth is somebody in Support and Engineering who has never written to the bot.
func (d *desk) newcomerInBoth(name string) int64 {
	d.t.Helper()
	who := d.newcomer(name)
	d.must(d.sim.SetMember(d.engineering, who, simulator.Member))
	return who
}

// awaitSaid waits until the desk has written down that a word of its own was the last one to somebody.
func (d *desk) awaitSaid(who int64, m simulator.Message) {
	d.t.Helper()
	d.eventually("the desk has written down what it said last", func() bool {
		word := asks[*messages.WordFound](d, messages.KindQuery, "", &messages.FindWord{Place: messages.UserPlace(who)})
		return word.MessageId >= int64(m.ID)
	})
}

const whereYouChoose = "as soon as you choose where it is opened"

// TestWhatANewcomerWritesWhileTheyChoose goes into the ticket whose group they choose, and into no later one.
func TestWhatANewcomerWritesWhileTheyChoose(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	pick := func(who int64, choice simulator.Message, chat int64, title string) *ticket {
		d.t.Helper()
		d.press(who, choice, "pick:"+ticketOf(choice)+":g"+itoa64(chat))
		return d.openedPrivately(who, chat, title)
	}
	describes := func(t *testing.T, k *ticket, want string) {
		t.Helper()
		if r := d.record(k); r.Description != want {
			t.Errorf("the description of %s is %q, not %q", r.Title, r.Description, want)
		}
	}
	d.run(t, "words and media, after a restart", func(t *testing.T) {
		who := d.newcomerInBoth("Narisa")
		asked := d.awaitAnswer(d.say(who, who, 0, "Server ALPHA is down"), "passed on to nobody")
		d.press(who, asked, "new")
		choice := d.awaitText(who, 0, "Where should Server ALPHA")
		secret := d.say(who, who, 0, "The root password is FRESH-0")
		if answer := d.awaitAnswer(secret, whereYouChoose); len(answer.Buttons) > 0 {
			t.Errorf("the answer has buttons: %v", answer.Buttons)
		}
		d.edit(secret, "The root password is FRESH-1")
		d.awaitAnswer(d.post(simulator.Post{From: who, Chat: who, Text: "See the rack", Media: upload("photo")}), whereYouChoose)
		mistaken := d.say(who, who, 0, "Wrong")
		d.awaitAnswer(mistaken, whereYouChoose)
		d.awaitAnswer(d.reply(who, who, mistaken, "/delete"), "was not passed on")
		d.quiet()
		d.restart()
		first := pick(who, choice, d.engineering, "Server ALPHA is down")
		describes(t, first, "Server ALPHA is down\n\nThe root password is FRESH-1")
		if r := d.record(first); len(r.Enclosures) != 1 || r.Enclosures[0].Text != "See the rack" {
			t.Errorf("the enclosures are %+v", r.Enclosures)
		}
		holiday := d.awaitAnswer(d.say(who, who, 0, "/create_ticket Holiday request"), "Where should Holiday")
		describes(t, pick(who, holiday, d.support, "Holiday request"), "")
	})
	d.run(t, "of two drafts, the one that is chosen first", func(t *testing.T) {
		who := d.newcomerInBoth("Oran")
		d.awaitAnswer(d.say(who, who, 0, "/create_ticket Lamp"), "Where should Lamp")
		d.awaitAnswer(d.say(who, who, 0, "It flickers"), whereYouChoose)
		desk := d.awaitAnswer(d.say(who, who, 0, "/create_ticket Desk"), "Where should Desk")
		lamp, _ := d.find(who, 0, "Where should Lamp")
		describes(t, pick(who, lamp, d.support, "Lamp"), "It flickers")
		describes(t, pick(who, desk, d.engineering, "Desk"), "")
	})
	d.run(t, "a draft that is dropped gives them back", func(t *testing.T) {
		who := d.newcomerInBoth("Pim")
		choice := d.awaitAnswer(d.say(who, who, 0, "/create_ticket Chair"), "Where should Chair")
		d.awaitAnswer(d.say(who, who, 0, "It squeaks"), whereYouChoose)
		d.press(who, choice, "pdrop:")
		again := d.awaitAnswer(d.say(who, who, 0, "/create_ticket The chair"), "Where should The chair")
		describes(t, pick(who, again, d.support, "The chair"), "It squeaks")
	})
	d.run(t, "a choice that is refused keeps them for the next", func(t *testing.T) {
		who := d.newcomerInBoth("Qiu")
		choice := d.awaitAnswer(d.say(who, who, 0, "/create_ticket Cable"), "Where should Cable")
		d.awaitAnswer(d.say(who, who, 0, "It is loose"), whereYouChoose)
		d.must(d.sim.SetMember(d.engineering, who, simulator.Left))
		d.press(who, choice, "pick:"+ticketOf(choice)+":g"+itoa64(d.engineering))
		next := d.awaitText(who, 0, "You can't open Cable")
		d.awaitAnswer(d.say(who, who, 0, "Quite loose"), whereYouChoose)
		describes(t, pick(who, next, d.support, "Cable"), "It is loose\n\nQuite loose")
	})
}

// TestWhatIsWrittenWhileAGroupIsAskedFor by somebody who has another ticket is not passed on to that one in silence.
func TestWhatIsWrittenWhileAGroupIsAskedFor(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	who := d.newcomerInBoth("Narisa")
	server := d.openPrivately(who, d.engineering, "Server")
	nowhere := func(t *testing.T, part string) {
		t.Helper()
		d.quiet(server)
		if _, found := d.find(d.engineering, server.thread, part); found {
			t.Errorf("%q went to the current ticket", part)
		}
	}
	chosen := func(title string) simulator.Message {
		choice := d.choice(who, title)
		d.awaitSaid(who, choice)
		return choice
	}
	choice := chosen("Holiday request")
	d.run(t, "it waits, and the draft may have it", func(t *testing.T) {
		asked := d.awaitAnswer(d.say(who, who, 0, "I am ill, for HR only"), unclear)
		d.quiet(server)
		nowhere(t, "ill")
		d.restart()
		d.press(who, asked, "mean:"+ticketOf(choice))
		d.became(asked, "✅ Taken for Holiday request.")
		nowhere(t, "ill")
	})
	d.run(t, "the current ticket, too", func(t *testing.T) {
		asked := d.awaitAnswer(d.say(who, who, 0, "The server is up again"), unclear)
		d.press(who, asked, "mean:"+server.id)
		d.awaitText(d.engineering, server.thread, "The server is up again")
		nowhere(t, "ill")
	})
	d.press(who, choice, "pick:"+ticketOf(choice)+":g"+itoa64(d.support))
	holiday := d.openedPrivately(who, d.support, "Holiday request")
	if r := d.record(holiday); r.Description != "I am ill, for HR only" {
		t.Errorf("the description is %q", r.Description)
	}
	nowhere(t, "ill")
	d.run(t, "what was said for a draft is dropped with it", func(t *testing.T) {
		choice := chosen("Pay rise")
		asked := d.awaitAnswer(d.say(who, who, 0, "For the boss only"), unclear)
		d.press(who, asked, "mean:"+ticketOf(choice))
		d.became(asked, "✅ Taken for Pay rise.")
		if a := d.press(who, choice, "pdrop:"); !strings.Contains(a.Text, "What you wrote for it was passed on to nobody") {
			t.Errorf("%q", a.Text)
		}
		d.settled(who, who, server)
		nowhere(t, "boss")
		if asked := d.byBot(who, 0); strings.Contains(asked[len(asked)-1].Text, "still waits") {
			t.Error("it is asked about again")
		}
	})
}
