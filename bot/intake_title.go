package bot

import (
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
)

// Telegram has people answer the question for a title by a reply, unless they dismiss that. What they write then may be the
// title or not, so the bot asks about the first of it, and repeats that once (docs/decisions.md, D188).

// titleFor is how long after its question what somebody writes may be the title.
const titleFor = 10 * time.Minute

// askIfTitle asks whether a message is the title for which the bot has asked, unless it says itself what it is about.
func (h *handling) askIfTitle(m *Message) (asked bool, err error) {
	if h.meant || h.ticket == "" || m.album() != "" || messages.Blank(m.Text) {
		return false, nil
	}
	user, err := h.person()
	switch {
	case err != nil, user.UntitledId == 0, m.ID < user.UntitledId, user.TitleAsked != 0 && user.TitleAsked != m.ID,
		h.update.Received.UnixMilli()-user.UntitledMs > titleFor.Milliseconds():
		return false, err
	}
	current, err := h.titled(h.ticket)
	if err != nil || current == nil || current.Status == statusClosed {
		return false, err
	}
	op := h.notice(messages.NoticePrivateTitle, nil)
	rows := append([]*messages.KeyboardRow{newRow()},
		ticketRows([]*messages.TicketView{current}, messages.CallbackSay, current.TicketId)...)
	op.GetSendNotice().Keyboard = &messages.Keyboard{Rows: rows}
	_, err = h.shelf(&messages.Shelve{Message: h.saying(m), Untitled: user.UntitledId, TitleAsked: m.ID,
		Question: proto.CloneOf(op.GetSendNotice())})
	if err != nil {
		return false, err
	}
	return true, h.answerWith(op)
}

// person returns who writes in their private chat, as the desk knows them when the update comes.
func (h *handling) person() (user *messages.UserView, err error) {
	if h.self == nil {
		h.self, err = query[*messages.UserView](h.ctx, h.desk, &messages.GetUser{UserId: h.origin.GetFrom().GetId()})
	}
	return h.self, err
}

// titleAsked returns the message that waits for a title, if the bot has asked of another whether it is that title; 0: it has
// not.
func (h *handling) titleAsked(id int64) (untitled int64, err error) {
	user, err := h.person()
	if err != nil || user.TitleAsked != id {
		return 0, err
	}
	return user.UntitledId, nil
}
