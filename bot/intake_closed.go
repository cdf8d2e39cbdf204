package bot

import (
	"fmt"
	"slices"

	"github.com/topicdesk/topicdesk/messages"
)

// Words from a private chat to a closed ticket (docs/decisions.md, D212).

// passOnAfterClose handles a message that a closed ticket has not recorded. If it is clear that the person means that ticket, it
// reopens it, or opens one that follows it; else, and where the group wants it so, the person is asked.
func (h *handling) passOnAfterClose(m *Message, why string) (string, error) {
	if why != messages.ReasonClosedLately && why != messages.ReasonClosedBefore {
		return "closed", h.askAboutClosed(m)
	}
	if !h.meant {
		switch others, err := h.ownTickets(); {
		case err != nil:
			return "", err
		case len(others) > 0:
			return "closed", h.askAboutClosed(m)
		}
	}
	if why == messages.ReasonClosedBefore {
		return "followed", h.openFollowing(m)
	}
	said := h.saying(m)
	said.Reopens = true
	switch r, err := h.askTicket(said); {
	case err != nil:
		return "", err
	case r.GetCode() == messages.Code_CONFLICT: // meanwhile it is too late, or the group has another setting
		return "closed", h.askAboutClosed(m)
	}
	if err := h.keepTogether(m); err != nil {
		return "", err
	}
	return "reopened", h.noteReachable()
}

// openFollowing opens a ticket with the message, in the group of the closed one that the person means.
func (h *handling) openFollowing(m *Message) error {
	user, err := query[*messages.UserView](h.ctx, h.desk, &messages.GetUser{UserId: h.origin.GetFrom().GetId()})
	if err != nil {
		return err
	}
	if slices.Contains(user.Following, h.ticket) { // what they write meanwhile is a message of that ticket
		return fmt.Errorf("person %d: %w: a ticket is about to be opened", m.From.GetId(), errNotAccepted)
	}
	former, err := query[*messages.TicketRecord](h.ctx, h.desk, &messages.GetTicket{TicketId: h.ticket})
	if err != nil {
		return err
	}
	said := h.saying(m)
	replied := &Message{ID: m.ID, Chat: m.Chat, From: m.From, Reply: &Reply{
		ChatID: m.Chat.ID, MessageID: m.ID, FromID: m.From.GetId(), Text: m.Text, Entities: m.Entities, Media: m.Media,
		Forward: said.Content.Forward, Protected: m.Protected,
	}}
	c := SlashCommand{Verb: messages.VerbCreateTicket, Description: answeredInWords(said.ReplyTo)}
	if messages.Blank(m.Text) {
		c.Title = former.Title
	}
	h.follows = h.ticket
	return h.createPrivately(replied, c)
}

// goesOnFrom says whether the person's ticket goes on from a closed one: the last word about that is no other subject.
func (h *handling) goesOnFrom(id string) (bool, error) {
	if h.ticket == "" || id == "" {
		return false, nil
	}
	is, err := query[*messages.TicketRecord](h.ctx, h.desk, &messages.GetTicket{TicketId: h.ticket})
	return err == nil && is.Follows == id, err
}
