package actors_test

import (
	"slices"
	"testing"

	"github.com/topicdesk/topicdesk/simulator"
	"github.com/topicdesk/topicdesk/storage"
)

const notPassedOn = "Not passed on: ticket #2 Scanner"

// heldUp has Ann write to her current ticket when it is closed, and another one of hers is open: what she writes waits. spoken is
// something that the team said on it.
func heldUp(t *testing.T, d *desk) (printer, scanner *ticket, spoken simulator.Message) {
	t.Helper()
	printer = d.openPrivately(d.ann, d.support, "Printer")
	scanner = d.openPrivately(d.ann, d.support, "Scanner")
	d.speak(scanner, "Does it scan?")
	return printer, scanner, d.awaitText(d.ann, 0, "Does it scan?")
}

// shuts has Carl close a ticket of Ann's, and waits until she has heard of it.
func (d *desk) shuts(k *ticket) {
	d.t.Helper()
	before := len(d.byBotWith(d.ann, "closed your ticket"))
	d.say(d.carl, k.chat, k.thread, "/close_ticket")
	d.awaitClosed(k)
	d.await("she hears of it", func() bool { return len(d.byBotWith(d.ann, "closed your ticket")) > before })
	d.quiet(k)
}

func (d *desk) byBotWith(chat int64, text string) []simulator.Message {
	return d.visibleWith(&ticket{chat: chat}, text)
}

// follow checks that messages are in a ticket's topic once each, in this order.
func (d *desk) follow(k *ticket, texts ...string) {
	d.t.Helper()
	d.awaitText(k.chat, k.thread, texts[len(texts)-1])
	d.quiet(k)
	last := 0
	for _, text := range texts {
		all := d.visibleWith(k, text)
		if len(all) != 1 || all[0].ID <= last {
			d.t.Fatalf("%q is there %d times, or not behind what was written before\n%s", text, len(all), d.transcript())
		}
		last = all[0].ID
	}
}

// TestHeldWordsGoAhead: what waits since a ticket was closed goes ahead of the word by which its author reopens it.
func TestHeldWordsGoAhead(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	printer, scanner, spoken := heldUp(t, d)
	d.run(t, "of a word that reopens it", func(t *testing.T) {
		d.shuts(scanner)
		asked := d.awaitAnswer(d.say(d.ann, d.ann, 0, "The lamp is red"), notPassedOn)
		photo := d.send(d.ann, d.ann, 0, upload("photo"), "See the lapm")
		second := d.awaitAnswer(photo, notPassedOn)
		d.edit(photo, "See the lamp")
		withdrawn := d.say(d.ann, d.ann, 0, "My code is 4711")
		d.awaitAnswer(withdrawn, notPassedOn)
		d.awaitAnswer(d.reply(d.ann, d.ann, withdrawn, "/delete"), "was not passed on")
		elsewhere := d.awaitAnswer(d.say(d.ann, d.ann, 0, "Paper is out"), notPassedOn)
		d.press(d.ann, elsewhere, "say:"+printer.id)
		d.awaitText(d.support, printer.thread, "Paper is out")
		d.restart()
		d.nowhere(scanner, "red", "lamp")
		d.reply(d.ann, d.ann, spoken, "And it blinks")
		d.follow(scanner, "The lamp is red", "See the lamp", "And it blinks")
		d.awaitText(d.ann, 0, "your message has arrived")
		d.became(asked, "✅ Sent to #2 Scanner.")
		d.became(second, "✅ Sent to #2 Scanner.")
		d.nowhere(scanner, "4711", "Paper is out")
		d.nothingWaits(d.ann)
	})
	d.run(t, "then later words wait no more", func(t *testing.T) {
		d.shuts(scanner)
		d.reply(d.ann, d.ann, spoken, "Red again")
		d.follow(scanner, "The lamp is red", "See the lamp", "And it blinks", "Red again")
	})
	d.run(t, "of one on a ticket that somebody else has reopened", func(t *testing.T) {
		d.press(d.ann, d.awaitAnswer(d.say(d.ann, d.ann, 0, "/tickets"), "open tickets"), "talk:"+scanner.id)
		d.shuts(scanner)
		asked := d.awaitAnswer(d.say(d.ann, d.ann, 0, "It beeps"), notPassedOn)
		d.press(d.carl, d.awaitText(d.support, scanner.thread, d.head(scanner)), "reopen:")
		d.awaitText(d.ann, 0, "reopened your ticket #2 Scanner")
		d.quiet(scanner)
		d.nowhere(scanner, "It beeps")
		d.say(d.ann, d.ann, 0, "All day long")
		d.follow(scanner, "It beeps", "All day long")
		d.became(asked, "✅ Sent to #2 Scanner.")
	})
	d.run(t, "of a later one whose button reopens it", func(t *testing.T) {
		d.shuts(scanner)
		asked := d.awaitAnswer(d.say(d.ann, d.ann, 0, "It smells"), notPassedOn)
		later := d.awaitAnswer(d.say(d.ann, d.ann, 0, "Of rubber"), notPassedOn)
		d.press(d.ann, later, "say:"+scanner.id)
		d.follow(scanner, "It smells", "Of rubber")
		d.became(asked, "✅ Sent to #2 Scanner.")
		d.became(later, "✅ Sent to #2 Scanner.")
		d.nothingWaits(d.ann)
	})
	d.run(t, "what is passed on while it stays closed is not sent again", func(t *testing.T) {
		d.shuts(scanner)
		asked := d.awaitAnswer(d.say(d.ann, d.ann, 0, "It is gone"), notPassedOn)
		d.press(d.ann, asked, "sayc:"+scanner.id)
		d.awaitText(d.support, scanner.thread, "It is gone")
		d.reply(d.ann, d.ann, spoken, "It is back")
		d.follow(scanner, "It is gone", "It is back")
	})
}

// TestHeldWordsOfWhichTheTicketWasUnclear go ahead, too.
func TestHeldWordsOfWhichTheTicketWasUnclear(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	printer, scanner, spoken := heldUp(t, d)
	d.speak(printer, "And the printer?")
	asked := d.awaitAnswer(d.say(d.ann, d.ann, 0, "It is red"), unclear)
	d.say(d.ann, d.ann, 0, "Dark red")
	d.say(d.carl, d.support, scanner.thread, "/close_ticket")
	d.awaitClosed(scanner)
	d.press(d.ann, asked, "mean:"+scanner.id)
	d.await("it asks about the closed ticket", func() bool {
		m, _ := d.sim.Message(d.ann, asked.ID)
		return m.Text != asked.Text && len(m.Buttons) > 0
	})
	d.nowhere(scanner, "It is red", "Dark red")
	d.reply(d.ann, d.ann, spoken, "Hello?")
	d.follow(scanner, "It is red", "Dark red", "Hello?")
	d.became(asked, "✅ Sent to #2 Scanner.")
	d.nothingWaits(d.ann)
	d.say(d.carl, d.support, scanner.thread, "/reopen_ticket")
	d.press(d.ann, d.awaitAnswer(d.say(d.ann, d.ann, 0, "/tickets"), "open tickets"), "talk:"+scanner.id)
	d.say(d.ann, d.ann, 0, "Still there?")
	d.follow(scanner, "It is red", "Dark red", "Hello?", "Still there?")
}

// TestAHeldCommandIsCarriedOut: a command that waits since its ticket was closed stays one, whichever question is answered.
func TestAHeldCommandIsCarriedOut(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	printer, scanner, _ := heldUp(t, d)
	d.shuts(scanner)
	older := d.awaitAnswer(d.say(d.ann, d.ann, 0, "It beeps"), notPassedOn)
	d.speak(printer, "And the printer?")
	asked := d.awaitAnswer(d.say(d.ann, d.ann, 0, "Quick, please"), unclear)
	d.awaitAnswer(d.say(d.ann, d.ann, 0, "/priority urgent"), "Which ticket do you mean")
	d.quiet(printer)
	d.press(d.ann, asked, "mean:"+scanner.id)
	d.await("it asks about the closed ticket", func() bool {
		m, _ := d.sim.Message(d.ann, asked.ID)
		return m.Text != asked.Text && len(m.Buttons) > 0
	})
	d.press(d.ann, older, "say:"+scanner.id)
	d.follow(scanner, "It beeps", "Quick, please")
	d.became(asked, "✅ Sent to #2 Scanner.")
	d.await("the command is carried out", func() bool { return d.record(scanner).Priority == "urgent" })
	d.nowhere(scanner, "/priority")
	d.nothingWaits(d.ann)
}

// nothingWaits waits until nothing of somebody's waits for an answer.
func (d *desk) nothingWaits(who int64) {
	d.t.Helper()
	d.await("nothing waits", func() bool {
		r, err := d.store.User(d.t.Context(), who)
		d.must(err)
		return r.Shelf == nil || !slices.ContainsFunc(r.Shelf.Messages, func(m storage.Shelved) bool { return m.Waits() })
	})
}
