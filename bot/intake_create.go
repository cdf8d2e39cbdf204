package bot

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/topicdesk/topicdesk/messages"
)

// createTicket opens a ticket in the group, or answers what is missing for that.
func (h *handling) createTicket(m *Message, c Command) error {
	if m.Chat.Private() {
		return h.createPrivately(m, c)
	}
	if !h.groupAllowed(h.origin.Place, m.Chat.ID) {
		return h.answer(messages.NoticeGroupNotAllowed, nil)
	}
	group, err := h.group()
	if err != nil {
		return err
	}
	if missing := group.Standing.Notice(); missing != "" {
		return h.answer(missing, map[string]string{"title": m.Chat.Title})
	}
	h.describeByReply(m, &c)
	if err := h.describeByReference(m, &c); err != nil {
		return err
	}
	switch {
	case c.Title == "":
		return h.askTitle()
	case utf8.RuneCountInString(c.Title) > maxTitle:
		return h.answer(messages.NoticeTitleTooLong, map[string]string{"max": strconv.Itoa(maxTitle)})
	}
	id := messages.TicketID(h.origin.CommandId, h.origin.DateMs)
	r, err := command(h.ctx, h.desk, messages.KindTicket, id, &messages.OpenTicket{
		Origin: h.origin, TicketId: id, GroupId: h.origin.Place, Title: c.Title, Description: c.Description,
		Media: h.mediaOfTicket(m),
	})
	if err != nil {
		return err
	}
	switch r.Code {
	case messages.Code_NOT_FOUND:
		return h.answer(messages.NoticeGroupUnregistered, nil)
	case messages.Code_CONFLICT: // the cleaned title is empty
		return h.askTitle()
	}
	h.ticket = id
	return nil
}

// askTitle asks for the ticket's title. The title comes as a reply to the question (answersAskTitle).
func (h *handling) askTitle() error {
	op := h.notice(messages.NoticeAskTitle, nil)
	op.GetSendNotice().ForceReply = true
	return h.answerWith(op)
}

// describeByReply makes the message that the command answers the description, and its first line the title if the
// command has none.
func (h *handling) describeByReply(m *Message, c *Command) {
	r := m.Reply
	if r == nil || r.MessageID == 0 || messages.Blank(r.Text) || r.Protected || h.answersAskTitle(m) {
		return
	}
	text := trim(r.Text)
	if c.Title == "" {
		line, _, _ := strings.Cut(text, "\n")
		c.Title = messages.Shorten(trim(line), titleOfReply)
	}
	if c.Description != "" {
		c.Description += "\n\n"
	}
	c.Description += text
}

// mediaOfTicket returns the media of a new ticket's description: those of the answered message, and those whose
// caption the command is.
func (h *handling) mediaOfTicket(m *Message) (media []*messages.Media) {
	if r := m.Reply; r != nil && (r.MessageID != 0 || r.Origin != nil) && r.Media != nil && !r.Protected && !h.answersAskTitle(m) {
		media = append(media, r.Media)
	}
	if m.Media != nil && !m.Protected {
		media = append(media, m.Media)
	}
	return media
}
