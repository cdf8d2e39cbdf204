package bot

import (
	"slices"
	"strconv"
	"strings"

	"github.com/topicdesk/topicdesk/messages"
)

// What looks like a command and is none would be mirrored to the other side as words: to a customer, perhaps. So the bot
// asks first (docs/decisions.md, D133). Commands of other bots are left alone.

// noteSign stands for a verb where a message begins as an internal note does.
const noteSign = "/"

// nearEnough is how many letters a command may differ from the one that is meant.
const nearEnough = 3

// unknownCommand returns the verb at the beginning of a message that could be a command to this bot, but is none. Outside
// of tickets only those count that are addressed to it, or are clearly one of its own, misspelt: other bots are there too.
func (h *handling) unknownCommand(m *Message) (verb string, ok bool) {
	verb, address, _, ok := splitCommand(m.Text)
	if m.Chat.Private() && messages.InternalNote(m.Text) { // who writes it believes that others don't see it
		verb, ok = noteSign, true
	}
	if !ok || m.Forward != nil || m.album() != "" && !m.Chat.Private() || m.Sender.GetKind() == messages.Sender_CHANNEL {
		return "", false
	}
	return verb, address != "" || m.Chat.Private() || h.ticket != "" || nearestWithin(verb, h.at(), len(verb)/4) != ""
}

// nearest returns the command that works in a kind of place and is most like a verb; "": none is like it.
func nearest(verb string, at messages.Places) string {
	return nearestWithin(verb, at, min(nearEnough, len(verb)/2))
}

// nearestWithin returns the command that is most like a verb, and differs from it by so many letters at most.
func nearestWithin(verb string, at messages.Places, most int) string {
	verb = strings.ToLower(verb)
	best, least := "", most+1
	for _, c := range messages.SlashCommands {
		d := distance(verb, c.Verb)
		switch first, _, several := strings.Cut(c.Verb, "_"); {
		case len(verb) > nearEnough && strings.HasPrefix(c.Verb, verb): // /close
			d = 1
		case several && len(first) > nearEnough: // /clsoe
			d = min(d, distance(verb, first)+1)
		}
		if c.Where.Have(at) && d < least {
			best, least = c.Verb, d
		}
	}
	return best
}

// isNoteElsewhere reports whether a verb begins an internal note in other desks.
func isNoteElsewhere(verb string) bool {
	return slices.Contains([]string{"note", "notes", "internal", "private", "comment", "whisper"}, strings.ToLower(verb))
}

// distance returns how many letters must be put in, left out, replaced or swapped with their neighbour to make b of a.
func distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, last, row = last, row, before
		row[0] = i
		for j := 1; j <= len(b); j++ {
			replaced := last[j-1]
			if a[i-1] != b[j-1] {
				replaced++
			}
			row[j] = min(last[j]+1, row[j-1]+1, replaced)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return row[len(b)]
}

// onUnknownCommand answers with the nearest command, and keeps the message for the button that sends it after all.
func (h *handling) onUnknownCommand(m *Message, verb string) (string, error) {
	args := map[string]string{"given": "/" + messages.Shorten(verb, titleOfText)}
	if verb == noteSign {
		args["private"] = "yes"
	}
	near, note := nearest(verb, h.at()), h.ticket != "" && !m.Chat.Private() && isNoteElsewhere(verb)
	switch {
	case note:
		args["note"] = "//"
	case near != "":
		args["command"] = "/" + near
	}
	forTeam := h.ticket != "" && h.hasNote(m)
	if forTeam {
		args["note"] = "//"
	}
	op := h.notice(messages.NoticeCommandUnknown, args)
	if note { // no button that would show the other groups what is not for them
		return "unknown_command", h.answerWith(op)
	}
	// What an anonymous administrator wrote, nobody can send: a button does not tell who of them presses it.
	passes := (h.ticket != "" || m.Chat.Private()) && !forTeam // elsewhere words go nowhere, and what is for the team goes to nobody else
	if byPerson := m.Sender.GetKind() == messages.Sender_USER; byPerson && (passes || near != "") {
		said := h.saying(m)
		if h.meant {
			said.MeantTicketId = h.ticket
		}
		if _, err := h.shelf(&messages.Shelve{Message: said}); err != nil {
			return "", err
		}
		id := ":" + strconv.FormatInt(m.ID, 10)
		var rows []*messages.KeyboardRow
		if passes {
			rows = append(rows, buttonRow(&messages.Button{Key: messages.ButtonAsIs, Data: messages.CallbackAsIs + id}))
		}
		if near != "" { // the name in the text would be sent without what is written after it
			rows = slices.Insert(rows, 0, buttonRow(&messages.Button{Text: "✅ /" + near, Data: messages.CallbackInstead + id}))
		}
		op.GetSendNotice().Keyboard = &messages.Keyboard{Rows: rows}
	}
	return "unknown_command", h.answerWith(op)
}

// onAsIsCallback sends a message that looked like a command, or carries out the one that it is most like; handled says
// whether the button does either.
func (h *handling) onAsIsCallback(c *Callback) (outcome string, handled bool, err error) {
	verb, number, _ := strings.Cut(c.Data, ":")
	does := map[string]func(*messages.RecordMessage) (string, error){
		messages.CallbackAsIs: h.sayAsIs, messages.CallbackInstead: h.doInstead,
	}[verb]
	if does == nil {
		return "", false, nil
	}
	id, err := strconv.ParseInt(number, 10, 64)
	if err != nil || id <= 0 {
		return "stale", true, h.stale()
	}
	said, err := h.keptAs(c, id)
	switch {
	case err != nil:
		return "", true, err
	case said == nil:
		return "stale", true, h.stale()
	case said.Origin.GetSender().GetKind() != messages.Sender_USER, said.Origin.GetFrom().GetId() != c.From.GetId():
		return "stale", true, h.answerCallback(messages.NoticeOnlyAuthor)
	}
	pressed := h.origin
	h.origin = said.Origin
	came, err := does(said)
	h.origin = pressed
	switch {
	case err != nil:
		return "", true, err
	case came == "":
		return "stale", true, h.stale()
	}
	if err := h.answerCallback(""); err != nil {
		return "", true, err
	}
	given, _, _, _ := splitCommand(said.Content.GetText())
	if messages.InternalNote(said.Content.GetText()) {
		given = noteSign
	}
	args := map[string]string{"given": "/" + messages.Shorten(given, titleOfText)}
	if verb == messages.CallbackInstead {
		args["command"] = nearest(given, h.at())
	}
	if came == "unclear" || came == "closed" || came == "homeless" { // it has gone nowhere yet
		args["asked"] = "yes"
	}
	return "pressed", true, h.becomes(h.origin, messages.NoticeCommandTaken, args)
}

// keptAs returns a message as it was kept for the button, or as Telegram shows it; nil: it is not known any more.
func (h *handling) keptAs(c *Callback, id int64) (*messages.RecordMessage, error) {
	ask := &messages.RecordMessage{Origin: &messages.Origin{MessageId: id}}
	found, err := h.shelf(&messages.Shelve{Message: ask, Asks: true})
	m := c.Answered
	shown := m != nil && m.ID == id
	if shown {
		m.CommandNote = h.hasNote(m)
	}
	switch {
	case err != nil || found.Withdrawn:
		return nil, err
	case len(found.Messages) > 0:
		if kept := found.Messages[0]; shown { // it may have been edited meanwhile
			kept.Content, kept.Internal, kept.CommandNote = m.content(), m.internal(), m.CommandNote
		}
		return found.Messages[0], nil
	case !shown:
		return nil, nil
	}
	if err := h.confine(m.Reply); err != nil {
		return nil, err
	}
	at := *h
	at.origin = h.originOf(m)
	at.origin.From, at.origin.Sender = m.From, m.Sender
	return at.saying(m), nil
}

// sayAsIs sends a message as if it had not looked like a command. It returns no outcome if no ticket takes it.
func (h *handling) sayAsIs(said *messages.RecordMessage) (outcome string, err error) {
	m, err := h.asWritten(said)
	if err != nil {
		return "", err
	}
	if h.chat.Private() {
		h.origin.CommandId += ":as_is" // a question about the message is another answer to it
		if outcome, err = h.passOn(m); err != nil {
			return "", err
		}
		_, err = h.passOnAlbum(m)
		return outcome, err
	}
	if h.ticket == "" { // it was unlinked meanwhile
		return "", nil
	}
	r, err := h.recordOf(m)
	if err != nil || !recorded(r) {
		return "", err
	}
	return "recorded", nil
}

// doInstead carries out the command that a message is most like, with what is written after it. It returns no outcome if it is none.
func (h *handling) doInstead(said *messages.RecordMessage) (outcome string, err error) {
	m, err := h.asWritten(said)
	if err != nil {
		return "", err
	}
	verb, _, rest, _ := splitCommand(m.Text)
	near := "/" + nearest(verb, h.at())
	m.Entities = cut(m.Text, m.Entities, len(m.Text)-len(rest), len(m.Text))
	for _, e := range m.Entities {
		e.Offset += int32(len(near))
	}
	m.Text = near + rest
	c, isCommand := ParseCommand(m.Text, m.Entities, h.bot.Username)
	if !isCommand { // the place is another now, or the message
		return "", nil
	}
	h.origin.CommandId += ":instead" // the answer to the message has its own
	if outcome, err = h.onCommandBesides(m, c); err != nil {
		return "", err
	}
	_, err = h.passOnAlbum(m)
	return outcome, err
}

// asWritten returns a kept message as it came, and finds its ticket.
func (h *handling) asWritten(said *messages.RecordMessage) (*Message, error) {
	m := messageOf(h.chat, said)
	if h.ticket, h.meant = said.MeantTicketId, said.MeantTicketId != ""; h.meant {
		return m, nil
	}
	return m, h.findTicket(m)
}

// messageOf returns a kept message as it came, as far as commands and private chats need it.
func messageOf(chat Chat, said *messages.RecordMessage) *Message {
	o, content := said.Origin, said.Content
	m := &Message{
		ID: o.MessageId, Chat: chat, From: o.From, Sender: o.Sender, ThreadID: o.ThreadId, DateMS: o.DateMs,
		Text: content.GetText(), Entities: content.GetEntities(), Media: content.GetMedia(), Kept: said,
	}
	if r := said.ReplyTo; r != nil {
		m.Reply = &Reply{
			ChatID: r.ChatId, MessageID: r.MessageId,
			Quote: r.Quote, QuotePosition: r.QuotePosition, QuoteEntities: r.QuoteEntities,
			Preview: r.Preview, PreviewEntities: r.PreviewEntities, Item: r.Item, Origin: r.Origin, URL: r.Url,
		}
	}
	return m
}
