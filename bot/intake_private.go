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
func (t *turn) findPrivately(m *Message) (err error) {
	t.origin.ThreadId = 0
	if r := m.Reply; r != nil && r.MessageID != 0 {
		found, err := query[*messages.MessageFound](t.ctx, t.desk, &messages.FindMessage{ChatId: m.Chat.ID, MessageId: r.MessageID})
		if err != nil {
			return err
		}
		if t.ticket = found.TicketId; t.ticket == "" && r.FromID == t.bot.ID {
			t.ticket = ticketNamedIn(r.Text) // a card, or a notice about a ticket
		}
	}
	if t.ticket == "" {
		t.ticket, err = t.directory.Ticket(t.ctx, t.origin.Place, 0)
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

// sayPrivately passes on what was said in a private chat; what can't be passed on is answered.
func (t *turn) sayPrivately(m *Message) (string, error) {
	if m.From.GetId() != m.Chat.ID { // nobody else writes there
		return "left_alone", nil
	}
	if t.ticket != "" {
		r, err := t.recordOf(m)
		switch {
		case err != nil:
			return "", err
		case r != nil && r.Code == messages.Code_CONFLICT:
			return "closed", t.askAboutClosed(m)
		case t.ticket != "":
			return "recorded", t.reachedAgain()
		}
	}
	return "homeless", t.askWhich(m)
}

// reachedAgain: who writes has not blocked the bot, whatever the desk was told before.
func (t *turn) reachedAgain() error {
	user, err := query[*messages.UserView](t.ctx, t.desk, &messages.GetUser{UserId: t.origin.GetFrom().GetId()})
	if err != nil || !user.Blocked {
		return err
	}
	return t.toPerson(&messages.SetBlocked{Origin: t.originFor("reached"), Blocked: false})
}

// toPerson gives a command to the entity of the person.
func (t *turn) toPerson(c proto.Message) error {
	_, err := command(t.ctx, t.desk, messages.KindUser, userIdentity(t.origin.GetFrom().GetId()), c)
	return err
}

// originFor is the origin with a command id of its own, for another command than the first that an update means.
func (t *turn) originFor(what string) *messages.Origin {
	o := proto.CloneOf(t.origin)
	o.CommandId += ":" + what
	return o
}

// ownTickets lists the person's open tickets that they can talk on here.
func (t *turn) ownTickets() ([]*messages.TicketView, error) {
	list, err := query[*messages.TicketList](t.ctx, t.desk, &messages.ListTickets{UserId: t.origin.GetFrom().GetId(), OpenOnly: true, Limit: 50})
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
func (t *turn) askAboutClosed(m *Message) error {
	own, err := t.ownTickets()
	if err != nil {
		return err
	}
	op := t.notice(messages.NoticePrivateIsClosed, map[string]string{"ticket": t.ticket})
	rows := []*messages.KeyboardRow{buttonRow(&messages.Button{Key: messages.ButtonSay, Data: messages.CallbackSay + ":" + t.ticket})}
	op.GetSendNotice().Keyboard = &messages.Keyboard{Rows: append(append(rows, sayRows(own)...), newRow())}
	return t.answerWith(op)
}

// askWhich answers what was written by somebody who is talking on no ticket.
func (t *turn) askWhich(m *Message) error {
	own, err := t.ownTickets()
	if err != nil {
		return err
	}
	op := t.notice(messages.NoticePrivateNone, nil)
	if len(own) > 0 {
		op = t.notice(messages.NoticePrivateWhich, nil)
	}
	op.GetSendNotice().Keyboard = &messages.Keyboard{Rows: append(sayRows(own), newRow())}
	return t.answerWith(op)
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
func (t *turn) ticketsPrivately(list *messages.TicketList) error {
	user, err := query[*messages.UserView](t.ctx, t.desk, &messages.GetUser{UserId: t.origin.GetFrom().GetId()})
	if err != nil {
		return err
	}
	var own []*messages.TicketView
	for _, view := range list.Tickets {
		if view.Private {
			own = append(own, view)
		}
	}
	op := t.notice(messages.NoticePrivateTickets, map[string]string{"count": strconv.Itoa(len(list.Tickets))})
	op.GetSendNotice().Tickets = list.Tickets
	op.GetSendNotice().Keyboard = &messages.Keyboard{Rows: ticketRows(own, messages.CallbackTalk, user.CurrentTicketId)}
	return t.answerWith(op)
}

// createPrivately begins a ticket from a private chat; where it is to be opened is asked next.
func (t *turn) createPrivately(m *Message, c Command) error {
	t.describeByReply(m, &c)
	switch {
	case c.Title == "":
		return t.askTitle()
	case utf8.RuneCountInString(c.Title) > maxTitle:
		return t.answer(messages.NoticeTitleTooLong, map[string]string{"max": strconv.Itoa(maxTitle)})
	}
	return t.toPerson(&messages.DraftTicket{Origin: t.origin, TicketId: messages.TicketID(t.origin.CommandId, t.origin.DateMs),
		Title: c.Title, Description: c.Description})
}

// onPrivateCallback handles the buttons that only private chats have; handled says whether it was one.
func (t *turn) onPrivateCallback(c *Callback) (outcome string, handled bool, err error) {
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
		return "stale", true, t.stale()
	}
	t.ticket, outcome = id, "pressed"
	switch verb {
	case messages.CallbackPick:
		allowed, err := t.allowedGroup(arg)
		if err != nil {
			return "", true, err
		}
		if !allowed {
			return "stale", true, t.answerCallback(messages.NoticeGroupNotAllowed)
		}
		return outcome, true, t.toPerson(&messages.ChooseGroup{Origin: t.origin, TicketId: id, GroupId: arg})
	case messages.CallbackPickPage:
		page, err := strconv.ParseInt(arg, 10, 32)
		if err != nil || page < 0 {
			return "stale", true, t.stale()
		}
		return outcome, true, t.toPerson(&messages.ShowGroupPage{Origin: t.origin, TicketId: id, Page: int32(page)})
	case messages.CallbackDrop:
		return outcome, true, t.toPerson(&messages.DropDraft{Origin: t.origin, TicketId: id})
	case messages.CallbackNew:
		return outcome, true, t.pressNew(c)
	case messages.CallbackSay:
		return outcome, true, t.pressSay(c)
	}
	_, err = t.pressTalk(false)
	return outcome, true, err
}

func (t *turn) allowedGroup(groupID string) (bool, error) {
	group, err := query[*messages.GroupView](t.ctx, t.desk, &messages.GetGroup{GroupId: groupID})
	if err != nil {
		return false, err
	}
	return group.Facts == nil || t.groupAllowed(groupID, group.Facts.ChatId), nil
}

// pressTalk makes a ticket the current one; done is false when it is none of theirs.
func (t *turn) pressTalk(quiet bool) (done bool, err error) {
	r, err := command(t.ctx, t.desk, messages.KindUser, userIdentity(t.origin.From.Id),
		&messages.TalkOn{Origin: t.origin, TicketId: t.ticket, Quiet: quiet})
	if err != nil {
		return false, err
	}
	if r.Code == messages.Code_CONFLICT {
		return false, t.stale()
	}
	return true, nil
}

// pressSay makes a ticket the current one, opens it again if it is closed, and passes on the message that was not.
func (t *turn) pressSay(c *Callback) error {
	id := t.ticket
	done, err := t.pressTalk(true)
	if err != nil || !done {
		return err
	}
	m := c.Answered
	if m == nil { // too old for Telegram to show it
		t.origin = t.originFor("say")
		return t.answer(messages.NoticePrivateSayAgain, nil)
	}
	t.origin = &messages.Origin{
		CommandId: messages.MessageKey(m.Chat.ID, m.ID), Place: t.origin.Place, ChatId: m.Chat.ID, MessageId: m.ID, From: t.origin.From,
		Sender: t.origin.Sender, DateMs: m.DateMS, Lang: t.origin.Lang, ReceivedMs: t.origin.ReceivedMs,
	}
	r, err := t.recordOf(m)
	if err != nil || r == nil || r.Code != messages.Code_CONFLICT {
		return err
	}
	t.ticket = id
	if _, err := t.askTicket(&messages.ReopenTicket{Origin: t.originFor("reopen")}); err != nil {
		return err
	}
	_, err = t.recordOf(m)
	return err
}

// pressNew begins a ticket with the message that was not passed on.
func (t *turn) pressNew(c *Callback) error {
	m := c.Answered
	if m == nil {
		return t.askTitle()
	}
	if err := t.answerCallback(""); err != nil {
		return err
	}
	t.origin = proto.CloneOf(t.origin)
	t.origin.CommandId, t.origin.MessageId = t.origin.CommandId+":new", m.ID
	t.origin.CallbackId, t.origin.CallbackMessageId = "", 0
	replied := &Message{ID: m.ID, Chat: c.Chat, From: c.From, Reply: &Reply{ChatID: m.Chat.ID, MessageID: m.ID, FromID: c.From.GetId(), Text: m.Text, Media: m.Media}}
	return t.createPrivately(replied, Command{Verb: messages.VerbCreateTicket})
}

// answerCallback answers a pressed button from here.
func (t *turn) answerCallback(key string) error {
	op := t.operation()
	op.Call = &messages.Operation_AnswerCallback{AnswerCallback: &messages.AnswerCallbackCall{CallbackId: t.origin.CallbackId, Key: key, Alert: key != ""}}
	return t.answerWith(op)
}

// onMyMemberPrivately: the person has blocked the bot, or takes it back.
func (t *turn) onMyMemberPrivately(m *Member) (string, error) {
	if m.From.GetId() != m.Chat.ID {
		return "ignored_chat_type", nil
	}
	if err := t.memberOrigin(m); err != nil {
		return "", err
	}
	return "blocked", t.toPerson(&messages.SetBlocked{Origin: t.origin, Blocked: !belongs(m.NewStatus)})
}
