package actors_test

import (
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/simulator"
)

// settled waits until the bot has seen all that people did, and all of it is done.
func (d *desk) settled(by, chat int64, tickets ...*ticket) {
	d.t.Helper()
	d.awaitAnswer(d.say(by, chat, 0, "/help"), "/create_ticket")
	d.quiet(tickets...)
}

// TestDeletionOfADescriptionToBe: what a draft has can be taken back before there is a ticket.
func TestDeletionOfADescriptionToBe(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	d.run(t, "what gave the title gives up the draft", func(t *testing.T) {
		who := d.newcomer("Pia")
		photo := d.send(who, who, 0, upload("photo"), "my passport 999")
		d.press(who, d.awaitAnswer(photo, "passed on to nobody"), "new")
		choice := d.awaitAnswer(photo, "Where should")
		d.awaitAnswer(d.reply(who, who, photo, "/delete"), "not passed on to anyone")
		d.awaitText(who, 0, "Cancelled: my passport 999")
		d.press(who, choice, "pick:")
		d.awaitDeleted(photo)
		for _, m := range d.visible(d.support, 0) {
			if strings.Contains(m.Text, "passport") {
				t.Error(m.Text)
			}
		}
		d.openPrivately(who, d.support, "Another matter")
		topic := d.topicNamed(d.support, "Another matter")
		for _, m := range d.visible(d.support, topic.Thread) {
			if strings.Contains(m.Text, "passport") || m.Media != nil {
				t.Error(m.Text)
			}
		}
	})
	d.run(t, "what gave the title gives another when it is edited", func(t *testing.T) {
		for _, media := range []bool{false, true} {
			who := d.newcomer("Rosa")
			var said simulator.Message
			if media {
				said = d.send(who, who, 0, upload("photo"), "the code is 4711\nand more")
			} else {
				said = d.say(who, who, 0, "the code is 4711\nand more")
			}
			d.press(who, d.awaitAnswer(said, "passed on to nobody"), "new")
			choice := d.awaitAnswer(said, "Where should")
			d.edit(said, "the door is stuck\nand more")
			d.settled(who, who)
			k := d.pick(who, choice, "the door is stuck")
			d.introduced(d.support, k.thread)
			for _, m := range d.visible(d.support, k.thread) {
				if strings.Contains(m.Text, "4711") {
					t.Error(m.Text)
				}
			}
		}
	})
	d.run(t, "what gave a part leaves the rest, and an edit brings nothing of it back", func(t *testing.T) {
		who := d.newcomer("Quin")
		photo := d.send(who, who, 0, upload("photo"), "the number is 4111")
		command := d.reply(who, who, photo, "/create_ticket Wrong sum\nplease look")
		choice := d.awaitAnswer(command, "Where should Wrong sum")
		d.inject(simulator.Fault{Method: "deleteMessages", Chat: who, Kind: simulator.Fault400, Description: "message can't be deleted"})
		d.inject(simulator.Fault{Method: "deleteMessage", Chat: who, Kind: simulator.Fault400, Description: "message can't be deleted"})
		d.awaitAnswer(d.reply(who, who, photo, "/delete"), "not passed on to anyone")
		d.edit(photo, "the number is 4112")
		d.edit(command, "/create_ticket Wrong sum\nplease look at once")
		d.settled(who, who)
		k := d.pick(who, choice, "Wrong sum")
		d.introduced(d.support, k.thread)
		d.edit(photo, "the number is 4113")
		d.settled(who, who, k)
		if r := d.record(k); r.Description != "please look at once" || len(r.Enclosures) != 0 {
			t.Errorf("%q, %+v, %+v", r.Description, r.Enclosures, r.Sources)
		}
	})
}

// TestDeletionOfADescriptionRights: what "/delete" takes out of a ticket, and of Telegram, and what it leaves there.
func TestDeletionOfADescriptionRights(t *testing.T) {
	t.Parallel()
	d, k, eng := linked(t, options{})
	d.mayDelete(d.support, d.engineering)
	d.must(d.sim.SetMember(d.engineering, d.ann, simulator.Member))
	there := func(m simulator.Message) {
		d.t.Helper()
		if now, found := d.sim.Message(m.Chat, m.ID); !found || now.Deleted {
			d.t.Errorf("%q is deleted", m.Text)
		}
	}
	d.run(t, "the bot's own posts stay", func(t *testing.T) {
		card := d.card(k, d.support, k.thread)
		d.awaitCopied(d.reply(d.eve, d.support, card, "what is this?"), 1)
		d.awaitAnswer(d.reply(d.ann, d.support, card, "/delete"), "does not belong to this ticket")
		d.quiet(k)
		there(card)
		help := d.awaitAnswer(d.say(d.ann, d.support, 0, "/help"), "ticket")
		command := d.reply(d.ann, d.support, help, "/create_ticket Manual")
		other := &ticket{chat: d.support, id: d.ticketIDIn(d.awaitAnswer(command, "Ticket opened").Text)}
		if d.record(other).Description == "" {
			t.Error("no description")
		}
		d.awaitAnswer(d.reply(d.ann, d.support, help, "/delete"), "The message itself stays here")
		d.describes(other, "", nil)
		d.quiet(other)
		there(help)
	})
	d.run(t, "the home group's administrators delete nothing in another group", func(t *testing.T) {
		said := d.say(d.carl, d.engineering, 0, "the key is under the mat")
		d.post(simulator.Post{From: d.bob, Chat: d.engineering, Thread: eng, Text: "see there", ReplyTo: said.ID,
			Elsewhere: simulator.Elsewhere{ReplyChat: d.engineering}})
		copied := d.awaitText(d.support, k.thread, "see there")
		d.awaitNow(copied, "under the mat", "nothing")
		d.awaitAnswer(d.reply(d.dora, d.engineering, said, "/delete"), "Only whoever wrote a message")
		d.awaitAnswer(d.reply(d.ann, d.engineering, said, "/delete"), "The message itself stays here")
		d.awaitNow(copied, "see there", "under the mat")
		d.edit(said, "the key is under the mat, I say")
		d.settled(d.bob, d.engineering, k)
		d.awaitNow(copied, "see there", "under the mat")
		there(said)
		d.awaitAnswer(d.reply(d.bob, d.engineering, said, "/delete"), "I delete the message, too")
		d.awaitDeleted(said)
	})
	d.run(t, "what is not to be passed on does not come by an edit", func(t *testing.T) {
		note := d.say(d.ann, d.support, 0, "// they will never pay")
		d.post(simulator.Post{From: d.ann, Chat: d.support, Thread: k.thread, Text: "look there", ReplyTo: note.ID,
			Elsewhere: simulator.Elsewhere{ReplyChat: d.support}})
		copied := d.awaitText(d.engineering, eng, "look there")
		d.edit(note, "// they will never ever pay")
		locked := d.post(simulator.Post{From: d.eve, Chat: d.support, Text: "the first secret", Protected: true})
		command := d.reply(d.eve, d.support, locked, "/create_ticket Secrets")
		other := &ticket{chat: d.support, id: d.ticketIDIn(d.awaitAnswer(command, "Ticket opened").Text)}
		d.edit(locked, "the second secret")
		d.settled(d.eve, d.support, k, other)
		d.awaitNow(copied, "look there", "pay")
		if text := d.record(other).Description; text != "" {
			t.Errorf("%q", text)
		}
	})
	d.run(t, "a picture stays if its words are not found", func(t *testing.T) {
		photo := d.send(d.eve, d.support, 0, upload("photo"), "it smells of smoke")
		command := d.reply(d.eve, d.support, photo, "/create_ticket Smoke")
		other := &ticket{chat: d.support, id: d.ticketIDIn(d.awaitAnswer(command, "Ticket opened").Text)}
		other.thread = d.topicNamed(d.support, "Smoke").Thread
		d.awaitEnclosed(other, d.support, other.thread, 1)
		text := "Summary: it smells of smoke, on floor 4."
		d.does(other.id, &messages.UpdateTicket{Origin: program(), Description: &text}, "")
		d.awaitAnswer(d.reply(d.eve, d.support, photo, "/delete"), strayDescription)
		d.quiet(other)
		there(photo)
		for _, e := range d.record(other).Enclosures {
			if e.Gone {
				t.Error("the picture is gone")
			}
		}
		if !strings.Contains(d.record(other).Description, "smoke") {
			t.Errorf("%q", d.record(other).Description)
		}
	})
	photographed := func(name string) (*ticket, simulator.Message, int) {
		photo := d.send(d.eve, d.support, 0, upload("photo"), "the picture of "+name)
		command := d.reply(d.eve, d.support, photo, "/create_ticket "+name)
		other := &ticket{chat: d.support, id: d.ticketIDIn(d.awaitAnswer(command, "Ticket opened").Text)}
		other.thread = d.topicNamed(d.support, name).Thread
		d.awaitEnclosed(other, d.support, other.thread, 1)
		there := d.mention(d.ann, other, "@bob_eng", d.engineering)
		d.awaitEnclosed(other, d.engineering, there, 1)
		return other, photo, there
	}
	pictures := func(chat int64, thread int) (n int) {
		for _, m := range d.visible(chat, thread) {
			if m.Media != nil {
				n++
			}
		}
		return n
	}
	d.run(t, "a picture goes also where the link has ended", func(t *testing.T) {
		other, photo, there := photographed("Cellar")
		d.say(d.bob, d.engineering, there, "/unlink")
		d.awaitText(d.support, other.thread, "no longer")
		d.quiet(other)
		d.awaitAnswer(d.reply(d.eve, d.support, photo, "/delete"), outOfDescription)
		d.await("no picture", func() bool { return pictures(d.engineering, there)+pictures(d.support, other.thread) == 0 })
		d.quiet(other)
	})
	d.run(t, "where a picture can't be deleted, whoever took it back hears of it", func(t *testing.T) {
		other, photo, there := photographed("Attic")
		d.inject(simulator.Fault{Method: "deleteMessage", Chat: d.engineering, Kind: simulator.Fault400, Description: "message can't be deleted"})
		command := d.reply(d.eve, d.support, photo, "/delete")
		d.awaitAnswer(command, outOfDescription)
		d.awaitAnswer(command, "A post in Engineering still shows")
		d.quiet(other)
		if n := pictures(d.engineering, there); n != 1 {
			t.Errorf("%d pictures", n)
		}
	})
	d.run(t, "an announcement that is quoted in several tickets: one answer for all", func(t *testing.T) {
		other := d.open(d.ann, d.support, "Other")
		said := d.say(d.eve, d.support, 0, "the gate code is 77")
		for _, at := range []*ticket{k, other} {
			d.post(simulator.Post{From: d.ann, Chat: d.support, Thread: at.thread, Text: "is it?", ReplyTo: said.ID,
				Elsewhere: simulator.Elsewhere{ReplyChat: d.support}})
		}
		copied := d.awaitText(d.engineering, eng, "is it?")
		d.awaitNow(copied, "gate code", "nothing")
		d.quiet(k, other)
		command := d.reply(d.eve, d.support, said, "/delete")
		d.awaitAnswer(command, "(and 1 more)")
		d.awaitNow(copied, "is it?", "gate code")
		d.awaitDeleted(said)
		d.quiet(k, other)
		answers := 0
		for _, m := range d.byBot(d.support, 0) {
			if m.ReplyTo == command.ID {
				answers++
			}
		}
		page, err := d.store.MessagesAfter(t.Context(), other.id, 0, 10)
		d.must(err)
		if r := page[0].ReplyTo; answers != 1 || !r.Deleted || r.Preview != "" {
			t.Errorf("%d answers, %+v", answers, r)
		}
	})
}
