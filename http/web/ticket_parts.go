package web

import (
	"html/template"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/topicdesk/topicdesk/messages"
)

// versionsPage is what a message said before its edits.
type versionsPage struct {
	TicketID string
	Part     bool
	Versions []version
}

type version struct {
	said
	Text string
	HTML template.HTML
}

// versionsOf are the former versions of a message that the person may see, oldest first. spoiler is what stands for hidden text.
func (a *access) versionsOf(m *messages.WebMessage, of *session, spoiler string) (all []version) {
	if m.Message.Deleted || !a.seesFormer(m.Message, of) {
		return nil
	}
	for _, v := range m.Versions {
		text := v.GetContent().GetText()
		if text == "" {
			text = "[" + v.GetContent().GetMedia().GetKind() + "]"
		}
		all = append(all, version{said{Sent: time.UnixMilli(v.UntilMs)}, text, markedHTML(text, v.GetContent().GetEntities(), spoiler)})
	}
	return all
}

// versions shows the former versions of a message to its author and to members of the group in which it was written. Others never
// had more than the copies of it that were edited, too: what was taken back is not for them.
func (s *Site) versions(c *fiber.Ctx, of *session) error {
	may, err := s.mayRead(c.UserContext(), of, c.Params("id"))
	if err != nil {
		return err
	}
	m, err := s.messageAt(c.UserContext(), may, c.Query("message"))
	if err != nil {
		return err
	}
	p := &versionsPage{TicketID: may.ticket.TicketId, Part: isHTMX(c)}
	spoiler := textOf(languageOf(c, of), "spoiler")
	p.Versions = may.versionsOf(m, of, spoiler)
	return s.render(c, "versions", &view{Title: may.ticket.Title, Session: of, Data: p})
}

// peoplePage is whom the person can mention, or give the ticket to.
type peoplePage struct {
	TicketID, Query string
	Action          string // mention, assign
	Part            bool
	People          []*messages.WebPerson
	More            bool
}

const peopleOnPage = 20

// people lists the colleagues who can be mentioned, for who is in one of the ticket's groups, as in Telegram.
func (s *Site) people(c *fiber.Ctx, of *session) error { return s.choice(c, of, "mention") }

// team lists those to whom the ticket can be given.
func (s *Site) team(c *fiber.Ctx, of *session) error { return s.choice(c, of, "assign") }

func (s *Site) choice(c *fiber.Ctx, of *session, action string) error {
	ctx := c.UserContext()
	may, err := s.mayRead(ctx, of, c.Params("id"))
	if err != nil {
		return err
	}
	if len(may.groups) == 0 {
		return errNowhere
	}
	p := &peoplePage{TicketID: may.ticket.TicketId, Action: action, Query: firstOf(messages.CleanLine(c.Query("q")), commandIDs), Part: isHTMX(c)}
	found, err := ask[*messages.WebPeople](ctx, s, messages.KindQuery, "", &messages.ListWebPeople{
		TicketId: may.ticket.TicketId, UserId: of.person.Id, Text: p.Query, Limit: peopleOnPage, ToAssign: action == "assign"})
	if err != nil {
		return err
	}
	p.People, p.More = found.People, found.More
	return s.render(c, "people", &view{Title: may.ticket.Title, Session: of, Data: p})
}
