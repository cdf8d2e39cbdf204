package bot

import (
	"slices"
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
	if h.meant || h.ticket == "" {
		return false, nil
	}
	user, err := h.person()
	if err != nil || !h.mayBeTitle(m, user) {
		return false, err
	}
	r, err := query[*messages.TicketRecord](h.ctx, h.desk, &messages.GetTicket{TicketId: h.ticket})
	if err != nil || r.TicketId == "" || r.Status == statusClosed || r.CreatedMs > user.UntitledMs { // who has opened one since means that
		return false, err
	}
	rows, err := h.rowsOfOwn(m, viewOf(r))
	if err != nil {
		return false, err
	}
	op := h.notice(messages.NoticePrivateTitle, nil)
	op.GetSendNotice().Keyboard = &messages.Keyboard{Rows: append([]*messages.KeyboardRow{newRow()}, rows...)}
	_, err = h.shelf(&messages.Shelve{Message: h.saying(m), Untitled: user.UntitledId, TitleAsked: m.ID,
		Question: proto.CloneOf(op.GetSendNotice())})
	if err != nil {
		return false, err
	}
	return true, h.answerWith(op)
}

// sayItAwaitsGroup says that a message of somebody who has no ticket goes into the one whose group they are asked for. If the bot
// has asked for the title of another one since, the message may be that title: a button makes it so.
func (h *handling) sayItAwaitsGroup(m *Message) error {
	user, err := h.person()
	if err != nil {
		return err
	}
	drafts := user.Drafts
	if !h.mayBeTitle(m, user) || len(drafts) == 0 || drafts[len(drafts)-1].CreatedMs > user.UntitledMs {
		return h.answer(messages.NoticePrivateAwaitsGroup, nil)
	}
	op := h.notice(messages.NoticePrivateTitleOrDraft, map[string]string{"ticket": oneLine(drafts[len(drafts)-1].Title)})
	op.GetSendNotice().Keyboard = &messages.Keyboard{Rows: []*messages.KeyboardRow{newRow()}}
	if _, err := h.shelf(&messages.Shelve{Message: h.saying(m), Untitled: user.UntitledId, TitleAsked: m.ID,
		Question: proto.CloneOf(op.GetSendNotice())}); err != nil {
		return err
	}
	return h.answerWith(op)
}

// mayBeTitle says whether a message may be the title for which the bot has asked its author.
func (h *handling) mayBeTitle(m *Message, user *messages.UserView) bool {
	return m.album() == "" && !messages.Blank(m.Text) && user.UntitledId != 0 && m.ID > user.UntitledId &&
		(user.TitleAsked == 0 || user.TitleAsked == m.ID) &&
		h.update.Received.UnixMilli()-user.UntitledMs <= titleFor.Milliseconds()
}

// rowsOfOwn are buttons for the open tickets that a message may be about: the one that the desk spoke of last comes first, then the current one.
func (h *handling) rowsOfOwn(m *Message, current *messages.TicketView) ([]*messages.KeyboardRow, error) {
	own, err := h.ownTickets()
	if err != nil {
		return nil, err
	}
	word, err := h.lastWord(m.ID)
	if err != nil {
		return nil, err
	}
	may := []*messages.TicketView{current}
	if at := slices.IndexFunc(own, func(v *messages.TicketView) bool { return v.TicketId == word.TicketId }); at >= 0 && word.TicketId != current.TicketId {
		may = slices.Insert(may, 0, own[at])
	}
	return ticketRows(append(may, without(own, may...)...), messages.CallbackSay, current.TicketId), nil
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
