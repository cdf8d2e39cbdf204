package bot

import (
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
)

// Telegram has people answer the question for a title by a reply, unless they dismiss that. What they write then may be the
// title or not, so the bot asks about the first of it, and repeats that once (docs/decisions.md, D188). What follows waits for the same
// answer, as what is unclear does: it is known by the message for whose title the bot asked (D273).

// titleFor is how long after its question what somebody writes may be the title.
const titleFor = 10 * time.Minute

// askIfTitle asks whether a message is the title for which the bot has asked, unless it says itself what it is about.
func (h *handling) askIfTitle(m *Message) (asked bool, err error) {
	if h.meant || h.ticket == "" {
		return false, nil
	}
	user, err := h.person()
	if err != nil || !h.followsTitleQuestion(m, user) {
		return false, err
	}
	r, err := query[*messages.TicketRecord](h.ctx, h.desk, &messages.GetTicket{TicketId: h.ticket})
	if err != nil || r.TicketId == "" || r.CreatedMs > user.UntitledMs { // who has opened one since means that
		return false, err
	}
	question, err := h.titleQuestion(m, viewOf(r), user.UntitledId, m.Text)
	if err != nil {
		return false, err
	}
	question.ReplyTo = h.origin.MessageId
	_, err = h.shelf(&messages.Shelve{Message: h.saying(m), Untitled: user.UntitledId, TitleAsked: m.ID, Unclear: user.UntitledId,
		Question: proto.CloneOf(question)})
	if err != nil {
		return false, err
	}
	op := h.operation()
	op.Call = &messages.Operation_SendNotice{SendNotice: question}
	return true, h.answerWith(op)
}

// titleQuestion asks whether a message, or the earlier one of that text with which it waits, is the title for which the bot has asked because of another one. One without words is not: then
// whether it belongs to that ticket, whose title is asked for again if it does.
func (h *handling) titleQuestion(m *Message, current *messages.TicketView, untitled int64, text string) (*messages.SendNoticeCall, error) {
	rows, err := h.rowsOfOwn(m, current)
	if err != nil {
		return nil, err
	}
	rows = append([]*messages.KeyboardRow{newRow()}, about(untitled, rows)...)
	key := messages.NoticePrivateTitle
	if messages.Blank(text) {
		key = messages.NoticePrivateUntitled
	}
	return &messages.SendNoticeCall{Key: key, Question: untitled, Keyboard: &messages.Keyboard{Rows: rows}}, nil
}

// titleStillAsked repeats the question whether a message is the title, if what is unclear waits for that; nil: it does not.
func (h *handling) titleStillAsked(m *Message, d *doubt) (*messages.SendNoticeCall, error) {
	user, err := h.person()
	if err != nil || !d.waits || user.TitleAsked == 0 || user.UntitledId != d.unclear {
		return nil, err
	}
	first, err := h.shelf(&messages.Shelve{Asks: true, Message: &messages.RecordMessage{Origin: &messages.Origin{MessageId: user.TitleAsked}}})
	if err != nil {
		return nil, err
	}
	text := m.Text
	if len(first.Messages) > 0 {
		text = first.Messages[0].Content.GetText()
	}
	question, err := h.titleQuestion(m, d.current, d.unclear, text)
	if err == nil {
		question.ReplyTo = user.TitleAsked // of which the button makes the title
	}
	return question, err
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
	op.GetSendNotice().Keyboard, op.GetSendNotice().Question = &messages.Keyboard{Rows: []*messages.KeyboardRow{newRow()}}, user.UntitledId
	if _, err := h.shelf(&messages.Shelve{Message: h.saying(m), Untitled: user.UntitledId, TitleAsked: m.ID,
		Question: proto.CloneOf(op.GetSendNotice())}); err != nil {
		return err
	}
	return h.answerWith(op)
}

// askedIn is where somebody in a group was asked for a title.
type askedIn struct{ chat, thread, user int64 }

func inGroup(m *Message) askedIn { return askedIn{m.Chat.ID, m.ThreadID, m.From.GetId()} }

// hintAtTitle says how a title is given, if the message is the first that somebody writes after the bot has asked them for one in a group,
// and answers nothing. Which question was the last is known to this process alone: it is a hint, and nothing waits for it (D277).
func (h *handling) hintAtTitle(m *Message) (hinted bool, err error) {
	at, asked := h.untitledIn.get(inGroup(m))
	if !asked {
		return false, nil
	}
	answers := m.Reply != nil && m.Reply.TopicCreated == nil
	if m.Media == nil && !answers && m.Sender.GetKind() == messages.Sender_USER && h.update.Received.Sub(at) <= titleFor {
		if err := h.answer(messages.NoticeTitleHint, nil); err != nil {
			return false, err
		}
		hinted = true
	}
	h.untitledIn.drop(inGroup(m))
	return hinted, nil
}

// mayBeTitle says whether a message may be the title for which the bot has asked its author.
func (h *handling) mayBeTitle(m *Message, user *messages.UserView) bool {
	return !messages.Blank(m.Text) && h.followsTitleQuestion(m, user)
}

// followsTitleQuestion says whether a message may be about the ticket for whose title the bot has asked its author.
func (h *handling) followsTitleQuestion(m *Message, user *messages.UserView) bool {
	return m.album() == "" && user.UntitledId != 0 && m.ID > user.UntitledId &&
		(user.TitleAsked == 0 || user.TitleAsked == m.ID) &&
		h.update.Received.UnixMilli()-user.UntitledMs <= titleFor.Milliseconds()
}

// rowsOfOwn are buttons for the tickets that a message may be about: the one that the desk spoke of last comes first, then the current one.
func (h *handling) rowsOfOwn(m *Message, current *messages.TicketView) ([]*messages.KeyboardRow, error) {
	own, err := h.ownAndDrafts()
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
	return ticketRows(append(may, without(own, may...)...), messages.CallbackMean, current.TicketId), nil
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
