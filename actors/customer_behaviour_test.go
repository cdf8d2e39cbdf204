package actors_test

import (
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/simulator"
)

// openFrom has somebody open a ticket in Support by replying to a message.
func (d *desk) openFrom(by int64, to simulator.Message, title string) *ticket {
	d.t.Helper()
	asked := d.reply(by, d.support, to, strings.TrimSpace("/create_ticket "+title))
	return d.openedBy(asked)
}

// openedBy waits for the ticket that a message opens in Support.
func (d *desk) openedBy(asked simulator.Message) *ticket {
	d.t.Helper()
	k := &ticket{chat: d.support, id: d.ticketIDIn(d.awaitAnswer(asked, "Ticket opened: #").Text)}
	k.thread = d.topicOf(d.support, k)
	d.awaitText(d.support, k.thread, d.head(k))
	return k
}

// isFor checks whose ticket the record, the card, the event and the API's ticket say that it is.
func (d *desk) isFor(t *testing.T, k *ticket, person int64, name string) {
	t.Helper()
	r := d.record(k)
	if got := r.Customer(); got.Kind != "user" || got.ID != itoa64(person) || got.Name != name {
		t.Errorf("the record says %+v", got)
	}
	_, data := d.awaitTold(k, messages.EventTicketCreated, 1)
	if data.Ticket.Customer.ID != itoa64(person) || data.Ticket.CreatedBy.ID != r.CreatedBy.ID {
		t.Errorf("the event says %+v, opened by %+v", data.Ticket.Customer, data.Ticket.CreatedBy)
	}
	card := d.card(k, d.support, k.thread)
	if r.CreatedBy.ID != itoa64(person) && !strings.Contains(card.Text, "Customer: "+name) {
		t.Errorf("the card says %s", card.Text)
	}
	if r.CreatedBy.ID == itoa64(person) && strings.Contains(card.Text, "Customer:") {
		t.Errorf("the card names the customer twice: %s", card.Text)
	}
}

// TestTicketFromSomebodysWords: whoever opens a ticket from another's message is not its customer; whose message it is, is.
func TestTicketFromSomebodysWords(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	says := func(by int64, k *ticket, text, answer string) {
		t.Helper()
		d.awaitAnswer(d.say(by, d.support, k.thread, text), answer)
	}
	d.run(t, "the one who opens it may claim it, the customer may not", func(t *testing.T) {
		k := d.openFrom(d.carl, d.say(d.eve, d.support, 0, "The printer smokes"), "")
		d.isFor(t, k, d.eve, "Eve")
		says(d.eve, k, "/claim", "Only the team can take care of this ticket")
		says(d.carl, k, "/claim", "Carl takes care of this ticket now")
		d.awaitAssignee(k, d.carl)
	})
	d.run(t, "they hear of it by a mention, and whoever opens their own ticket by an answer", func(t *testing.T) {
		asked := d.reply(d.carl, d.support, d.say(d.eve, d.support, 0, "The bell is silent"), "/create_ticket")
		told := d.awaitAnswer(asked, "Ticket opened: #")
		if !strings.Contains(told.Text, "Eve: your message is in this ticket now") || !mentions(told, d.eve) {
			t.Errorf("%s %+v", told.Text, told.Entities)
		}
		told = d.awaitAnswer(d.say(d.eve, d.support, 0, "/create_ticket The bell rings again"), "Ticket opened: #")
		if strings.Contains(told.Text, "your message") {
			t.Error(told.Text)
		}
	})
	d.run(t, "for whom it waits goes by that", func(*testing.T) {
		k := d.openFrom(d.carl, d.say(d.eve, d.support, 0, "The lamp is dark"), "Lamp")
		d.awaitWaiting(k, "desk")
		d.awaitHeard(k, d.say(d.carl, d.support, k.thread, "Which lamp?"))
		d.awaitWaiting(k, "customer")
		d.awaitAssignee(k, d.carl)
		d.awaitHeard(k, d.say(d.eve, d.support, k.thread, "The red one"))
		d.awaitWaiting(k, "desk")
	})
	d.run(t, "it is among the customer's tickets, and they may close it", func(*testing.T) {
		k := d.openFrom(d.carl, d.say(d.eve, d.support, 0, "The fan is loud"), "Fan")
		d.awaitAnswer(d.say(d.eve, d.eve, 0, "/tickets"), d.name(k))
		says(d.eve, k, "/close_ticket", "closed")
	})
	d.run(t, "also if only a picture is answered, and if the title is asked for", func(t *testing.T) {
		photo := d.send(d.eve, d.support, 0, &simulator.Upload{Kind: "photo"}, "")
		asked := d.reply(d.carl, d.support, photo, "/create_ticket")
		question := d.awaitAnswer(asked, "title")
		k := d.openedBy(d.reply(d.carl, d.support, question, "Picture"))
		d.isFor(t, k, d.eve, "Eve")
	})
	d.run(t, "own words are the opener's", func(t *testing.T) {
		k := d.openFrom(d.eve, d.say(d.eve, d.support, 0, "The cable is loose"), "")
		d.isFor(t, k, d.eve, "Eve")
	})
	d.run(t, "who answers what the team has said is the customer", func(t *testing.T) {
		k := d.openFrom(d.eve, d.say(d.ann, d.support, 0, "Reply here if something is broken"), "Mouse")
		d.isFor(t, k, d.eve, "Eve")
		says(d.ann, k, "/claim", "Ann takes care of this ticket now")
	})
	d.run(t, "a restart forgets nothing", func(t *testing.T) {
		k := d.openFrom(d.carl, d.say(d.eve, d.support, 0, "The door squeaks"), "Door")
		d.quiet(k)
		d.restart()
		says(d.carl, k, "/claim", "Carl takes care of this ticket now")
		d.isFor(t, k, d.eve, "Eve")
	})
}

// TestMineIsOneList: /mine and the web desk's "Mine" have the same tickets.
func TestMineIsOneList(t *testing.T) {
	t.Parallel()
	d := ready(t, options{})
	asked := func(m proto.Message) proto.Message {
		t.Helper()
		reply, err := d.system.Ask(t.Context(), messages.KindQuery, "", m)
		d.must(err)
		return reply
	}
	mine := func(t *testing.T, person int64, want ...*ticket) {
		t.Helper()
		var ids, telegram, web []string
		for _, k := range want {
			ids = append(ids, k.id)
		}
		for _, row := range asked(&messages.ListOpenTickets{UserId: person, Claimed: true, Limit: 50}).(*messages.TicketList).Tickets {
			telegram = append(telegram, row.TicketId)
		}
		groups := []string{messages.GroupPlace(d.support), messages.GroupPlace(d.engineering)}
		for _, row := range asked(&messages.ListWebTickets{UserId: person, Groups: groups, Mine: true, Limit: 50,
			Statuses: []string{"open", "pending"}}).(*messages.WebTickets).Tickets {
			web = append(web, row.Ticket.TicketId)
		}
		for _, list := range [][]string{ids, telegram, web} {
			slices.Sort(list)
		}
		if !slices.Equal(telegram, ids) || !slices.Equal(web, ids) {
			t.Errorf("/mine has %q, the web desk %q, want %q", telegram, web, ids)
		}
	}
	opened := d.open(d.eve, d.support, "Printer")
	eves := d.openFrom(d.carl, d.say(d.eve, d.support, 0, "The lamp is dark"), "Lamp")
	eng := d.mention(d.ann, opened, "@bob_eng", d.engineering)
	d.quiet(opened, eves)
	d.run(t, "what somebody opened, is the customer of, or was brought into", func(t *testing.T) {
		mine(t, d.eve, opened, eves)
		mine(t, d.carl, eves)
		mine(t, d.bob, opened)
		mine(t, d.dora)
	})
	d.run(t, "what they take care of; nobody else who was brought into it has it", func(t *testing.T) {
		d.awaitAnswer(d.say(d.carl, d.support, opened.thread, "/claim"), "Carl takes care")
		mine(t, d.carl, opened, eves)
		mine(t, d.bob)
		mine(t, d.eve, opened, eves)
		d.awaitAnswer(d.say(d.bob, d.engineering, eng, "/release"), "Bob has released")
		mine(t, d.bob, opened)
	})
	d.run(t, "as people see it", func(*testing.T) {
		d.awaitAnswer(d.say(d.eve, d.eve, 0, "/mine"), "2 open tickets are yours:")
		d.awaitAnswer(d.say(d.bob, d.bob, 0, "/mine"), d.name(opened))
	})
}
