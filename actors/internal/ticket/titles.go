package ticket

import (
	"strings"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// The title of a ticket, and what people do to its topics by hand.

// retitling gives the ticket another title, as if it were renamed by hand.
func (t *ticket) retitling(m *messages.RenameTicket) (effect, error) {
	o, title := m.Origin, messages.CleanLine(m.Title)
	return func(r *desk.Result) {
		switch title {
		case r.Title:
			desk.Acknowledge(r, o)
			return
		case "":
			r.Refuse(messages.ReasonNoTitle, nil)
			return
		}
		t.update(r.Ticket, o, func() { retitle(r.Ticket, title) })
		desk.RespondOpenly(r, o, messages.NoticeTicketRenamed, map[string]string{"who": desk.Who(o), "title": title})
	}, nil
}

// retitle sets the title. Every topic gets its name, also one that was named by hand.
func retitle(r *storage.Ticket, title string) {
	r.Title = title
	for _, topic := range desk.TopicsOf(r) {
		topic.NamedByHand = false
	}
}

// renaming takes the name that somebody gave a topic by hand as the ticket's title. The other topics get it too.
func (t *ticket) renaming(m *messages.TopicRenamed) (effect, error) {
	o := m.Origin
	return func(r *desk.Result) {
		here := desk.TopicAt(r.Ticket, o.Place, o.ThreadId)
		if here != nil && m.Icon {
			here.IconByHand = true
		}
		name := messages.CleanLine(m.Name)
		if here == nil || name == "" || here.Name == name {
			return
		}
		for _, topic := range desk.TopicsOf(r.Ticket) {
			topic.NamedByHand = false
		}
		here.Name, here.NamedByHand = name, true
		title := strings.TrimSpace(desk.TitleIn(r.Ticket, name))
		if title == "" || title == r.Title {
			return
		}
		t.update(r.Ticket, o, func() { r.Title = title })
	}, nil
}
