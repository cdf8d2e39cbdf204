package actors_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/simulator"
)

// openInTopic has somebody open a ticket from their private chat, which has topics, and waits until they can write on
// it. It returns the ticket, and the thread of its topic in the private chat.
func (d *desk) openInTopic(by, chat int64, title string) (*ticket, int) {
	d.t.Helper()
	choice := d.choice(by, title)
	d.press(by, choice, "pick:"+ticketOf(choice)+":g"+itoa64(chat))
	k := &ticket{chat: chat, id: d.announced(by, 0, title)}
	k.thread = d.topicNamed(chat, title).Thread
	d.introduced(chat, k.thread)
	thread := d.topicNamed(by, title).Thread
	d.introduced(by, thread)
	d.eventually("the person's draft is done", func() bool {
		u, err := d.store.User(d.t.Context(), by)
		return err == nil && len(u.Drafts) == 0
	})
	return k, thread
}

// liveTopics lists the topics of a chat that are not deleted.
func (d *desk) liveTopics(chat int64) []simulator.Topic {
	return slices.DeleteFunc(d.sim.Topics(chat), func(t simulator.Topic) bool { return t.Deleted })
}

// reopenedTopic waits for the topic that replaces a deleted one in a chat, and for its card.
func (d *desk) reopenedTopic(chat int64, prefix string, former int) int {
	d.t.Helper()
	var thread int
	d.await("another topic "+prefix, func() bool {
		for _, topic := range d.liveTopics(chat) {
			if thread = topic.Thread; thread != former && strings.HasPrefix(unnumbered(topic.Name), prefix) {
				return true
			}
		}
		return false
	})
	d.introduced(chat, thread)
	return thread
}

func TestPrivateTopics(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	d.asksAfterClosing()
	d.must(d.sim.SetTopics(d.ann, true))
	printer, p := d.openInTopic(d.ann, d.support, "Printer")
	scanner, s := d.openInTopic(d.ann, d.support, "Scanner")
	d.run(t, "each ticket has a topic there, named like the ticket", func(t *testing.T) {
		name := func(chat int64, thread int) string { return d.topic(chat, thread).Name }
		same(t, "names", []string{name(d.ann, p), name(d.ann, s)},
			[]string{name(d.support, printer.thread), name(d.support, scanner.thread)})
	})
	d.run(t, "what is said in a topic goes to its ticket, and the answers come into it", func(t *testing.T) {
		d.say(d.ann, d.ann, p, "It smells of smoke")
		d.say(d.ann, d.ann, s, "It eats paper")
		smoke := d.awaitText(d.support, printer.thread, "It smells of smoke")
		d.awaitText(d.support, scanner.thread, "It eats paper")
		d.quiet(printer, scanner) // nobody answers before the desk knows where its copy is
		d.reply(d.carl, d.support, smoke, "Pull the plug")
		answer := d.awaitText(d.ann, p, "Pull the plug")
		if answer.Text != "Carl\nPull the plug" {
			t.Errorf("the answer is %q", answer.Text)
		}
		if said, _ := d.sim.Message(d.ann, answer.ReplyTo); said.Text != "It smells of smoke" {
			t.Errorf("it answers %q", said.Text)
		}
		d.quiet(printer)
		if d.reply(d.ann, d.ann, answer, "Done"); d.awaitText(d.support, printer.thread, "Done").ReplyTo == 0 {
			t.Error("the answer to the answer answers nothing")
		}
	})
	d.run(t, "commands and buttons there are about its ticket", func(t *testing.T) {
		d.awaitAnswer(d.say(d.ann, d.ann, p, "/priority urgent"), "changed the priority")
		if m, found := d.find(d.ann, s, "changed the priority"); found {
			t.Errorf("the other topic reads %q", m.Text)
		}
		card, _ := d.find(d.ann, p, d.head(printer))
		d.press(d.ann, card, "close:")
		d.awaitText(d.ann, p, "closed your ticket "+d.name(printer))
		d.quiet(printer, scanner)
		if d.record(printer).Status != "closed" || d.record(scanner).Status == "closed" {
			t.Error("the wrong ticket is closed")
		}
		asked := d.awaitAnswer(d.say(d.ann, d.ann, p, "It burns again"), "Not passed on")
		d.press(d.ann, asked, "say:"+printer.id)
		d.awaitText(d.support, printer.thread, "It burns again")
		d.awaitText(d.ann, p, "reopened your ticket "+d.name(printer))
	})
	d.run(t, "there is no current ticket there", func(t *testing.T) {
		if list := d.awaitAnswer(d.say(d.ann, d.ann, p, "/tickets"), "You have 2 open tickets"); len(list.Buttons) > 0 {
			t.Errorf("the list has the buttons %v", list.Buttons)
		}
		if m, found := d.find(d.ann, simulator.AllThreads, "Your current ticket"); found {
			t.Errorf("the person reads %q", m.Text)
		}
	})
	d.run(t, "closing makes no call there: Telegram closes no topics of private chats", func(t *testing.T) {
		if n := d.calls("closeForumTopic", d.ann) + d.calls("reopenForumTopic", d.ann); n != 0 {
			t.Errorf("%d calls", n)
		}
	})
	d.run(t, "outside of the topics the current ticket counts, and replies", func(t *testing.T) {
		d.say(d.ann, d.ann, 0, "about the scanner")
		d.awaitText(d.support, scanner.thread, "about the scanner")
		own, err := d.sim.CreateTopic(d.ann, d.ann, "Thoughts")
		d.must(err)
		d.say(d.ann, d.ann, own, "still about the scanner")
		d.awaitText(d.support, scanner.thread, "still about the scanner")
		d.awaitAnswer(d.say(d.ann, d.ann, own, "/close_ticket"), "closed your ticket "+d.name(scanner))
		d.awaitText(d.ann, s, "closed your ticket "+d.name(scanner))
		d.awaitAnswer(d.say(d.ann, d.ann, own, "/reopen_ticket"), "reopened your ticket "+d.name(scanner))
	})
	d.run(t, "how people name a topic there is theirs", func(t *testing.T) {
		d.must(d.sim.RenameTopic(d.ann, d.ann, p, "my old enemy"))
		d.quiet(printer)
		if title := d.record(printer).Title; title != "Printer" {
			t.Errorf("the ticket is %q", title)
		}
		if name := d.topic(d.ann, p).Name; name != "my old enemy" {
			t.Errorf("the topic is %q", name)
		}
	})
	d.run(t, "after a restart it goes on", func(t *testing.T) {
		d.quiet(printer, scanner)
		d.restart()
		d.say(d.ann, d.ann, p, "Still there?")
		d.awaitText(d.support, printer.thread, "Still there?")
		d.say(d.carl, d.support, printer.thread, "Sure")
		d.awaitText(d.ann, p, "Carl\nSure")
		if n := len(d.liveTopics(d.ann)); n != 3 {
			t.Errorf("%d topics", n)
		}
	})
}

func TestDeletedPrivateTopic(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	d.must(d.sim.SetTopics(d.ann, true))
	k, first := d.openInTopic(d.ann, d.support, "Printer")
	d.say(d.ann, d.ann, first, "It smells")
	smells := d.awaitText(d.support, k.thread, "It smells")
	d.quiet(k)
	again := first
	d.run(t, "it is opened again for the next copy, and nothing stays where it does not belong", func(t *testing.T) {
		d.must(d.sim.DeleteTopic(d.ann, d.ann, first))
		d.reply(d.carl, d.support, smells, "Pull the plug")
		again = d.reopenedTopic(d.ann, "Printer", first)
		m := d.awaitText(d.ann, again, "Pull the plug")
		if m.ReplyTo != 0 || !strings.Contains(m.Text, "It smells") {
			t.Errorf("the answer is %q, to %d", m.Text, m.ReplyTo)
		}
		d.say(d.ann, d.ann, again, "Done")
		d.awaitText(d.support, k.thread, "Done")
		d.quiet(k)
		if general := d.copies(d.ann, 0); len(general) > 0 {
			t.Errorf("outside of the topic stands %q", general)
		}
	})
	d.run(t, "a restart between the deletion and the copy", func(t *testing.T) {
		d.quiet(k)
		d.must(d.sim.DeleteTopic(d.ann, d.ann, again))
		d.restart()
		d.say(d.carl, d.support, k.thread, "And now?")
		thread := d.reopenedTopic(d.ann, "Printer", again)
		d.awaitText(d.ann, thread, "And now?")
		again = thread
	})
	d.run(t, "a notice that finds it deleted arrives in the new one", func(t *testing.T) {
		d.quiet(k)
		d.must(d.sim.DeleteTopic(d.ann, d.ann, again))
		d.say(d.carl, d.support, k.thread, "Hm")
		again = d.reopenedTopic(d.ann, "Printer", again)
		d.say(d.ann, d.support, k.thread, "/close_ticket")
		d.awaitText(d.ann, again, "closed your ticket "+d.name(k))
		d.say(d.ann, d.support, k.thread, "/reopen_ticket")
		d.awaitText(d.ann, again, "reopened your ticket "+d.name(k))
	})
	d.run(t, "who deletes it each time gets the ticket in the chat itself in the end", func(t *testing.T) {
		d.quiet(k)
		d.sim.OnBotMessage(func(m simulator.Message) {
			if m.Chat == d.ann && m.Thread != 0 {
				_ = d.sim.DeleteTopic(d.ann, d.ann, m.Thread)
			}
		})
		d.must(d.sim.DeleteTopic(d.ann, d.ann, again))
		d.say(d.carl, d.support, k.thread, "Do you read this?")
		d.awaitText(d.ann, 0, "Do you read this?")
		d.say(d.ann, d.ann, 0, "Yes")
		d.awaitText(d.support, k.thread, "Yes")
	})
}

func TestPrivateTopicsSwitched(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	flat := d.openPrivately(d.ann, d.support, "Lamp")
	d.say(d.carl, d.support, flat.thread, "Which lamp?")
	which := d.awaitText(d.ann, 0, "Which lamp?")
	d.must(d.sim.SetTopics(d.ann, true))
	k, p := d.openInTopic(d.ann, d.support, "Printer")
	d.say(d.carl, d.support, k.thread, "Looking at it")
	looking := d.awaitText(d.ann, p, "Looking at it")
	d.quiet(flat, k)
	d.run(t, "switched on: a ticket from before stays in the chat itself", func(t *testing.T) {
		d.reply(d.ann, d.ann, which, "The red one")
		d.awaitText(d.support, flat.thread, "The red one")
		d.say(d.carl, d.support, flat.thread, "Here is another")
		m := d.awaitText(d.ann, 0, "Here is another")
		if !strings.Contains(m.Text, "Lamp") {
			t.Errorf("the copy does not say which ticket it is of: %q", m.Text)
		}
		if strings.Contains(looking.Text, "Printer") {
			t.Errorf("in the topic, the copy is %q", looking.Text)
		}
		d.quiet(flat)
		d.say(d.ann, d.ann, 0, "What is written there goes to it")
		d.awaitText(d.support, flat.thread, "What is written there goes to it")
	})
	d.must(d.sim.SetTopics(d.ann, false))
	d.run(t, "switched off: what comes arrives in the chat itself, in order", func(t *testing.T) {
		d.say(d.carl, d.support, k.thread, "one")
		d.say(d.carl, d.support, k.thread, "two")
		d.awaitText(d.ann, 0, "two")
		d.quiet(k, flat)
		said := d.copies(d.ann, 0)
		same(t, "what arrived", said[len(said)-2:], []string{"one", "two"})
	})
	d.run(t, "a reply to a message from before still finds its ticket", func(t *testing.T) {
		m, err := d.sim.Post(simulator.Post{From: d.ann, Chat: d.ann, Text: "Thank you", ReplyTo: looking.ID})
		d.must(err)
		d.awaitText(d.support, k.thread, "Thank you")
		d.press(d.ann, d.awaitAnswer(d.say(d.ann, d.ann, 0, "and the paper?"), "Printer"), "mean:"+k.id)
		d.awaitText(d.support, k.thread, "and the paper?")
		d.say(d.carl, d.support, k.thread, "Ordered")
		d.awaitText(d.ann, m.Thread, "Ordered")
	})
	d.run(t, "on again: that ticket stays there, the next one gets a topic", func(t *testing.T) {
		d.must(d.sim.SetTopics(d.ann, true))
		d.say(d.carl, d.support, k.thread, "It has come")
		d.awaitText(d.ann, 0, "It has come")
		_, s := d.openInTopic(d.ann, d.support, "Scanner")
		if s == p {
			t.Error("it is the topic of the other ticket")
		}
		d.say(d.ann, d.ann, p, "in the old topic")
		d.awaitText(d.support, k.thread, "in the old topic")
	})
}
