package bot

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
)

// A person's private chat with the bot. It stands in the place of a topic of each ticket that was opened from it: what is
// said there goes to the ticket of the message that is answered, else to the one that the person is talking on.

const (
	titleOfButton   = 40
	ticketsToChoose = 8
)

// findPrivately finds the ticket that something in a private chat is meant for.
func (h *handling) findPrivately(m *Message) (err error) {
	h.origin.ThreadId = 0
	if r := m.Reply; r != nil && r.MessageID != 0 {
		found, err := query[*messages.MessageFound](h.ctx, h.desk, &messages.FindMessage{ChatId: m.Chat.ID, MessageId: r.MessageID})
		if err != nil {
			return err
		}
		if h.ticket = found.TicketId; h.ticket == "" && r.FromID == h.bot.ID {
			h.ticket = ticketNamedIn(r.Text) // a card, or a notice about a ticket
		}
	}
	if h.ticket == "" {
		h.ticket, err = h.directory.Ticket(h.ctx, h.origin.Place, 0)
	}
	return err
}

// ticketNamedIn finds the first ticket id in a text.
func ticketNamedIn(text string) string {
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return !(r == '-' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z') }) {
		if id, ok := messages.ParseTicketID(word); ok {
			return id
		}
	}
	return ""
}

// passOn passes on what was said in a private chat; what can't be passed on is answered.
func (h *handling) passOn(m *Message) (string, error) {
	if m.From.GetId() != m.Chat.ID { // nobody else writes there
		return "left_alone", nil
	}
	if h.ticket != "" {
		r, err := h.recordOf(m)
		switch {
		case err != nil:
			return "", err
		case r != nil && r.Code == messages.Code_CONFLICT:
			return "closed", h.askAboutClosed(m)
		case h.ticket != "":
			return "recorded", h.noteReachable()
		}
	}
	return "homeless", h.askWhich(m)
}

// noteReachable: who writes has not blocked the bot, whatever the desk was told before.
func (h *handling) noteReachable() error {
	user, err := query[*messages.UserView](h.ctx, h.desk, &messages.GetUser{UserId: h.origin.GetFrom().GetId()})
	if err != nil || !user.Blocked {
		return err
	}
	return h.toPerson(&messages.SetBlocked{Origin: h.originFor("reached"), Blocked: false})
}

// toPerson gives a command to the entity of the person.
func (h *handling) toPerson(c proto.Message) error {
	_, err := command(h.ctx, h.desk, messages.KindUser, userIdentity(h.origin.GetFrom().GetId()), c)
	return err
}

// originFor is the origin with a command id of its own, for another command than the first that an update means.
func (h *handling) originFor(what string) *messages.Origin {
	o := proto.CloneOf(h.origin)
	o.CommandId += ":" + what
	return o
}

// ownTickets lists the person's open tickets that they can talk on here.
func (h *handling) ownTickets() ([]*messages.TicketView, error) {
	list, err := query[*messages.TicketList](h.ctx, h.desk, &messages.ListTickets{UserId: h.origin.GetFrom().GetId(), OpenOnly: true, Limit: 50})
	if err != nil {
		return nil, err
	}
	var own []*messages.TicketView
	for _, view := range list.Tickets {
		if view.Private {
			own = append(own, view)
		}
	}
	return own, nil
}

// askAboutClosed answers what was written to a closed ticket: it is passed on if the ticket is opened again, or to another.
func (h *handling) askAboutClosed(m *Message) error {
	own, err := h.ownTickets()
	if err != nil {
		return err
	}
	op := h.notice(messages.NoticePrivateIsClosed, map[string]string{"ticket": h.ticket})
	rows := []*messages.KeyboardRow{buttonRow(&messages.Button{Key: messages.ButtonSay, Data: messages.CallbackSay + ":" + h.ticket})}
	op.GetSendNotice().Keyboard = &messages.Keyboard{Rows: append(append(rows, sayRows(own)...), newRow())}
	return h.answerWith(op)
}

// askWhich answers what was written by somebody who is talking on no ticket.
func (h *handling) askWhich(m *Message) error {
	own, err := h.ownTickets()
	if err != nil {
		return err
	}
	op := h.notice(messages.NoticePrivateNone, nil)
	if len(own) > 0 {
		op = h.notice(messages.NoticePrivateWhich, nil)
	}
	op.GetSendNotice().Keyboard = &messages.Keyboard{Rows: append(sayRows(own), newRow())}
	return h.answerWith(op)
}

func buttonRow(b ...*messages.Button) *messages.KeyboardRow { return &messages.KeyboardRow{Buttons: b} }

func newRow() *messages.KeyboardRow {
	return buttonRow(&messages.Button{Key: messages.ButtonNew, Data: messages.CallbackNew})
}

// sayRows has a button for each ticket that passes the answered message on to it.
func sayRows(own []*messages.TicketView) []*messages.KeyboardRow {
	return ticketRows(own, messages.CallbackSay, "")
}

// ticketRows has a button for each ticket; the current one is marked.
func ticketRows(own []*messages.TicketView, verb, current string) []*messages.KeyboardRow {
	var rows []*messages.KeyboardRow
	for _, view := range own[:min(len(own), ticketsToChoose)] {
		mark := "💬 "
		if view.TicketId == current {
			mark = "👉 "
		}
		rows = append(rows, buttonRow(&messages.Button{Text: mark + messages.Shorten(oneLine(view.Title), titleOfButton), Data: verb + ":" + view.TicketId}))
	}
	return rows
}

// ticketsPrivately lists the person's tickets, with buttons that say which one they want to talk on.
func (h *handling) ticketsPrivately(list *messages.TicketList) error {
	user, err := query[*messages.UserView](h.ctx, h.desk, &messages.GetUser{UserId: h.origin.GetFrom().GetId()})
	if err != nil {
		return err
	}
	var own []*messages.TicketView
	for _, view := range list.Tickets {
		if view.Private {
			own = append(own, view)
		}
	}
	op := h.notice(messages.NoticePrivateTickets, map[string]string{"count": strconv.Itoa(len(list.Tickets))})
	op.GetSendNotice().Tickets = list.Tickets
	op.GetSendNotice().Keyboard = &messages.Keyboard{Rows: ticketRows(own, messages.CallbackTalk, user.CurrentTicketId)}
	return h.answerWith(op)
}

// createPrivately begins a ticket from a private chat; where it is to be opened is asked next.
func (h *handling) createPrivately(m *Message, c Command) error {
	h.describeByReply(m, &c)
	switch {
	case c.Title == "":
		return h.askTitle()
	case utf8.RuneCountInString(c.Title) > maxTitle:
		return h.answer(messages.NoticeTitleTooLong, map[string]string{"max": strconv.Itoa(maxTitle)})
	}
	return h.toPerson(&messages.DraftTicket{Origin: h.origin, TicketId: messages.TicketID(h.origin.CommandId, h.origin.DateMs),
		Title: c.Title, Description: c.Description})
}

// onPrivateCallback handles the buttons that only private chats have; handled says whether it was one.
func (h *handling) onPrivateCallback(c *Callback) (outcome string, handled bool, err error) {
	verb, rest, _ := strings.Cut(c.Data, ":")
	id, arg, _ := strings.Cut(rest, ":")
	parsed, valid := messages.ParseTicketID(id)
	valid = valid && parsed == id
	switch verb {
	case messages.CallbackPick, messages.CallbackPickPage, messages.CallbackDrop, messages.CallbackTalk, messages.CallbackSay:
	case messages.CallbackNew:
		valid = rest == ""
	default:
		return "", false, nil
	}
	if !valid || !c.Chat.Private() || c.From.GetId() != c.Chat.ID {
		return "stale", true, h.stale()
	}
	h.ticket, outcome = id, "pressed"
	switch verb {
	case messages.CallbackPick:
		allowed, err := h.allowedGroup(arg)
		if err != nil {
			return "", true, err
		}
		if !allowed {
			return "stale", true, h.answerCallback(messages.NoticeGroupNotAllowed)
		}
		return outcome, true, h.toPerson(&messages.ChooseGroup{Origin: h.origin, TicketId: id, GroupId: arg})
	case messages.CallbackPickPage:
		page, err := strconv.ParseInt(arg, 10, 32)
		if err != nil || page < 0 {
			return "stale", true, h.stale()
		}
		return outcome, true, h.toPerson(&messages.ShowGroupPage{Origin: h.origin, TicketId: id, Page: int32(page)})
	case messages.CallbackDrop:
		return outcome, true, h.toPerson(&messages.DropDraft{Origin: h.origin, TicketId: id})
	case messages.CallbackNew:
		return outcome, true, h.pressNew(c)
	case messages.CallbackSay:
		return outcome, true, h.pressSay(c)
	}
	_, err = h.pressTalk(false)
	return outcome, true, err
}

func (h *handling) allowedGroup(groupID string) (bool, error) {
	group, err := query[*messages.GroupView](h.ctx, h.desk, &messages.GetGroup{GroupId: groupID})
	if err != nil {
		return false, err
	}
	return group.Facts == nil || h.groupAllowed(groupID, group.Facts.ChatId), nil
}

// pressTalk makes a ticket the current one; done is false when it is none of theirs.
func (h *handling) pressTalk(quiet bool) (done bool, err error) {
	r, err := command(h.ctx, h.desk, messages.KindUser, userIdentity(h.origin.From.Id),
		&messages.TalkOn{Origin: h.origin, TicketId: h.ticket, Quiet: quiet})
	if err != nil {
		return false, err
	}
	if r.Code == messages.Code_CONFLICT {
		return false, h.stale()
	}
	return true, nil
}

// pressSay makes a ticket the current one, opens it again if it is closed, and passes on the message that was not.
func (h *handling) pressSay(c *Callback) error {
	id := h.ticket
	done, err := h.pressTalk(true)
	if err != nil || !done {
		return err
	}
	m := c.Answered
	if m == nil { // too old for Telegram to show it
		h.origin = h.originFor("say")
		return h.answer(messages.NoticePrivateSayAgain, nil)
	}
	h.origin = &messages.Origin{
		CommandId: messages.MessageKey(m.Chat.ID, m.ID), Place: h.origin.Place, ChatId: m.Chat.ID, MessageId: m.ID, From: h.origin.From,
		Sender: h.origin.Sender, DateMs: m.DateMS, Lang: h.origin.Lang, ReceivedMs: h.origin.ReceivedMs,
	}
	r, err := h.recordOf(m)
	if err != nil || r == nil || r.Code != messages.Code_CONFLICT {
		return err
	}
	h.ticket = id
	if _, err := h.askTicket(&messages.ReopenTicket{Origin: h.originFor("reopen")}); err != nil {
		return err
	}
	_, err = h.recordOf(m)
	return err
}

// pressNew begins a ticket with the message that was not passed on.
func (h *handling) pressNew(c *Callback) error {
	m := c.Answered
	if m == nil {
		return h.askTitle()
	}
	if err := h.answerCallback(""); err != nil {
		return err
	}
	h.origin = proto.CloneOf(h.origin)
	h.origin.CommandId, h.origin.MessageId = h.origin.CommandId+":new", m.ID
	h.origin.CallbackId, h.origin.CallbackMessageId = "", 0
	replied := &Message{ID: m.ID, Chat: c.Chat, From: c.From, Reply: &Reply{ChatID: m.Chat.ID, MessageID: m.ID, FromID: c.From.GetId(), Text: m.Text, Media: m.Media}}
	return h.createPrivately(replied, Command{Verb: messages.VerbCreateTicket})
}

// answerCallback answers a pressed button from here.
func (h *handling) answerCallback(key string) error {
	op := h.operation()
	op.Call = &messages.Operation_AnswerCallback{AnswerCallback: &messages.AnswerCallbackCall{CallbackId: h.origin.CallbackId, Key: key, Alert: key != ""}}
	return h.answerWith(op)
}

// onMyMemberPrivately: the person has blocked the bot, or takes it back.
func (h *handling) onMyMemberPrivately(m *Member) (string, error) {
	if m.From.GetId() != m.Chat.ID {
		return "ignored_chat_type", nil
	}
	if err := h.memberOrigin(m); err != nil {
		return "", err
	}
	return "blocked", h.toPerson(&messages.SetBlocked{Origin: h.origin, Blocked: !belongs(m.NewStatus)})
}
