package actors_test

import (
	"slices"
	"strings"
	"unicode"

	"github.com/topicdesk/topicdesk/messages"
)

// How tests find tickets by what people read: numbers, names and topics.

func (d *desk) ticketIDIn(text string) string {
	d.t.Helper()
	_, rest, _ := strings.Cut(text, "#")
	number, ok := messages.ParseNumber(strings.FieldsFunc(rest+" x", unicode.IsSpace)[0])
	id, err := d.store.TicketByNumber(d.t.Context(), number)
	if !ok || err != nil {
		d.t.Fatalf("no ticket is named in %q: %v", text, err)
	}
	return id
}

// unnumbered is the name of a topic without the ticket's number.
func unnumbered(name string) string {
	if _, ok := messages.NumberIn(name); ok {
		_, name, _ = strings.Cut(name, " ")
	}
	return name
}

// name is how people read of a ticket elsewhere than in its topic: "#42 Printer".
func (d *desk) name(k *ticket) string {
	d.t.Helper()
	r := d.record(k)
	return messages.TicketName(r.Title, r.Number)
}

// number is a ticket's number as people read it: "#42".
func (d *desk) number(k *ticket) string {
	d.t.Helper()
	return messages.NumberName(d.record(k).Number)
}

// head is how a ticket's card begins.
func (d *desk) head(k *ticket) string {
	d.t.Helper()
	return "🎫 " + d.number(k) + "\n"
}

// announced waits until a private chat says that a ticket is open whose title begins so, and returns its id.
func (d *desk) announced(by int64, thread int, title string) (id string) {
	d.t.Helper()
	d.await("the word that "+title+" is open", func() bool {
		for _, m := range slices.Backward(d.byBot(by, thread)) {
			_, number, _ := strings.Cut(m.Text, ": #")
			if strings.HasPrefix(m.Text, "🎫 ") && strings.HasPrefix(unnumbered("#"+number), title) {
				id = d.ticketIDIn("#" + number)
				return true
			}
		}
		return false
	})
	return id
}

// topicOf waits for the topic of a ticket and returns its thread.
func (d *desk) topicOf(chat int64, k *ticket) (thread int) {
	d.t.Helper()
	d.await("the topic of "+k.id, func() bool {
		for _, topic := range d.sim.Topics(chat) {
			if strings.HasPrefix(topic.Name, d.number(k)+" ") {
				thread = topic.Thread
			}
		}
		return thread != 0
	})
	return thread
}
