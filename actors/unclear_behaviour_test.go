package actors_test

import (
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/simulator"
)

// betweenTwo has Ann open Printer, then Scanner, which is her current ticket. The desk's last word is about Printer.
func betweenTwo(t *testing.T, d *desk) (printer, scanner *ticket) {
	t.Helper()
	printer = d.openPrivately(d.ann, d.support, "Printer")
	scanner = d.openPrivately(d.ann, d.support, "Scanner")
	d.speak(printer, "Which printer is it?")
	return printer, scanner
}

// speak has the team say something on a ticket of Ann's, and waits until she has it and the desk knows that.
func (d *desk) speak(k *ticket, text string) {
	d.t.Helper()
	d.say(d.carl, k.chat, k.thread, text)
	d.awaitWord(k, text)
}

// awaitWord waits until Ann has what the desk says on a ticket of hers, and the desk knows that it spoke of it.
func (d *desk) awaitWord(k *ticket, text string) {
	d.t.Helper()
	m := d.awaitText(d.ann, 0, text)
	d.eventually("the desk knows what it spoke of", func() bool {
		c, err := d.store.Chat(d.t.Context(), "u"+itoa64(d.ann))
		if err != nil || len(c.Words) == 0 {
			return false
		}
		last := c.Words[len(c.Words)-1]
		return last.TicketID == k.id && last.MessageID <= int64(m.ID)
	})
}

// In private, /ticket shows the ticket that it names, of one's own.
func TestTicketByItsNumber(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	printer, scanner := betweenTwo(t, d)
	d.open(d.carl, d.sales, "Merger")
	for _, k := range []*ticket{printer, scanner} {
		for _, text := range []string{"/ticket " + d.number(k), "/ticket " + strings.TrimPrefix(d.number(k), "#")} {
			card := d.awaitAnswer(d.say(d.ann, d.ann, 0, text), d.number(k))
			if title := strings.TrimPrefix(d.name(k), d.number(k)); !strings.Contains(card.Text, strings.TrimSpace(title)) {
				t.Errorf("%q shows %q", text, card.Text)
			}
		}
	}
	for _, name := range []string{"3", "#4711", "TICK-MJ5KQ2X1-0A1B2C3D"} { // somebody else's, and none
		if m := d.awaitAnswer(d.say(d.ann, d.ann, 0, "/ticket "+name), "You have no ticket "+name); strings.Contains(m.Text, "Merger") {
			t.Errorf("somebody else's is shown: %q", m.Text)
		}
	}
}

const unclear = "Which ticket do you mean?"

func TestUnclearTicket(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	d.asksAfterClosing()
	printer, scanner := betweenTwo(t, d)
	nowhere := func(t *testing.T, text string) {
		t.Helper()
		d.quiet(printer, scanner)
		for _, k := range []*ticket{printer, scanner} {
			if _, found := d.find(d.support, k.thread, text); found {
				t.Errorf("%q went to %s", text, k.id)
			}
		}
	}
	d.run(t, "what is written below a word about another ticket is asked about, once, and kept over a restart", func(t *testing.T) {
		said := d.say(d.ann, d.ann, 0, "The one on floor 2")
		asked := d.awaitAnswer(said, unclear)
		if !strings.Contains(asked.Text, "about #1 Printer") || !strings.Contains(asked.Text, "current ticket is #2 Scanner") {
			t.Errorf("asked %q", asked.Text)
		}
		more := d.say(d.ann, d.ann, 0, "It is greey")
		nowhere(t, "floor 2")
		d.edit(more, "It is grey")
		d.restart()
		nowhere(t, "grey")
		d.press(d.ann, asked, "mean:"+printer.id)
		d.awaitText(d.support, printer.thread, "It is grey")
		d.quiet(printer, scanner)
		copies := d.copies(d.support, printer.thread)
		same(t, "what arrived", copies[len(copies)-2:], []string{"The one on floor 2", "It is grey"})
		if n := answersTo(d, said, more); n != 1 {
			t.Errorf("%d questions", n)
		}
		d.became(asked, "✅ Sent to #1 Printer.")
	})
	d.run(t, "the answer makes the ticket the current one, and nothing more is asked", func(t *testing.T) {
		d.say(d.ann, d.ann, 0, "Are you coming?")
		d.awaitText(d.support, printer.thread, "Are you coming?")
	})
	d.run(t, "a command does not go to the wrong ticket either", func(t *testing.T) {
		d.speak(scanner, "Is the scanner done?")
		asked := d.awaitAnswer(d.say(d.ann, d.ann, 0, "/close_ticket it works"), unclear)
		d.quiet(printer, scanner)
		if d.record(printer).Status != "open" || d.record(scanner).Status != "open" {
			t.Error("closed before the answer")
		}
		d.press(d.ann, asked, "mean:"+scanner.id)
		d.awaitText(d.support, scanner.thread, "closed this ticket")
		if s := d.record(printer).Status; s != "open" {
			t.Errorf("the other is %s", s)
		}
	})
	d.run(t, "a closed ticket is not reopened by the choice alone", func(t *testing.T) {
		d.speak(printer, "And the printer?")
		asked := d.awaitAnswer(d.say(d.ann, d.ann, 0, "Fine"), unclear)
		d.press(d.ann, asked, "mean:"+scanner.id)
		choice := d.awaitText(d.ann, 0, "Not passed on: ticket #2 Scanner")
		nowhere(t, "Fine")
		d.press(d.ann, choice, "sayc:"+scanner.id)
		d.awaitText(d.support, scanner.thread, "Fine")
		d.quiet(printer, scanner)
		if s := d.record(scanner).Status; s != "closed" {
			t.Errorf("it is %s", s)
		}
	})
	d.run(t, "who answers a message is not asked", func(t *testing.T) {
		m, _ := d.find(d.ann, 0, "And the printer?")
		d.reply(d.ann, d.ann, m, "It prints")
		d.awaitText(d.support, printer.thread, "It prints")
	})
}

// What waits for "which ticket?" goes to the ticket that is chosen in /tickets, and its author is told so; not to a closed one.
func TestUnclearUntilChosenInTheList(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	printer, scanner := betweenTwo(t, d)
	said := d.say(d.ann, d.ann, 0, "Floor 2")
	asked := d.awaitAnswer(said, unclear)
	d.say(d.ann, d.ann, 0, "Room 7")
	list := d.awaitAnswer(d.say(d.ann, d.ann, 0, "/tickets"), "You have 2 open tickets")
	d.say(d.carl, d.support, scanner.thread, "/close_ticket")
	d.awaitText(d.ann, 0, "closed")
	d.press(d.ann, list, "talk:"+scanner.id)
	d.quiet(printer, scanner)
	if s := d.record(scanner).Status; s != "closed" {
		t.Errorf("the closed ticket is %s", s)
	}
	for range 2 { // a second press neither sends nor says it again
		d.press(d.ann, list, "talk:"+printer.id)
	}
	d.awaitText(d.support, printer.thread, "Room 7")
	d.awaitAnswer(said, "✅ Sent to #1 Printer.")
	d.quiet(printer, scanner)
	copies := d.copies(d.support, printer.thread)
	same(t, "what arrived", copies[len(copies)-2:], []string{"Floor 2", "Room 7"})
	if n := answersTo(d, said); n != 2 { // the question and the notice
		t.Errorf("%d answers", n)
	}
	d.became(asked, "✅ Sent to #1 Printer.")
	if s := d.record(scanner).Status; s != "closed" {
		t.Errorf("the closed ticket is %s", s)
	}
}

// TestAfterClosingTheCurrentTicket: with another ticket open, what the person writes next goes to neither until they have
// said which they mean.
func TestAfterClosingTheCurrentTicket(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	d.asksAfterClosing()
	printer := d.openPrivately(d.ann, d.support, "Printer")
	scanner := d.openPrivately(d.ann, d.support, "Scanner")
	d.say(d.ann, d.ann, 0, "/close_ticket it scans")
	d.awaitText(d.support, scanner.thread, "closed this ticket")
	d.awaitText(d.ann, 0, "closed your ticket #2 Scanner")
	d.quiet(printer, scanner)
	asked := d.awaitAnswer(d.say(d.ann, d.ann, 0, "Thank you, but"), "Not passed on: ticket #2 Scanner")
	d.quiet(printer, scanner)
	for _, k := range []*ticket{printer, scanner} {
		if _, found := d.find(d.support, k.thread, "Thank you, but"); found {
			t.Errorf("it went to %s", k.id)
		}
	}
	var choices []string
	for _, row := range asked.Buttons {
		for _, b := range row {
			choices = append(choices, b.Data)
		}
	}
	same(t, "choices", choices, []string{"say:" + scanner.id, "sayc:" + scanner.id, "say:" + printer.id, "new"})
	d.press(d.ann, asked, "say:"+printer.id)
	d.awaitText(d.support, printer.thread, "Thank you, but")
	d.say(d.ann, d.ann, 0, "And the printer?")
	d.awaitText(d.support, printer.thread, "And the printer?")
	d.quiet(printer, scanner)
	if s := d.record(scanner).Status; s != "closed" {
		t.Errorf("the other is %s", s)
	}
}

func TestUnclearAlbum(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	printer, scanner := betweenTwo(t, d)
	parts := d.album(d.ann, d.ann, 0, "photo:Front", "photo", "photo:Back")
	asked := d.awaitAnswer(parts[0], unclear)
	d.quiet(printer, scanner)
	d.press(d.ann, asked, "mean:"+scanner.id)
	d.awaitText(d.support, scanner.thread, "Back")
	d.quiet(printer, scanner)
	if n := answersTo(d, parts...); n != 1 {
		t.Errorf("%d questions", n)
	}
	d.say(d.ann, d.ann, 0, "That was all")
	d.awaitText(d.support, scanner.thread, "That was all")
}

func TestUnclearInAPrivateChatWithTopics(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	d.must(d.sim.SetTopics(d.ann, true))
	printer, p := d.openInTopic(d.ann, d.support, "Printer")
	scanner, s := d.openInTopic(d.ann, d.support, "Scanner")
	d.say(d.carl, d.support, printer.thread, "Which printer?")
	d.awaitText(d.ann, p, "Which printer?")
	said := d.say(d.ann, d.ann, s, "It scans")
	d.awaitText(d.support, scanner.thread, "It scans")
	if n := answersTo(d, said); n > 0 {
		t.Error("asked, although the topic says it")
	}
}

// answersTo counts the questions which ticket is meant, in reply to any of the messages.
func answersTo(d *desk, to ...simulator.Message) (n int) {
	for _, m := range d.byBot(d.ann, simulator.AllThreads) {
		for _, asked := range to {
			if m.ReplyTo == asked.ID && (strings.Contains(m.Text, unclear) || strings.HasPrefix(m.Text, "✅ Sent to ")) {
				n++
			}
		}
	}
	return n
}
