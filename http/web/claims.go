package web

import (
	"cmp"
	"strconv"

	"github.com/gofiber/fiber/v2"

	"github.com/topicdesk/topicdesk/messages"
)

// Who takes care of a ticket.

// turn is for whom a ticket waits, and who has it.
type turn struct {
	Waits    waits
	Assignee *messages.Creator
}

// Turn is what the template of that needs.
func (v *view) Turn(w waits, assignee *messages.Creator) *view { return v.With(turn{w, assignee}) }

func isPerson(who *messages.Creator, of *session) bool {
	return who.GetKind() == "user" && who.GetId() == strconv.FormatInt(of.person.Id, 10)
}

// claims says whether to offer somebody to take care of the ticket: they read a topic of it in a group from which they can, and are not
// its customer, unless they have it. While Telegram has not said what they are everywhere, the ticket decides.
func (a *access) claims(of *session) bool {
	topic := a.takingTopic()
	switch {
	case topic == nil:
		return false
	case isPerson(a.ticket.Assignee, of):
		return true
	case a.ticket.AmongColleagues && topic.Place == a.topics[0].Place && !a.admins[topic.Place] && !a.partly:
		return false
	}
	return !isPerson(cmp.Or(a.ticket.Customer, a.ticket.CreatedBy), of)
}

// takingTopic is the topic from which a person takes care of the ticket: that from which they speak for the desk, or among colleagues,
// unless they administer a group, that of one which helps.
func (a *access) takingTopic() *messages.WebTopic {
	topic := a.deskTopic()
	if a.ticket.AmongColleagues && topic != nil && !a.admins[topic.Place] {
		for _, other := range a.groups {
			if other.Place != a.topics[0].Place {
				return other
			}
		}
	}
	return topic
}

// deskTopic is the topic from which a person speaks for the desk: the one of a group that they administer, or the first of their
// groups'; nil: there is none.
func (a *access) deskTopic() *messages.WebTopic {
	if a.topic != nil && messages.IsGroup(a.topic.Place) {
		return a.topic
	}
	return a.noteTopic("")
}

func (s *Site) claim(c *fiber.Ctx, of *session) error {
	return s.deskCommand(c, of, func(o *messages.Origin) ticketCommand { return &messages.ClaimTicket{Origin: o} })
}

func (s *Site) release(c *fiber.Ctx, of *session) error {
	return s.deskCommand(c, of, func(o *messages.Origin) ticketCommand { return &messages.ReleaseTicket{Origin: o} })
}

// assign gives the ticket to somebody.
func (s *Site) assign(c *fiber.Ctx, of *session) error {
	id, _ := strconv.ParseInt(c.FormValue("user"), 10, 64)
	if id <= 0 {
		id = -1 // nobody has it, so the ticket refuses it, once it knows that the person may ask
	}
	return s.deskCommand(c, of, func(o *messages.Origin) ticketCommand { return &messages.AssignTicket{Origin: o, UserId: id} })
}

// deskCommand gives a command as somebody of the desk would in a topic.
func (s *Site) deskCommand(c *fiber.Ctx, of *session, commandOf func(*messages.Origin) ticketCommand) error {
	may, err := s.mayRead(c.UserContext(), of, c.Params("id"))
	if err != nil {
		return err
	}
	return s.carryOut(c, of, may, may.takingTopic(), commandOf)
}
