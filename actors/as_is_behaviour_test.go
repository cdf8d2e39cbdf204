package actors_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/simulator"
)

func TestUnknownCommandSentWhole(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	printer := d.openPrivately(d.ann, d.support, "Printer")
	scanner := d.openPrivately(d.ann, d.support, "Scanner")
	d.run(t, "it goes to the ticket of the notice that it answers", func(t *testing.T) {
		notice := d.awaitText(d.ann, 0, "Ticket opened in Support: "+d.name(printer))
		answer := d.awaitAnswer(d.reply(d.ann, d.ann, notice, "/etc is full"), "I don't know /etc")
		d.press(d.ann, answer, "asis:")
		d.quiet(printer, scanner)
		if _, found := d.find(d.support, scanner.thread, "/etc is full"); found {
			t.Error("it went to the current ticket")
		}
		d.awaitText(d.support, printer.thread, "/etc is full")
	})
	d.run(t, "with the part that it quotes", func(t *testing.T) {
		d.say(d.carl, d.support, scanner.thread, "Which path, and which disk?")
		asked := d.awaitText(d.ann, 0, "Which path, and")
		said := d.post(simulator.Post{From: d.ann, Chat: d.ann, Text: "/var", ReplyTo: asked.ID, Quote: "Which path"})
		d.press(d.ann, d.awaitAnswer(said, "I don't know /var"), "asis:")
		if there := d.awaitText(d.support, scanner.thread, "/var"); there.Quote == nil || there.Quote.Text != "Which path" {
			t.Errorf("it quotes %v", there.Quote)
		}
	})
}

// What is sent as it is may be about another ticket than the current one: then the bot asks at once.
func TestUnknownCommandOfAnUnclearTicket(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	printer, scanner := betweenTwo(t, d)
	for _, text := range []string{"// this team is slow", "/clsoe it does not work"} {
		d.run(t, text, func(t *testing.T) {
			d.speak(printer, "Which printer, about "+text[3:]+"?")
			said := d.say(d.ann, d.ann, 0, text)
			answer := d.awaitAnswer(said, "not passed on")
			d.press(d.ann, answer, "asis:")
			asked := d.awaitAnswer(said, unclear)
			d.became(answer, "❓ "+text[:2])
			d.quiet(printer, scanner)
			for _, k := range []*ticket{printer, scanner} {
				if _, found := d.find(d.support, k.thread, text); found {
					t.Errorf("it went to %s", k.id)
				}
			}
			d.press(d.ann, asked, "mean:"+printer.id)
			d.awaitText(d.support, printer.thread, text)
			d.became(asked, "✅ Sent to #1 Printer.")
			list := d.awaitAnswer(d.say(d.ann, d.ann, 0, "/tickets"), "open tickets")
			d.press(d.ann, list, "talk:"+scanner.id)
			d.quiet(printer, scanner)
		})
	}
}

func TestUnknownCommandInATopic(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	k := d.open(d.carl, d.support, "Printer")
	thread := d.mention(d.carl, k, "@bob_eng", d.engineering)
	d.run(t, "nobody can send on what an anonymous administrator wrote", func(t *testing.T) {
		said := d.post(simulator.Post{From: d.ann, Chat: d.support, Thread: k.thread, Text: "/close now", Anonymous: true})
		if answer := d.awaitAnswer(said, "I don't know /close"); len(answer.Buttons) > 0 {
			t.Errorf("it has the buttons %v", answer.Buttons)
		}
	})
	d.run(t, "after the end of the link the button says so, and stays", func(t *testing.T) {
		answer := d.awaitAnswer(d.say(d.bob, d.engineering, thread, "/etc is full"), "I don't know /etc")
		d.say(d.bob, d.engineering, thread, "/unlink")
		d.awaitText(d.engineering, thread, "ended the link")
		d.quiet(k)
		if a := d.press(d.bob, answer, "asis:"); !strings.Contains(a.Text, "no longer works") {
			t.Errorf("answered %q", a.Text)
		}
		d.quiet(k)
		if m, _ := d.sim.Message(d.engineering, answer.ID); len(m.Buttons) == 0 {
			t.Error("the button is gone, and nothing was sent")
		}
		if slices.Contains(d.copies(d.support, k.thread), "/etc is full") {
			t.Error("it was sent after the end of the link")
		}
	})
}

func TestTicketsOfOneGroup(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	d.open(d.carl, d.sales, "Merger")
	scanner := d.open(d.carl, d.support, "Scanner")
	printer := d.open(d.carl, d.sales, "Printer")
	d.mention(d.carl, printer, "@bob_eng", d.engineering)
	d.open(d.bob, d.engineering, "Lamp")
	d.run(t, "in a group, one's list has only what has a topic there, and says where the rest is", func(t *testing.T) {
		asked := d.say(d.carl, d.support, scanner.thread, "/tickets")
		list := d.awaitAnswer(asked, "You have 1 open ticket with a topic in Support")
		same(t, "in Support", linesOf(list), []string{"Scanner"})
		if !strings.Contains(list.Text, "all of yours: /tickets in our private chat") {
			t.Errorf("it says %q", list.Text)
		}
		list = d.awaitAnswer(d.say(d.carl, d.engineering, 0, "/tickets mine"), "with a topic in Engineering")
		same(t, "in Engineering", linesOf(list), []string{"Printer"})
		if url := linkIn(list); !strings.HasSuffix(url, "/"+itoa(d.topicNamed(d.engineering, "Printer").Thread)) {
			t.Errorf("the link leads to %s", url)
		}
		d.awaitAnswer(d.say(d.eve, d.support, 0, "/tickets mine"), "You have no open tickets with a topic in Support")
	})
	d.run(t, "in the private chat it has all", func(t *testing.T) {
		list := d.awaitAnswer(d.say(d.carl, d.carl, 0, "/tickets"), "You have 3 open tickets")
		same(t, "Carl's", linesOf(list), []string{"Printer", "Scanner", "Merger"})
	})
}
