package bot

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/topicdesk/topicdesk/messages"
)

// createTicket opens a ticket in the group, or says what is missing for that.
func (t *turn) createTicket(m *Message, c Command) error {
	if m.Chat.Private() {
		return t.createPrivately(m, c)
	}
	if !t.groupAllowed(t.origin.Place, m.Chat.ID) {
		return t.answer(messages.NoticeGroupNotAllowed, nil)
	}
	group, err := t.group()
	if err != nil {
		return err
	}
	if missing := group.Standing.Notice(); missing != "" {
		return t.answer(missing, map[string]string{"title": m.Chat.Title})
	}
	t.describeByReply(m, &c)
	switch {
	case c.Title == "":
		return t.askTitle()
	case utf8.RuneCountInString(c.Title) > maxTitle:
		return t.answer(messages.NoticeTitleTooLong, map[string]string{"max": strconv.Itoa(maxTitle)})
	}
	id := messages.TicketID(t.origin.CommandId, t.origin.DateMs)
	r, err := command(t.ctx, t.desk, messages.KindTicket, id, &messages.OpenTicket{
		Origin: t.origin, TicketId: id, GroupId: t.origin.Place, Title: c.Title, Description: c.Description, Media: t.mediaOfTicket(m),
	})
	if err != nil {
		return err
	}
	switch r.Code {
	case messages.Code_NOT_FOUND:
		return t.answer(messages.NoticeGroupUnregistered, nil)
	case messages.Code_CONFLICT: // nothing is left of the title
		return t.askTitle()
	}
	t.ticket = id
	return nil
}

// askTitle asks what the ticket is about; the answer comes as a reply to that (answersAskTitle).
func (t *turn) askTitle() error {
	op := t.notice(messages.NoticeAskTitle, nil)
	op.GetSendNotice().ForceReply = true
	return t.answerWith(op)
}

// describeByReply takes the message that the command answers as the description, and without a title its first line as the title.
func (t *turn) describeByReply(m *Message, c *Command) {
	r := m.Reply
	if r == nil || r.MessageID == 0 || messages.Blank(r.Text) || r.Protected || t.answersAskTitle(m) {
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

// mediaOfTicket are the media of a new ticket's description: what the answered message carries, and what the command itself is
// the caption of.
func (t *turn) mediaOfTicket(m *Message) (media []*messages.Media) {
	if r := m.Reply; r != nil && r.MessageID != 0 && r.Media != nil && !r.Protected && !t.answersAskTitle(m) {
		media = append(media, r.Media)
	}
	if m.Media != nil && !m.Protected {
		media = append(media, m.Media)
	}
	return media
}
