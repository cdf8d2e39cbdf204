package bot

import (
	"fmt"

	"github.com/topicdesk/topicdesk/messages"
)

// Words from a private chat to a closed ticket (docs/decisions.md, D210).

// passOnAfterClose handles a message that a closed ticket has not recorded. If it is clear that the person means that ticket, it
// reopens it, or opens one that follows it; else, and where the group wants it so, the person is asked.
func (h *handling) passOnAfterClose(m *Message, why string) (string, error) {
	if why != messages.ReasonClosedLately && why != messages.ReasonClosedBefore {
		return "closed", h.askAboutClosed(m)
	}
	// First the drafts, then the tickets: what is a draft no more by then is a ticket.
	user, err := query[*messages.UserView](h.ctx, h.desk, &messages.GetUser{UserId: h.origin.GetFrom().GetId()})
	if err != nil {
		return "", err
	}
	for _, id := range user.Following {
		switch goesOn, err := h.goesOnBefore(id); {
		case err != nil:
			return "", err
		case goesOn:
			return "followed", h.describeFollowing(m, id)
		}
	}
	others, err := h.ownTickets()
	if err != nil {
		return "", err
	}
	if why == messages.ReasonClosedBefore {
		next, err := h.goesOnIn(others)
		if err != nil {
			return "", err
		}
		if next != "" {
			h.ticket = next
			return h.recordNext(m)
		}
	}
	if !h.meant && len(others) > 0 {
		return "closed", h.askAboutClosed(m)
	}
	if why == messages.ReasonClosedBefore {
		return "followed", h.openFollowing(m)
	}
	if err := h.sayHeld(true); err != nil {
		return "", err
	}
	said := h.saying(m)
	said.Reopens = true
	switch r, err := h.askTicket(said); {
	case err != nil:
		return "", err
	case h.ticket == "": // the topic has become nobody's meanwhile
		return "homeless", h.askWhich(m)
	case r.GetCode() == messages.Code_CONFLICT: // meanwhile it is too late, or the group has another setting
		return "closed", h.askAboutClosed(m)
	}
	if err := h.keepTogether(m); err != nil {
		return "", err
	}
	return "reopened", h.noteReachable()
}

// describeFollowing adds a message to the draft that goes on from a closed ticket. While that is being opened, the message waits
// for it: then it is one of that ticket.
func (h *handling) describeFollowing(m *Message, closed string) error {
	found, err := h.shelf(&messages.Shelve{Message: h.saying(m), Follows: closed})
	switch {
	case err != nil:
		return err
	case found.Opening:
		return h.errOpening(m)
	case found.Done:
		return h.answer(messages.NoticePrivateAwaitsGroup, nil)
	}
	return nil
}

func (h *handling) errOpening(m *Message) error {
	return fmt.Errorf("person %d: %w: a ticket is about to be opened", m.From.GetId(), errNotAccepted)
}

// recordNext records a message on the open ticket that goes on from the one it was written to.
func (h *handling) recordNext(m *Message) (string, error) {
	r, err := h.recordOf(m)
	switch {
	case err != nil:
		return "", err
	case h.ticket == "":
		return "homeless", h.askWhich(m)
	case r.GetCode() == messages.Code_CONFLICT: // it has just been closed: what then holds is found out anew
		return "", fmt.Errorf("ticket %s: %w: it has been closed", h.ticket, errNotAccepted)
	}
	if err := h.keepTogether(m); err != nil {
		return "", err
	}
	return "recorded", h.noteReachable()
}

// longestChain is how many tickets that go on from one another are looked at.
const longestChain = 10

// goesOnIn returns which of some open tickets goes on from the closed one, be it by others between; "": none does.
func (h *handling) goesOnIn(open []*messages.TicketView) (string, error) {
	for _, view := range open {
		if goesOn, err := h.goesOnBefore(view.FollowsId); err != nil || goesOn {
			return view.TicketId, err
		}
	}
	return "", nil
}

// goesOnBefore says whether a ticket is the closed one, or goes on from it.
func (h *handling) goesOnBefore(id string) (bool, error) {
	for range longestChain {
		if id == "" || id == h.ticket {
			return id != "", nil
		}
		former, err := query[*messages.TicketRecord](h.ctx, h.desk, &messages.GetTicket{TicketId: id})
		if err != nil {
			return false, err
		}
		id = former.Follows
	}
	return false, nil
}

// openFollowing opens a ticket with the message, in the group of the closed one that the person means.
func (h *handling) openFollowing(m *Message) error {
	former, err := query[*messages.TicketRecord](h.ctx, h.desk, &messages.GetTicket{TicketId: h.ticket})
	if err != nil {
		return err
	}
	switch allowed, err := h.allowedGroup(former.GroupId); {
	case err != nil:
		return err
	case !allowed:
		return h.askAboutClosed(m)
	}
	said := h.saying(m)
	replied := &Message{ID: m.ID, Chat: m.Chat, From: m.From, Reply: &Reply{
		ChatID: m.Chat.ID, MessageID: m.ID, From: m.From, Text: m.Text, Entities: m.Entities, Media: m.Media,
		Forward: said.Content.Forward, Protected: m.Protected,
	}}
	c := SlashCommand{Verb: messages.VerbCreateTicket, Description: answeredInWords(said.ReplyTo)}
	if messages.Blank(m.Text) {
		c.Title = former.Title
		h.titleElsewhere = mediaLabel(h.origin.Lang, m.Media.GetKind())
	}
	h.follows = h.ticket
	return h.createPrivately(replied, c)
}

// meansNext says whether the message is for the ticket, or the draft, that the desk spoke of last, since that goes on from the closed
// one that still is the person's current ticket. The ticket is then the one that it is about; what is for a draft finds it when the
// closed one refuses it.
func (h *handling) meansNext(d *doubt) (bool, error) {
	if d.last.TicketId == "" || d.current.Status != statusClosed {
		return false, nil
	}
	next, err := query[*messages.TicketRecord](h.ctx, h.desk, &messages.GetTicket{TicketId: d.last.TicketId})
	if err != nil {
		return false, err
	}
	if next.TicketId == "" {
		draft, err := h.drafted(d.last.TicketId)
		if err != nil || draft == nil {
			return false, err
		}
		return h.goesOnBefore(draft.FollowsId)
	}
	goesOn, err := h.goesOnBefore(next.Follows)
	if goesOn {
		h.ticket = next.TicketId
	}
	return goesOn, err
}

// goesOnFrom says whether the person's ticket goes on from a closed one: the last word about that is no other subject.
func (h *handling) goesOnFrom(id string) (bool, error) {
	if h.ticket == "" || id == "" {
		return false, nil
	}
	is, err := query[*messages.TicketRecord](h.ctx, h.desk, &messages.GetTicket{TicketId: h.ticket})
	return err == nil && is.Follows == id, err
}
