package actors_test

import (
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/simulator"
)

// asksAgain has Ann write something, which the desk must ask about.
func (d *desk) asksAgain(t *testing.T, text string, tickets ...*ticket) simulator.Message {
	t.Helper()
	said := d.say(d.ann, d.ann, 0, text)
	d.await("a question about "+text+", or the wrong copy", func() bool {
		for _, k := range tickets {
			if _, found := d.find(k.chat, k.thread, text); found {
				t.Fatalf("%q is not asked about\n%s", text, d.transcript())
			}
		}
		return answersTo(d, said) > 0
	})
	return d.awaitAnswer(said, unclear)
}

func TestUnclearAgainAfterAnAnswer(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	d.asksAfterClosing()
	printer, scanner := betweenTwo(t, d)
	d.run(t, "after an answer with the current ticket, the next word of the other is asked about", func(t *testing.T) {
		asked := d.asksAgain(t, "It is slow", printer, scanner)
		d.press(d.ann, asked, "mean:"+scanner.id)
		d.awaitText(d.support, scanner.thread, "It is slow")
		d.say(d.ann, d.ann, 0, "Very slow")
		d.awaitText(d.support, scanner.thread, "Very slow")
		d.speak(printer, "Is it plugged in?")
		d.press(d.ann, d.asksAgain(t, "Sure it is", printer, scanner), "mean:"+printer.id)
		d.awaitText(d.support, printer.thread, "Sure it is")
	})
	d.run(t, "after the current ticket was chosen in the list, too", func(t *testing.T) {
		d.speak(scanner, "Which scanner?")
		list := d.awaitAnswer(d.say(d.ann, d.ann, 0, "/tickets"), "You have 2 open tickets")
		d.press(d.ann, list, "talk:"+printer.id)
		d.say(d.ann, d.ann, 0, "It blinks")
		d.awaitText(d.support, printer.thread, "It blinks")
		d.speak(scanner, "The old one?")
		d.press(d.ann, d.asksAgain(t, "The new one", printer, scanner), "mean:"+printer.id)
		d.awaitText(d.support, printer.thread, "The new one")
	})
	d.run(t, "after it was sent to a closed ticket that stays so, too", func(t *testing.T) {
		d.say(d.ann, d.support, scanner.thread, "/close_ticket done")
		d.awaitWord(scanner, "closed your ticket "+d.name(scanner))
		asked := d.asksAgain(t, "Thanks", printer, scanner)
		d.press(d.ann, asked, "mean:"+scanner.id)
		d.press(d.ann, d.awaitText(d.ann, 0, "Not passed on: ticket "+d.name(scanner)), "sayc:"+scanner.id)
		d.awaitText(d.support, scanner.thread, "Thanks")
		d.say(d.ann, d.support, scanner.thread, "/reopen_ticket")
		d.awaitWord(scanner, "reopened your ticket "+d.name(scanner))
		d.asksAgain(t, "Why?", printer, scanner)
	})
}

func TestUnclearBeyondWhatIsKept(t *testing.T) {
	t.Parallel()
	const kept, all = 40, 42
	d := ready(t, options{})
	printer, scanner := betweenTwo(t, d)
	var said []simulator.Message
	for n := range all {
		said = append(said, d.say(d.ann, d.ann, 0, "line "+itoa(n+1)+"."))
	}
	d.quiet(printer, scanner)
	for _, n := range []int{kept + 1, 0, kept} {
		d.press(d.ann, d.awaitAnswer(said[n], unclear), "mean:"+scanner.id)
	}
	d.awaitText(d.support, scanner.thread, "line "+itoa(kept+1)+".")
	d.quiet(printer, scanner)
	got := strings.Join(d.copies(d.support, scanner.thread), " ")
	for n := range all {
		if line := "line " + itoa(n+1) + "."; strings.Count(got, line) != 1 {
			t.Errorf("%q is %d times in %q", line, strings.Count(got, line), got)
		}
	}
}

func TestPrivateReplyToANotice(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	shop := d.group("Shop #1", map[int64]simulator.Role{d.ann: simulator.Member, d.carl: simulator.Administrator})
	d.say(d.carl, shop, 0, "/register")
	d.awaitText(shop, 0, "is registered")
	other := d.open(d.carl, shop, "Payroll") // #1
	printer := d.openPrivately(d.ann, shop, "Printer")
	scanner := d.openPrivately(d.ann, shop, "Scanner")
	nowhere := func(t *testing.T, text string, tickets ...*ticket) {
		t.Helper()
		d.quiet(other, printer, scanner)
		for _, k := range tickets {
			if _, found := d.find(shop, k.thread, text); found {
				t.Errorf("%q went to %s", text, d.name(k))
			}
		}
	}
	d.run(t, "it goes to the ticket of this chat that the notice names", func(t *testing.T) {
		notice := d.awaitText(d.ann, 0, "Shop #1: "+d.name(printer))
		d.reply(d.ann, d.ann, notice, "It smokes")
		nowhere(t, "It smokes", other, scanner)
		d.awaitText(shop, printer.thread, "It smokes")
	})
	d.run(t, "a notice that names several says nothing of which one is meant", func(t *testing.T) {
		d.speak(printer, "Much?")
		asked := d.asksAgain(t, "A lot", printer, scanner)
		d.reply(d.ann, d.ann, asked, "the first one")
		nowhere(t, "the first one", other, printer, scanner)
		d.press(d.ann, asked, "mean:"+scanner.id)
		d.awaitText(shop, scanner.thread, "the first one")
	})
}

// Who is asked which ticket they mean, and looks the tickets up in the list, has answered by choosing one there.
func TestUnclearAnsweredByTheList(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	printer, scanner := betweenTwo(t, d)
	said := d.say(d.ann, d.ann, 0, "Room 12")
	asked := d.awaitAnswer(said, unclear)
	for i, k := range []*ticket{printer, scanner} {
		if text := asked.Buttons[i][0].Text; !strings.Contains(text, d.name(k)) {
			t.Errorf("button %d is %q, without %s", i, text, d.name(k))
		}
	}
	d.awaitAnswer(d.say(d.ann, d.ann, 0, "/ticket"), unclear) // a command is never met by silence
	refused := d.awaitAnswer(d.say(d.ann, d.ann, 0, "/link 1"), "/link")
	if strings.Contains(refused.Text, unclear) {
		t.Error("asked which ticket is meant by a command that works in none")
	}
	list := d.awaitAnswer(d.say(d.ann, d.ann, 0, "/tickets"), "You have 2 open tickets")
	d.press(d.ann, list, "talk:"+printer.id)
	d.awaitText(d.support, printer.thread, "Room 12")
	d.say(d.ann, d.ann, 0, "Floor 3")
	d.awaitText(d.support, printer.thread, "Floor 3")
	d.press(d.ann, list, "talk:"+printer.id)
	d.became(asked, "✅ Sent to #1 Printer.")
	d.quiet(printer, scanner)
	got := d.copies(d.support, printer.thread)
	same(t, "what arrived", got[len(got)-2:], []string{"Room 12", "Floor 3"})
	if _, found := d.find(d.support, scanner.thread, "Room 12"); found {
		t.Error("it went to the other ticket, too")
	}
}

// TestUnclearCommandOnAClosedTicket: whoever is asked which ticket a command is about, and chooses a closed one, has said what is to be
// done with it.
func TestUnclearCommandOnAClosedTicket(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	printer, scanner := betweenTwo(t, d)
	d.say(d.carl, d.support, printer.thread, "/close_ticket")
	d.awaitWord(printer, "closed your ticket #1 Printer")
	d.awaitClosed(printer)
	asked := d.awaitAnswer(d.say(d.ann, d.ann, 0, "/reopen_ticket"), unclear)
	d.press(d.ann, asked, "mean:"+printer.id)
	d.became(asked, "✅ Taken for #1 Printer.")
	d.awaitText(d.ann, 0, "reopened your ticket #1 Printer")
	d.quiet(printer, scanner)
	if s := d.record(printer).Status; s != "open" {
		t.Errorf("it is %s", s)
	}
	d.say(d.ann, d.ann, 0, "It is broken again")
	d.awaitText(d.support, printer.thread, "It is broken again")
}
