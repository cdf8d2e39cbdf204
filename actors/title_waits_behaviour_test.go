package actors_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/simulator"
)

const isTitle = "is this the title of the new ticket"

// asksForTitle has somebody send a bare /create_ticket, and dismiss that Telegram has them reply to the question.
func (d *desk) asksForTitle(who int64) (question simulator.Message) {
	d.t.Helper()
	return d.awaitAnswer(d.say(who, who, 0, "/create_ticket"), "What is the ticket about?")
}

// nowhere checks that the team has got none of the words.
func (d *desk) nowhere(k *ticket, words ...string) {
	d.t.Helper()
	d.quiet(k)
	for _, text := range words {
		if _, found := d.find(k.chat, k.thread, text); found {
			d.t.Errorf("%q went to %s", text, k.id)
		}
	}
}

// TestWordsWaitWithATitle: what follows a message of which the bot asks whether it is the title goes where that goes, after it.
func TestWordsWaitWithATitle(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	printer := d.openPrivately(d.ann, d.support, "Printer")
	d.run(t, "to the ticket, if it is a message", func(t *testing.T) {
		d.asksForTitle(d.ann)
		first := d.say(d.ann, d.ann, 0, "The scanner hums")
		asked := d.awaitAnswer(first, isTitle)
		d.say(d.ann, d.ann, 0, "Since todax")
		parts := d.album(d.ann, d.ann, 0, "photo:Front", "photo:Back")
		more := d.say(d.ann, d.ann, 0, "Louder now")
		d.nowhere(printer, "hums", "todax", "Front", "Back", "Louder")
		d.edit(more, "Louder than before")
		d.restart()
		d.nowhere(printer, "hums", "todax", "Front", "Back", "Louder")
		d.press(d.ann, asked, "mean:"+printer.id)
		d.awaitText(d.support, printer.thread, "Louder than before")
		d.quiet(printer)
		last := 0
		for _, text := range []string{"The scanner hums", "Since todax", "Front", "Back", "Louder than before"} {
			m := d.awaitText(d.support, printer.thread, text)
			if m.ID <= last {
				t.Errorf("%q is not behind what was written before it", text)
			}
			last = m.ID
		}
		d.became(asked, "✅ Sent to #1 Printer.")
		if n := d.answers(more, "") + d.answers(parts[0], "") + d.answers(parts[1], ""); n > 0 {
			t.Errorf("%d answers to what waits with it", n)
		}
		d.say(d.ann, d.ann, 0, "That was all")
		d.awaitText(d.support, printer.thread, "That was all")
	})
	d.run(t, "a second press sends nothing again", func(t *testing.T) {
		if n := len(d.visibleWith(printer, "Since todax")); n != 1 {
			t.Errorf("it is there %d times", n)
		}
	})
	d.run(t, "one that is taken back stays", func(t *testing.T) {
		d.asksForTitle(d.ann)
		asked := d.awaitAnswer(d.say(d.ann, d.ann, 0, "A question"), isTitle)
		secret := d.say(d.ann, d.ann, 0, "My code is 4711")
		d.say(d.ann, d.ann, 0, "Good morning")
		d.awaitAnswer(d.reply(d.ann, d.ann, secret, "/delete"), "was not passed on")
		d.press(d.ann, asked, "mean:"+printer.id)
		d.awaitText(d.support, printer.thread, "Good morning")
		d.nowhere(printer, "4711")
	})
	d.run(t, "to the ticket that is chosen in the list", func(t *testing.T) {
		d.asksForTitle(d.ann)
		asked := d.awaitAnswer(d.say(d.ann, d.ann, 0, "Paper is out"), isTitle)
		d.say(d.ann, d.ann, 0, "A4, that is")
		list := d.awaitAnswer(d.say(d.ann, d.ann, 0, "/tickets"), "You have 1 open ticket")
		d.nowhere(printer, "Paper is out", "A4")
		d.press(d.ann, list, "talk:"+printer.id)
		d.awaitText(d.support, printer.thread, "A4, that is")
		d.became(asked, "✅ Sent to #1 Printer.")
		if a, b := d.awaitText(d.support, printer.thread, "Paper is out"), d.awaitText(d.support, printer.thread, "A4"); a.ID > b.ID {
			t.Error("they arrived the other way around")
		}
	})
}

// visibleWith lists the messages in a ticket's topic that contain a text.
func (d *desk) visibleWith(k *ticket, text string) []simulator.Message {
	return slices.DeleteFunc(d.byBot(k.chat, k.thread), func(m simulator.Message) bool { return !strings.Contains(m.Text, text) })
}

// TestWordsWaitForATitledTicket: if the message is the title, what follows it goes into that ticket.
func TestWordsWaitForATitledTicket(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	printer := d.openPrivately(d.ann, d.support, "Printer")
	d.run(t, "by the button", func(t *testing.T) {
		d.asksForTitle(d.ann)
		asked := d.awaitAnswer(d.say(d.ann, d.ann, 0, "The scanner hums"), isTitle)
		d.say(d.ann, d.ann, 0, "Since today")
		d.send(d.ann, d.ann, 0, upload("photo"), "See here")
		d.nowhere(printer, "hums", "today", "See here")
		d.restart()
		d.press(d.ann, asked, "new")
		choice := d.awaitText(d.ann, 0, "Where should The scanner hums")
		d.became(asked, "✅ Taken for The scanner hums.")
		k := d.pick(d.ann, choice, "The scanner hums")
		d.describes(k, "The scanner hums\n\nSince today", map[int64]int{d.support: k.thread})
		if r := d.record(k); len(r.Enclosures) != 1 || r.Enclosures[0].Text != "See here" {
			t.Errorf("enclosed: %+v", r.Enclosures)
		}
		d.nowhere(printer, "hums", "today", "See here")
	})
	d.run(t, "by a reply to the question for the title", func(t *testing.T) {
		question := d.asksForTitle(d.ann)
		asked := d.awaitAnswer(d.say(d.ann, d.ann, 0, "It leaks"), isTitle)
		d.say(d.ann, d.ann, 0, "All over the floor")
		d.quiet(printer)
		choice := d.awaitAnswer(d.reply(d.ann, d.ann, question, "Kettle"), "Where should Kettle")
		d.became(asked, "✅ Taken for Kettle.")
		d.describes(d.pick(d.ann, choice, "Kettle"), "It leaks\n\nAll over the floor", nil)
	})
	d.run(t, "what is given up with it is passed on to nobody, and its author hears that", func(t *testing.T) {
		kettle := d.find1(t, "Kettle")
		d.asksForTitle(d.ann)
		asked := d.awaitAnswer(d.say(d.ann, d.ann, 0, "The lamp"), isTitle)
		d.say(d.ann, d.ann, 0, "is dark")
		d.quiet(printer)
		d.press(d.ann, asked, "new")
		choice := d.awaitText(d.ann, 0, "Where should The lamp")
		d.press(d.ann, choice, "pdrop:")
		d.became(choice, "✖️ Cancelled: The lamp. What you wrote for it was passed on to nobody")
		d.say(d.ann, d.ann, 0, "Never mind")
		d.awaitText(d.support, kettle.thread, "Never mind")
		d.nowhere(kettle, "The lamp", "is dark")
	})
}

// TestAnOldTitleQuestionLeavesNewerWords: what follows a ticket that somebody opens after a question that they have not answered is about that
// ticket, and what the question was about waits on.
func TestAnOldTitleQuestionLeavesNewerWords(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	printer := d.openPrivately(d.ann, d.support, "Printer")
	d.asksForTitle(d.ann)
	asked := d.awaitAnswer(d.say(d.ann, d.ann, 0, "Hello"), isTitle)
	choice := d.awaitAnswer(d.say(d.ann, d.ann, 0, "/create_ticket Blue hat"), "Where should Blue hat")
	d.awaitSaid(d.ann, choice)
	size := d.awaitAnswer(d.say(d.ann, d.ann, 0, "Size 57"), "Blue hat")
	d.say(d.ann, d.ann, 0, "Wool")
	d.restart()
	d.press(d.ann, size, "mean:"+ticketOf(choice))
	d.became(size, "✅ Taken for Blue hat.")
	hat := d.pick(d.ann, choice, "Blue hat")
	d.describes(hat, "Size 57\n\nWool", nil)
	d.say(d.ann, d.ann, 0, "In navy")
	d.awaitText(d.support, hat.thread, "In navy")
	d.nowhere(printer, "Hello", "57", "Wool", "navy")
	d.press(d.ann, asked, "mean:"+printer.id)
	d.awaitText(d.support, printer.thread, "Hello")
	d.became(asked, "✅ Sent to #1 Printer.")
}

// find1 is Ann's ticket of a title.
func (d *desk) find1(t *testing.T, title string) *ticket {
	t.Helper()
	all, err := d.store.TicketsByCreator(t.Context(), "user", itoa64(d.ann), true, 50)
	d.must(err)
	for i := range all {
		if all[i].Title == title {
			return &ticket{id: all[i].TicketID, chat: d.support, thread: int(all[i].Home.TelegramTopicID)}
		}
	}
	t.Fatalf("there is no ticket %s", title)
	return nil
}

// TestATitleWithAClosedTicket: a word that may be the title does not reopen the ticket that was closed last.
func TestATitleWithAClosedTicket(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	printer := d.openPrivately(d.ann, d.support, "Printer")
	d.say(d.carl, d.support, printer.thread, "/close_ticket")
	d.awaitText(d.ann, 0, "closed your ticket")
	d.awaitClosed(printer)
	d.asksForTitle(d.ann)
	asked := d.awaitAnswer(d.say(d.ann, d.ann, 0, "The scanner hums"), isTitle)
	d.say(d.ann, d.ann, 0, "Since today")
	d.quiet(printer)
	d.press(d.ann, asked, "new")
	k := d.pick(d.ann, d.awaitText(d.ann, 0, "Where should The scanner hums"), "The scanner hums")
	d.describes(k, "The scanner hums\n\nSince today", nil)
	if s := d.record(printer).Status; s != "closed" {
		t.Errorf("the former ticket is %s", s)
	}
}

// TestMediaWaitWithATitle: what has no words is not passed on either while the bot asks for a title.
func TestMediaWaitWithATitle(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	printer := d.openPrivately(d.ann, d.support, "Printer")
	posts := func() int { return len(d.byBot(printer.chat, printer.thread)) }
	d.run(t, "to the new ticket", func(t *testing.T) {
		before := posts()
		d.asksForTitle(d.ann)
		photo := d.send(d.ann, d.ann, 0, upload("photo"), "")
		asked := d.awaitAnswer(photo, "does this belong to the new ticket")
		d.quiet(printer)
		d.restart()
		d.press(d.ann, asked, "new")
		title := d.reply(d.ann, d.ann, d.awaitAnswer(photo, "What is the ticket about?"), "Red hat")
		k := d.pick(d.ann, d.awaitAnswer(title, "Where should Red hat"), "Red hat")
		d.awaitEnclosed(k, d.support, k.thread, 1)
		d.quiet(printer)
		if n := posts(); n != before {
			t.Errorf("%d posts about another ticket", n-before)
		}
		d.nothingWaits(d.ann)
	})
	d.run(t, "to another one", func(t *testing.T) {
		before := posts()
		d.asksForTitle(d.ann)
		asked := d.awaitAnswer(d.send(d.ann, d.ann, 0, upload("voice"), ""), "does this belong to the new ticket")
		d.press(d.ann, asked, "mean:"+printer.id)
		d.await("it is there", func() bool { return posts() > before })
		d.became(asked, "✅ Sent to #1 Printer.")
	})
}
