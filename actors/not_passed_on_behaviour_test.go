package actors_test

import (
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/simulator"
)

const stillWaits = "What you wrote is not passed on yet"

// overtaken has Ann send something that waits at a question, and the team of her current ticket speak after it.
func overtaken(t *testing.T, d *desk) (printer, scanner *ticket, waits simulator.Message, asked simulator.Message) {
	t.Helper()
	printer, scanner = betweenTwo(t, d)
	waits = d.post(simulator.Post{From: d.ann, Chat: d.ann, Text: "The broken part", Media: upload("photo")})
	asked = d.awaitAnswer(waits, unclear)
	d.speak(scanner, "And does the scanner work?")
	return printer, scanner, waits, asked
}

// TestAQuestionIsNotOvertaken: while a message waits for the answer which ticket it is about, what follows waits with it,
// whatever the desk has spoken of meanwhile.
func TestAQuestionIsNotOvertaken(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	printer, scanner, _, asked := overtaken(t, d)
	more := d.say(d.ann, d.ann, 0, "It is the left one")
	again := d.awaitAnswer(more, stillWaits)
	d.quiet(printer, scanner)
	for _, k := range []*ticket{printer, scanner} {
		if _, found := d.find(d.support, k.thread, "left one"); found {
			t.Errorf("it went to %s", k.id)
		}
	}
	d.run(t, "one press sends all, in order", func(t *testing.T) {
		d.restart()
		d.press(d.ann, again, "mean:"+printer.id)
		d.awaitText(d.support, printer.thread, "It is the left one")
		d.quiet(printer, scanner)
		copies := d.copies(d.support, printer.thread)
		same(t, "what arrived", copies[len(copies)-2:], []string{"The broken part", "It is the left one"})
		d.became(again, "✅ Sent to #1 Printer.")
	})
	d.run(t, "and settles it, also what the desk said after the first question", func(t *testing.T) {
		d.say(d.ann, d.ann, 0, "That was all")
		d.awaitText(d.support, printer.thread, "That was all")
		if _, found := d.find(d.support, scanner.thread, "That was all"); found {
			t.Error("it went to the other")
		}
	})
	d.run(t, "the first question says where it went, without a press", func(*testing.T) {
		d.became(asked, "✅ Sent to #1 Printer.")
	})
}

// TestAQuestionIsRepeatedOnce: a message that waits for an answer is not forgotten in silence.
func TestAQuestionIsRepeatedOnce(t *testing.T) {
	t.Parallel()
	d := ready(t, options{speed: 60})
	printer, scanner, waits, _ := overtaken(t, d)
	repeated := func() (n int) {
		for _, m := range d.byBot(d.ann, simulator.AllThreads) {
			if strings.Contains(m.Text, stillWaits) {
				n++
			}
		}
		return n
	}
	d.restart() // what is due comes after a restart, too
	again := d.awaitAnswer(waits, stillWaits)
	d.eventually("nothing is due any more", func() bool {
		u, err := d.store.User(d.t.Context(), d.ann)
		return err == nil && u.DueAt.IsZero()
	})
	if n := repeated(); n != 1 {
		t.Errorf("repeated %d times", n)
	}
	d.press(d.ann, again, "mean:"+scanner.id)
	d.awaitText(d.support, scanner.thread, "The broken part")
	d.became(again, "✅ Sent to #2 Scanner.")
	d.quiet(printer, scanner)
}

// TestAWithdrawnMessageLeavesItsQuestion to those that wait with it.
func TestAWithdrawnMessageLeavesItsQuestion(t *testing.T) {
	t.Parallel()
	d := ready(t, options{speed: 60})
	printer, scanner := betweenTwo(t, d)
	waits := d.say(d.ann, d.ann, 0, "The broken part")
	d.awaitAnswer(waits, unclear)
	more := d.say(d.ann, d.ann, 0, "It is the left one") // the question stands right above
	d.quiet(printer, scanner)
	d.awaitAnswer(d.reply(d.ann, d.ann, waits, "/delete"), "was not passed on")
	d.press(d.ann, d.awaitAnswer(more, stillWaits), "mean:"+scanner.id)
	d.awaitText(d.support, scanner.thread, "It is the left one")
}

// TestATicketOpenedSinceIsNotHeldUp: who opens a ticket while an older message waits says by that what they write next is
// about.
func TestATicketOpenedSinceIsNotHeldUp(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	overtaken(t, d)
	kettle := d.openPrivately(d.ann, d.support, "Kettle")
	d.say(d.ann, d.ann, 0, "It leaks")
	d.awaitText(d.support, kettle.thread, "It leaks")
}

func TestDeletingWhatWasNotPassedOn(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	printer, scanner, waits, asked := overtaken(t, d)
	more := d.say(d.ann, d.ann, 0, "It is the left one")
	again := d.awaitAnswer(more, stillWaits)
	d.run(t, "what waits is withdrawn, and the bot says so", func(t *testing.T) {
		d.awaitAnswer(d.reply(d.ann, d.ann, waits, "/delete"), "was not passed on")
		d.await("it is deleted", func() bool { m, _ := d.sim.Message(d.ann, waits.ID); return m.Deleted })
		d.press(d.ann, again, "mean:"+printer.id)
		d.awaitText(d.support, printer.thread, "It is the left one")
		d.quiet(printer, scanner)
		for _, k := range []*ticket{printer, scanner} {
			if _, found := d.find(d.support, k.thread, "The broken part"); found {
				t.Errorf("the photo went to %s", k.id)
			}
		}
	})
	d.run(t, "its question sends nothing any more", func(t *testing.T) {
		d.became(asked, "✅ Sent to #1 Printer.")
		d.quiet(printer, scanner)
		if _, found := d.find(d.support, scanner.thread, "The broken part"); found {
			t.Error("the photo was sent")
		}
	})
	d.run(t, "in a topic, too", func(t *testing.T) {
		mistyped := d.say(d.carl, d.support, printer.thread, "/prority high")
		question := d.awaitAnswer(mistyped, "Did you mean")
		d.awaitAnswer(d.reply(d.ann, d.support, mistyped, "/delete"), "does not belong to this ticket")
		d.awaitAnswer(d.reply(d.carl, d.support, mistyped, "/delete"), "was not passed on")
		if a := d.press(d.carl, question, "asis:"); !strings.Contains(a.Text, "no longer works") {
			t.Errorf("answered %q", a.Text)
		}
	})
}

// TestANewcomersMessagesGoIntoTheTicket: each has a button of its own, and one press takes them all.
func TestANewcomersMessagesGoIntoTheTicket(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	hello := d.say(d.ann, d.ann, 0, "Hello there")
	photo := d.post(simulator.Post{From: d.ann, Chat: d.ann, Text: "See the smoke", Media: upload("photo")})
	first := d.awaitAnswer(photo, "passed on to nobody")
	said := d.say(d.ann, d.ann, 0, "The printer burns\nsince today")
	asked := d.awaitAnswer(said, "passed on to nobody")
	d.edit(hello, "Hello")
	late := d.say(d.ann, d.ann, 0, "Hurry")
	d.awaitAnswer(late, "passed on to nobody")
	d.quiet()
	d.press(d.ann, asked, "new")
	choice := d.awaitText(d.ann, 0, "Where should The printer burns")
	d.run(t, "a ticket that is given up gives them back", func(t *testing.T) {
		d.press(d.ann, choice, "pdrop:")
		d.restart()
		d.press(d.ann, asked, "new")
		d.await("another choice", func() bool {
			again, _ := d.find(d.ann, 0, "Where should The printer burns")
			return again.ID > choice.ID
		})
		choice, _ = d.find(d.ann, 0, "Where should The printer burns")
	})
	d.press(d.ann, choice, "pick:"+ticketOf(choice)+":g"+itoa64(d.support))
	k := d.openedPrivately(d.ann, d.support, "The printer burns")
	d.quiet(k)
	r := d.record(k)
	if want := "Hello\n\nThe printer burns\nsince today\n\nHurry"; r.Description != want {
		t.Errorf("the description is %q", r.Description)
	}
	if len(r.Enclosures) != 1 || r.Enclosures[0].Kind != "photo" || r.Enclosures[0].Text != "See the smoke" {
		t.Errorf("the enclosures are %+v", r.Enclosures)
	}
	d.run(t, "an edited command keeps what was written before it", func(t *testing.T) {
		who := d.newcomer("Wim")
		d.awaitAnswer(d.say(who, who, 0, "Good morning"), "passed on to nobody")
		smoke := d.say(who, who, 0, "It smokes")
		d.awaitAnswer(smoke, "passed on to nobody")
		command := d.reply(who, who, smoke, "/create_ticket Kettel\nsince today")
		choice := d.awaitAnswer(command, "Where should Kettel")
		d.quiet()
		d.restart()
		d.edit(command, "/create_ticket Kettle\nsince yesterday")
		d.quiet()
		if r := d.record(d.pick(who, choice, "Kettle")); r.Description != "Good morning\n\nsince yesterday\n\nIt smokes" {
			t.Errorf("the description is %q", r.Description)
		}
	})
	d.run(t, "the other buttons say where it is", func(t *testing.T) {
		d.press(d.ann, first, "new")
		d.became(first, "✅ Sent to #1 The printer burns.")
	})
}

// TestADismissedQuestionForATitle: what is written after it goes nowhere before the person has said what it is.
func TestADismissedQuestionForATitle(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	printer := d.openPrivately(d.ann, d.support, "Printer")
	ask := func() {
		t.Helper()
		d.awaitAnswer(d.say(d.ann, d.ann, 0, "/create_ticket"), "What is the ticket about?")
	}
	nowhere := func(t *testing.T, text string) {
		t.Helper()
		d.quiet(printer)
		if _, found := d.find(d.support, printer.thread, text); found {
			t.Errorf("%q went to the current ticket", text)
		}
	}
	d.run(t, "it becomes a ticket", func(t *testing.T) {
		ask()
		said := d.say(d.ann, d.ann, 0, "The scanner hums")
		asked := d.awaitAnswer(said, isTitle)
		nowhere(t, "hums")
		d.restart()
		d.press(d.ann, asked, "new")
		choice := d.awaitText(d.ann, 0, "Where should The scanner hums")
		d.press(d.ann, choice, "pdrop:")
		nowhere(t, "hums")
	})
	d.run(t, "or a message, and it is asked once", func(t *testing.T) {
		ask()
		said := d.say(d.ann, d.ann, 0, "Still broken")
		d.press(d.ann, d.awaitAnswer(said, isTitle), "mean:"+printer.id)
		d.awaitText(d.support, printer.thread, "Still broken")
		d.say(d.ann, d.ann, 0, "Really")
		d.awaitText(d.support, printer.thread, "Really")
	})
}

// TestATitleOrAnAnswer: what may be the title may also be an answer to what the desk said last, on a ticket that is not the current
// one. It can be sent there, and whoever has opened a ticket since was not asked for its title.
func TestATitleOrAnAnswer(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	d.must(d.sim.SetMember(d.engineering, d.ann, simulator.Member))
	wages := d.openPrivately(d.ann, d.support, "Wages")
	laptop := d.openPrivately(d.ann, d.engineering, "Laptop") // the current one
	d.quiet(wages, laptop)
	asks := func(text string) {
		t.Helper()
		d.say(d.eve, d.support, wages.thread, text)
		d.awaitSaid(d.ann, d.awaitText(d.ann, 0, text))
	}
	d.run(t, "no ticket was opened", func(t *testing.T) {
		d.awaitAnswer(d.say(d.ann, d.ann, 0, "/create_ticket"), "What is the ticket about?")
		asks("Your number, please")
		question := d.awaitAnswer(d.say(d.ann, d.ann, 0, "1-2345"), isTitle)
		want := []string{"New ticket", "Wages", "Laptop"}
		for i, row := range question.Buttons {
			if i >= len(want) || !strings.Contains(row[0].Text, want[i]) {
				t.Errorf("%d: %q", i, row[0].Text)
			}
		}
		d.press(d.ann, question, "mean:"+wages.id)
		d.awaitText(d.support, wages.thread, "1-2345")
	})
	d.run(t, "one was, with a title", func(t *testing.T) {
		d.awaitAnswer(d.say(d.ann, d.ann, 0, "/create_ticket"), "What is the ticket about?")
		door := d.openPrivately(d.ann, d.engineering, "Door")
		d.quiet(door)
		asks("And your name?")
		question := d.awaitAnswer(d.say(d.ann, d.ann, 0, "Ann of course"), "Which ticket do you mean?")
		if strings.Contains(question.Text, "title") {
			t.Errorf("the bot asks %q", question.Text)
		}
		d.press(d.ann, question, "mean:"+wages.id)
		d.awaitText(d.support, wages.thread, "Ann of course")
	})
	for _, text := range []string{"1-2345", "Ann of course"} {
		if _, found := d.find(d.engineering, simulator.AllThreads, text); found {
			t.Errorf("another team reads %q", text)
		}
	}
}

// TestAQuestionAboutATitleIsRepeatedOnce: what may be the title waits visibly, and what follows waits with it.
func TestAQuestionAboutATitleIsRepeatedOnce(t *testing.T) {
	t.Parallel()
	d := ready(t, options{speed: 60})
	printer := d.openPrivately(d.ann, d.support, "Printer")
	asked := func(said simulator.Message) (all []simulator.Message) {
		for _, m := range d.byBot(d.ann, simulator.AllThreads) {
			if m.ReplyTo == said.ID && strings.Contains(m.Text, isTitle) {
				all = append(all, m)
			}
		}
		return all
	}
	nothingDue := func() {
		t.Helper()
		d.eventually("nothing is due any more", func() bool {
			u, err := d.store.User(d.t.Context(), d.ann)
			return err == nil && u.DueAt.IsZero()
		})
	}
	for _, c := range []struct {
		what, press string
		times       int
	}{{"an overlooked button", "", 2}, {"it was a message", "mean:" + printer.id, 0}, {"it was the title", "new", 0}} {
		d.run(t, c.what, func(t *testing.T) {
			d.awaitAnswer(d.say(d.ann, d.ann, 0, "/create_ticket"), "What is the ticket about?")
			said := d.say(d.ann, d.ann, 0, "It hums: "+c.what)
			question := d.awaitAnswer(said, isTitle)
			if c.press != "" {
				d.press(d.ann, question, c.press)
			}
			if c.press == "new" {
				d.press(d.ann, d.awaitText(d.ann, 0, "Where should It hums"), "pdrop:")
			}
			d.restart()
			nothingDue()
			d.quiet(printer)
			if c.times == 0 {
				d.eventually("no question stands any more", func() bool { return len(asked(said)) == 0 })
			}
			all := asked(said)
			if len(all) != c.times {
				t.Fatalf("%d questions stand", len(all))
			}
			d.say(d.ann, d.ann, 0, "Really, "+c.what)
			if c.press == "" {
				d.quiet(printer)
				d.press(d.ann, all[1], "mean:"+printer.id)
				d.awaitText(d.support, printer.thread, "It hums: "+c.what)
				d.became(all[0], "✅ Sent to #1 Printer.")
				d.became(all[1], "✅ Sent to #1 Printer.")
			}
			d.awaitText(d.support, printer.thread, "Really, "+c.what)
		})
	}
}
