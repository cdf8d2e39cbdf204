package actors_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/simulator"
)

const (
	outOfDescription = "no longer in the description of "
	notInDescription = "has no words of that message"
	strayDescription = "was changed since"
)

// describes waits until a ticket's description is as given, in its record and, if it says something, on the cards in the topics.
func (d *desk) describes(k *ticket, want string, topics map[int64]int) {
	d.t.Helper()
	d.eventually("the description is "+want, func() bool { return d.record(k).Description == want })
	for chat, thread := range topics {
		d.await("the card says "+want, func() bool {
			return want == "" || strings.Contains(flat(d.card(k, chat, thread).Text), flat(want))
		})
	}
}

// flat leaves blank lines out of a text.
func flat(text string) string { return strings.Join(strings.Fields(text), " ") }

// TestDeletionOfADescription: what became a ticket's description can be taken back, by "/delete" in reply to the message that said it.
func TestDeletionOfADescription(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	d.mayDelete(d.support)
	d.run(t, "the first words of a newcomer, one by one, and across a restart", func(t *testing.T) {
		who := d.newcomer("Nina")
		first := d.say(who, who, 0, "my card was charged twice")
		second := d.say(who, who, 0, "number 4111")
		d.press(who, d.awaitAnswer(first, "passed on to nobody"), "new")
		k := d.pick(who, d.awaitAnswer(first, "Where should"), "my card was charged")
		d.introduced(d.support, k.thread)
		topics := map[int64]int{d.support: k.thread}
		d.describes(k, "my card was charged twice\n\nnumber 4111", topics)
		d.quiet(k)
		d.restart()
		d.awaitAnswer(d.reply(who, who, second, "/delete"), outOfDescription+d.name(k))
		d.describes(k, "my card was charged twice", topics)
		d.awaitDeleted(second)
		d.awaitNow(d.card(k, d.support, k.thread), "charged twice", "4111")
		event, data := d.awaitTold(k, messages.EventTicketUpdated, 1)
		if c := data.Changes["description"]; c.Before != "my card was charged twice\n\nnumber 4111" || c.After != "my card was charged twice" {
			t.Errorf("%s", event.Data)
		}
		d.awaitAnswer(d.reply(who, who, first, "/delete"), outOfDescription+d.name(k))
		d.describes(k, "", topics)
		if title := d.record(k).Title; title != "my card was charged twice" {
			t.Errorf("the title is %q", title)
		}
		d.awaitAnswer(d.reply(who, who, d.awaitAnswer(d.say(who, who, 0, "/help"), "ticket"), "/delete"), "does not belong to this ticket")
	})
	d.run(t, "the opening command, also while another ticket is the current one, and twice", func(t *testing.T) {
		who := d.newcomer("Otto")
		command := d.say(who, who, 0, "/create_ticket Wrong sum\nsee the invoice 77")
		k := d.pick(who, d.awaitAnswer(command, "Where should"), "Wrong sum")
		d.describes(k, "see the invoice 77", map[int64]int{d.support: k.thread})
		d.openPrivately(who, d.support, "Another one")
		d.inject(simulator.Fault{Method: "deleteMessages", Chat: who, Kind: simulator.Fault400, Description: "message can't be deleted"})
		d.inject(simulator.Fault{Method: "deleteMessage", Chat: who, Kind: simulator.Fault400, Description: "message can't be deleted"})
		d.awaitAnswer(d.reply(who, who, command, "/delete"), outOfDescription+d.name(k))
		d.describes(k, "", nil)
		d.awaitAnswer(d.reply(who, who, command, "/delete"), notInDescription)
		d.edit(command, "/create_ticket Wrong sum\nsee the invoice 77 again")
		d.say(who, who, 0, "a later word")
		d.quiet(k)
		if r := d.record(k); r.Description != "" || d.events(k, messages.EventTicketUpdated) != 1 {
			t.Errorf("%q, %d events", r.Description, d.events(k, messages.EventTicketUpdated))
		}
	})
	d.run(t, "in General, the message that the command answered: only its author and administrators", func(t *testing.T) {
		rita := d.newcomer("Rita")
		said := d.say(d.eve, d.support, 0, "the printer on floor 3 burns")
		k := &ticket{chat: d.support, id: d.ticketIDIn(d.awaitAnswer(
			d.reply(rita, d.support, said, "/create_ticket Printer\nplease look at once"), "Ticket opened").Text)}
		k.thread = d.topicNamed(d.support, "Printer").Thread
		d.introduced(d.support, k.thread)
		topics := map[int64]int{d.support: k.thread, d.engineering: d.mention(d.ann, k, "@bob_eng", d.engineering)}
		d.describes(k, "please look at once\n\nthe printer on floor 3 burns", topics)
		d.awaitAnswer(d.reply(rita, d.support, said, "/delete"), "Only whoever wrote a message")
		d.awaitAnswer(d.reply(d.eve, d.support, said, "/delete"), outOfDescription)
		d.describes(k, "please look at once", topics)
		d.awaitDeleted(said)
	})
	d.run(t, "an administrator, in a closed ticket", func(t *testing.T) {
		said := d.say(d.eve, d.support, 0, "her name is Miriam")
		k := &ticket{chat: d.support, id: d.ticketIDIn(d.awaitAnswer(
			d.reply(d.eve, d.support, said, "/create_ticket Names"), "Ticket opened").Text)}
		k.thread = d.topicNamed(d.support, "Names").Thread
		d.say(d.ann, d.support, k.thread, "/close_ticket")
		d.await("closed", func() bool { return d.topic(d.support, k.thread).Closed })
		d.awaitAnswer(d.reply(d.ann, d.support, said, "/delete"), outOfDescription)
		d.describes(k, "", nil)
		if d.record(k).Status != "closed" {
			t.Error("it is open")
		}
	})
	d.run(t, "what somebody has changed since stays as it is, and what stands there as it was goes", func(t *testing.T) {
		said := d.say(d.eve, d.support, 0, "it smells of smoke")
		k := &ticket{chat: d.support, id: d.ticketIDIn(d.awaitAnswer(
			d.reply(d.eve, d.support, said, "/create_ticket Smoke"), "Ticket opened").Text)}
		k.thread = d.topicNamed(d.support, "Smoke").Thread
		d.describes(k, "it smells of smoke", nil)
		around := "Known since May:\nit smells of smoke\nFloor 4."
		d.does(k.id, &messages.UpdateTicket{Origin: program(), Description: &around}, "")
		other := "Summary: it smells of smoke, on floor 4."
		d.edit(said, "it smells of burnt paper")
		d.describes(k, "Known since May:\nit smells of burnt paper\nFloor 4.", nil)
		d.does(k.id, &messages.UpdateTicket{Origin: program(), Description: &other}, "")
		d.awaitAnswer(d.reply(d.eve, d.support, said, "/delete"), strayDescription)
		d.edit(said, "it smells of coffee")
		d.awaitAnswer(said, strayDescription)
		d.describes(k, other, nil)
	})
}

// TestEditsOfADescription: what became a ticket's description follows its message.
func TestEditsOfADescription(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	d.mayDelete(d.support)
	d.run(t, "a command, and the message that it answers", func(t *testing.T) {
		said := d.say(d.eve, d.support, 0, "key abcd")
		command := d.reply(d.eve, d.support, said, "/create_ticket Keys\nof the lab")
		k := &ticket{chat: d.support, id: d.ticketIDIn(d.awaitAnswer(command, "Ticket opened").Text)}
		k.thread = d.topicNamed(d.support, "Keys").Thread
		d.introduced(d.support, k.thread)
		topics := map[int64]int{d.support: k.thread}
		d.describes(k, "of the lab\n\nkey abcd", topics)
		text := "the key is 1234"
		d.edit(said, text, on(text, "1234", spoiler))
		d.describes(k, "of the lab\n\nthe key is 1234", topics)
		if e := d.record(k).DescriptionEntities; len(e) != 1 || e[0].Type != "spoiler" || e[0].Offset != 23 {
			t.Errorf("%+v", e)
		}
		d.restart()
		d.edit(command, "/create_ticket Keys")
		d.describes(k, "the key is 1234", topics)
		d.edit(command, "/create_ticket Keys\nof floor 2")
		d.describes(k, "of floor 2\n\nthe key is 1234", topics)
		d.quiet(k)
		d.eventually("the log has three events", func() bool { return d.events(k, messages.EventTicketUpdated) >= 3 })
		if n := d.events(k, messages.EventTicketUpdated); n != 3 {
			t.Errorf("%d events", n)
		}
	})
	d.run(t, "to more than a description may have, and back", func(t *testing.T) {
		said := d.say(d.eve, d.support, 0, "short")
		k := &ticket{chat: d.support, id: d.ticketIDIn(d.awaitAnswer(
			d.reply(d.eve, d.support, said, "/create_ticket Long"), "Ticket opened").Text)}
		k.thread = d.topicNamed(d.support, "Long").Thread
		d.introduced(d.support, k.thread)
		d.edit(said, strings.Repeat("words ", 675)+"the end")
		d.awaitText(d.support, k.thread, "the end")
		d.edit(said, "short again")
		d.describes(k, "short again", map[int64]int{d.support: k.thread})
		d.awaitGone(d.support, k.thread, "the end")
	})
	d.run(t, "another medium takes the place of the one before", func(t *testing.T) {
		video := &simulator.Upload{Kind: "video", FileName: "other.mp4", Data: []byte("other")}
		other := d.send(d.ann, d.support, 0, video, "")
		photo := d.send(d.eve, d.support, 0, upload("photo"), "it smokes")
		command := d.reply(d.eve, d.support, photo, "/create_ticket Swap")
		k := &ticket{chat: d.support, id: d.ticketIDIn(d.awaitAnswer(command, "Ticket opened").Text)}
		k.thread = d.topicNamed(d.support, "Swap").Thread
		d.awaitEnclosed(k, d.support, k.thread, 1)
		d.editedTo(photo, map[string]any{"video": other.Media.Value, "caption": "it smokes a lot"})
		d.describes(k, "it smokes a lot", map[int64]int{d.support: k.thread})
		d.await("only the video", func() bool {
			var kinds []string
			for _, m := range d.visible(d.support, k.thread) {
				if m.Media != nil {
					kinds = append(kinds, m.Media.Kind)
				}
			}
			return slices.Equal(kinds, []string{"video"})
		})
	})
	d.run(t, "the caption of a photo, which goes with it", func(t *testing.T) {
		who := d.newcomer("Pim")
		photo := d.send(who, who, 0, upload("photo"), "my passport 999")
		d.press(who, d.awaitAnswer(photo, "passed on to nobody"), "new")
		k := d.pick(who, d.awaitAnswer(photo, "Where should"), "my passport")
		d.introduced(d.support, k.thread)
		topics := map[int64]int{d.support: k.thread}
		d.describes(k, "my passport 999", topics)
		d.edit(photo, "my passport")
		d.describes(k, "my passport", topics)
		shown := func() (n int) {
			for _, m := range d.visible(d.support, k.thread) {
				if m.Media != nil {
					n++
				}
			}
			return n
		}
		if shown() != 1 {
			t.Errorf("%d photos", shown())
		}
		d.awaitAnswer(d.reply(who, who, photo, "/delete"), outOfDescription)
		d.await("the photo is gone", func() bool { return shown() == 0 })
		d.describes(k, "", nil)
	})
}
