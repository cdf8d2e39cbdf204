package bot

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
)

// Who writes in a private chat right below what the desk said there means the ticket of that. If it is not their
// current one, the bot asks, and keeps what they write until they have answered (docs/decisions.md, D131).

// lastWord returns which ticket the desk spoke of last in the private chat before a message, or at all (0).
func (h *handling) lastWord(before int64) (*messages.WordFound, error) {
	return query[*messages.WordFound](h.ctx, h.desk, &messages.FindWord{Place: h.origin.Place, BeforeId: before})
}

// doubt is why it is open which ticket a message is about.
type doubt struct {
	unclear int64               // the word after which that is open, for this message and for all that wait with it
	last    *messages.WordFound // the desk's last word before the message
	waits   bool                // something waits for the answer already
	current *messages.TicketView
}

// unclear returns why it is open which ticket a message is about; nil: it is clear.
func (h *handling) unclear(m *Message) (*doubt, error) {
	if h.meant || h.ticket == "" || m.From.GetId() != m.Chat.ID {
		return nil, nil
	}
	last, err := h.lastWord(m.ID)
	if err != nil {
		return nil, err
	}
	user, err := h.person()
	if err != nil {
		return nil, err
	}
	d := &doubt{unclear: user.UnclearId, last: last, waits: user.UnclearId != 0}
	below := last.TicketId != "" && last.TicketId != h.ticket && last.MessageId > user.SettledId
	if !d.waits && !below {
		return nil, nil
	}
	current, err := query[*messages.TicketRecord](h.ctx, h.desk, &messages.GetTicket{TicketId: h.ticket})
	if err != nil || current.TicketId == "" {
		return nil, err
	}
	d.current = viewOf(current)
	opened := current.CreatedMs > user.UnclearMs
	drafted := slices.ContainsFunc(user.Drafts, func(v *messages.TicketView) bool {
		return v.TicketId == last.TicketId && v.CreatedMs > user.UnclearMs
	})
	switch {
	case below && (!d.waits || opened || drafted): // what they wrote before is another matter than this
		d.unclear, d.waits = last.MessageId, false
	case opened: // who has opened a ticket since means that one
		return nil, nil
	}
	return d, nil
}

// askIfUnclear asks which ticket a message or a command is about, if that is unclear, and keeps it until then. While the
// question stands, what follows waits too.
func (h *handling) askIfUnclear(m *Message) (asked bool, err error) {
	d, err := h.unclear(m)
	if err != nil || d == nil {
		return false, err
	}
	if !d.waits {
		if goesOn, err := h.goesOnFrom(d.last.TicketId); err != nil || goesOn {
			return false, err
		}
		if next, err := h.meansNext(d); err != nil || next {
			return false, err
		}
	}
	question, err := h.titleStillAsked(m, d)
	if err != nil {
		return false, err
	}
	keep := &messages.Shelve{Message: h.saying(m), Unclear: d.unclear, LastWord: d.last.MessageId}
	if question == nil {
		if question, err = h.questionOf(d); err != nil || question == nil {
			return false, err
		}
		keep.Question = &messages.SendNoticeCall{Key: messages.NoticePrivateWaits, Keyboard: question.Keyboard, Question: d.unclear}
		question.ReplyTo = h.origin.MessageId
	}
	_, isCommand := ParseCommand(m.Text, m.Entities, h.bot.Username)
	found, err := h.shelf(keep)
	switch {
	case err != nil:
		return false, err
	case found.Said: // they have pressed the button meanwhile
		h.ticket = found.TicketId
		return false, nil
	case found.Done && !isCommand: // the question stands right above; who gives a command sees nothing happen
		return true, nil
	case found.Full: // the others don't take it with them; it isn't kept, so that no draft can have it
		user, err := h.person()
		if err != nil {
			return false, err
		}
		question.Keyboard.Rows = slices.DeleteFunc(question.Keyboard.Rows, func(row *messages.KeyboardRow) bool {
			return slices.ContainsFunc(user.Drafts, func(v *messages.TicketView) bool {
				return strings.HasPrefix(row.Buttons[0].Data, messages.CallbackMean+":"+v.TicketId)
			})
		})
		for _, row := range question.Keyboard.Rows {
			row.Buttons[0].Data = strings.TrimSuffix(row.Buttons[0].Data, unclearArg(d.unclear))
		}
		question.ReplyTo, question.Question = h.origin.MessageId, h.origin.MessageId
	}
	op := h.operation()
	op.Call = &messages.Operation_SendNotice{SendNotice: question}
	return true, h.answerWith(op)
}

// questionOf asks which ticket is meant, with a button for each that it may be; nil: the desk spoke of one that is gone.
func (h *handling) questionOf(d *doubt) (*messages.SendNoticeCall, error) {
	word, err := h.lastWord(d.unclear + 1)
	if err != nil {
		return nil, err
	}
	spoken, err := h.titled(word.TicketId)
	if err == nil && spoken == nil {
		spoken, err = h.drafted(word.TicketId)
	}
	if err != nil || spoken == nil && !d.waits {
		return nil, err
	}
	own, err := h.ownAndDrafts()
	if err != nil {
		return nil, err
	}
	may := []*messages.TicketView{d.current}
	if spoken != nil && spoken.TicketId != d.current.TicketId {
		may = slices.Insert(may, 0, spoken)
	}
	rows := ticketRows(append(may, without(own, may...)...), messages.CallbackMean, d.current.TicketId)
	question := &messages.SendNoticeCall{Key: messages.NoticePrivateWaits, Question: d.unclear,
		Keyboard: &messages.Keyboard{Rows: about(d.unclear, rows)}}
	if !d.waits {
		question.Key, question.Args = messages.NoticePrivateUnclear, map[string]string{
			"title":   messages.TicketName(spoken.Title, spoken.Number),
			"current": messages.TicketName(d.current.Title, d.current.Number),
		}
	}
	return question, nil
}

// titled returns what a button shows of a ticket; nil: there is no such ticket.
func (h *handling) titled(id string) (*messages.TicketView, error) {
	found, err := query[*messages.TicketRecord](h.ctx, h.desk, &messages.GetTicket{TicketId: id})
	if err != nil || found.TicketId == "" {
		return nil, err
	}
	return viewOf(found), nil
}

// drafted returns what a button shows of a ticket whose group the person is being asked for; nil: it is none.
func (h *handling) drafted(id string) (*messages.TicketView, error) {
	user, err := h.person()
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(user.Drafts, func(v *messages.TicketView) bool { return v.TicketId == id })
	if at < 0 {
		return nil, nil
	}
	return user.Drafts[at], nil
}

// pressDraft keeps what was unclear for a ticket that is not open yet; done is false when it is none.
func (h *handling) pressDraft(p press) (done bool, err error) {
	draft, err := h.drafted(h.ticket)
	if err != nil || draft == nil || p.unclear == 0 {
		return false, err
	}
	taken, err := h.shelf(&messages.TakeShelved{TicketId: h.ticket, Unclear: p.unclear})
	if err != nil {
		return false, err
	}
	if !taken.Done { // then it is a message of that ticket
		return false, fmt.Errorf("ticket %s: %w: it is about to be opened", h.ticket, errNotAccepted)
	}
	pressed, args := h.origin, map[string]string{"ticket": draft.Title}
	if err := h.answerCallback(""); err != nil {
		return false, err
	}
	if err := h.becomes(pressed, messages.NoticePrivateForTicket, args); err != nil {
		return false, err
	}
	return true, h.endQuestion(p.unclear, pressed.CallbackMessageId, messages.NoticePrivateForTicket, args)
}

func viewOf(r *messages.TicketRecord) *messages.TicketView {
	return &messages.TicketView{TicketId: r.TicketId, Number: r.Number, Title: r.Title, Status: r.Status}
}

// about has buttons send everything that is unclear after a word; 0: only the message that they are about.
func about(unclear int64, rows []*messages.KeyboardRow) []*messages.KeyboardRow {
	for _, row := range rows {
		if unclear != 0 {
			row.Buttons[0].Data += unclearArg(unclear)
		}
	}
	return rows
}

func unclearArg(unclear int64) string { return ":" + strconv.FormatInt(unclear, 10) }

// without returns a list without some of its tickets.
func without(list []*messages.TicketView, some ...*messages.TicketView) []*messages.TicketView {
	return slices.DeleteFunc(list, func(v *messages.TicketView) bool {
		return slices.ContainsFunc(some, func(s *messages.TicketView) bool { return s.TicketId == v.TicketId })
	})
}

// press is a button that sends something to a ticket.
type press struct {
	verb    string   // CallbackMean, CallbackSay or CallbackSayClosed
	unclear int64    // the word after which it was unclear what was meant; 0: the button is about one message only
	message *Message // which the button is about; nil: Telegram does not show it any more

	withdrawn bool // something that it was about is withdrawn
}

// parsePress reads the argument of such a button.
func parsePress(c *Callback, verb, arg string) (p press, ok bool) {
	p = press{verb: verb, message: c.Answered}
	if arg == "" {
		return p, true
	}
	var err error
	p.unclear, err = strconv.ParseInt(arg, 10, 64)
	return p, err == nil && p.unclear > 0
}

// pressSay makes a ticket the current one, unless the message stands in its topic, and sends it what the button is about:
// a message, with everything else that was unclear after the same word.
func (h *handling) pressSay(p press) error {
	id, pressed := h.ticket, h.origin
	if gone, err := h.settledAlready(p); err != nil || gone {
		return err
	}
	meant, err := h.titled(id)
	switch {
	case err != nil:
		return err
	case p.verb == messages.CallbackMean && meant != nil && meant.Status == statusClosed && !h.commands(p.message):
		if gone, err := h.sentAlready(p); err != nil || gone {
			return err
		}
		return h.askAboutClosedOf(p)
	}
	if meant == nil && p.verb == messages.CallbackMean {
		if kept, err := h.pressDraft(p); err != nil || kept {
			return err
		}
	}
	done, err := h.isOwn(p.message, id)
	if err == nil && done {
		err = h.answerCallback("")
	} else if err == nil {
		talk := &messages.TalkOn{Quiet: true, Stay: p.verb == messages.CallbackSayClosed, Settles: p.unclear}
		if !talk.Stay { // they have chosen, whatever the desk has spoken of up to its question
			word, err := h.lastWord(pressed.CallbackMessageId + 1)
			if err != nil {
				return err
			}
			talk.Settles = max(talk.Settles, word.MessageId)
		}
		done, err = h.pressTalk(talk)
	}
	if err != nil || !done {
		return err
	}
	said, elsewhere, err := h.kept(id, &p)
	switch {
	case err != nil:
		return err
	case elsewhere:
		return h.answeredElsewhere(pressed, p)
	case p.withdrawn && len(said) == 0:
		return h.becomes(pressed, messages.NoticePrivateWithdrawn, nil)
	case len(said) == 0: // too old for Telegram to show it, and the rest of it is not known any more
		return h.becomes(pressed, messages.NoticePrivateSayAgain, nil)
	}
	ends := []int64{p.unclear}
	if p.unclear == 0 && p.message != nil {
		ends[0] = p.message.ID
	}
	var commands []*messages.RecordMessage
	if p.verb != messages.CallbackSayClosed { // the ticket is open, or reopens
		held, err := h.heldFor(id)
		if err != nil {
			return err
		}
		var words []*messages.RecordMessage
		words, commands = h.apart(notAmong(said, held.Messages))
		said, ends = inOrder(said, words), append(ends, held.Questions...)
	}
	args := map[string]string{"ticket": messages.TicketName(meant.GetTitle(), meant.GetNumber())}
	key := messages.NoticePrivateForTicket
	for _, one := range said {
		sent, err := h.carryOut(id, one, p)
		if err != nil {
			return err
		}
		if sent {
			key = messages.NoticePrivateSent
		}
	}
	if err := h.carryOutHeld(id, commands); err != nil {
		return err
	}
	if p.message != nil && p.unclear == 0 { // the bot may have asked whether it is a title
		if _, err := h.shelf(&messages.Shelve{TitleAsked: p.message.ID}); err != nil {
			return err
		}
	}
	if err := h.becomes(pressed, key, args); err != nil {
		return err
	}
	for _, about := range ends {
		if err := h.endQuestion(about, pressed.CallbackMessageId, key, args); err != nil {
			return err
		}
	}
	if len(ends) > 1 {
		return h.takeHeld(id)
	}
	return nil
}

// commands says whether a message is a command about a ticket, which says itself what is to be done with a closed one.
func (h *handling) commands(m *Message) bool {
	if m == nil {
		return false
	}
	c, is := ParseCommand(m.Text, m.Entities, h.bot.Username)
	declared, _ := messages.CommandOf(c.Verb)
	return is && !c.Foreign && declared.About == messages.AboutTicket
}

// becomes has the question whose button was pressed say what came of it, and takes its buttons away. Until then it says
// that something waits.
func (h *handling) becomes(pressed *messages.Origin, key string, args map[string]string) error {
	h.origin = proto.CloneOf(pressed)
	h.origin.CommandId += ":became"
	op := h.operation()
	op.Call = &messages.Operation_EditNotice{EditNotice: &messages.EditNoticeCall{
		MessageId: pressed.CallbackMessageId, Notice: &messages.SendNoticeCall{Key: key, Args: args},
	}}
	return h.answerWith(op)
}

// answeredElsewhere has a question say where its message went by the button of another question.
func (h *handling) answeredElsewhere(pressed *messages.Origin, p press) error {
	found, err := query[*messages.MessageFound](h.ctx, h.desk,
		&messages.FindMessage{ChatId: p.message.Chat.ID, MessageId: p.message.ID})
	if err != nil {
		return err
	}
	has, err := h.titled(found.TicketId)
	if err != nil || has == nil {
		return err
	}
	return h.becomesSent(pressed, has)
}

// settledAlready has a question say where it was settled, if what it is about went to another ticket, or its draft, by another answer. Who
// presses it then means nothing new, so their current ticket stays what it is.
func (h *handling) settledAlready(p press) (bool, error) {
	if p.message == nil || p.unclear == 0 {
		return false, nil
	}
	found, err := h.shelf(&messages.Shelve{Asks: true, Message: &messages.RecordMessage{Origin: &messages.Origin{MessageId: p.message.ID}}})
	if err != nil || !found.Done || found.TicketId == h.ticket {
		return false, err
	}
	has, err := h.titled(found.TicketId)
	if err == nil && has == nil {
		has, err = h.drafted(found.TicketId)
	}
	if err != nil || has == nil {
		return false, err
	}
	pressed := h.origin
	if err := h.answerCallback(""); err != nil {
		return false, err
	}
	if has.Number == 0 { // a draft
		return true, h.becomes(pressed, messages.NoticePrivateForTicket, map[string]string{"ticket": has.Title})
	}
	return true, h.becomesSent(pressed, has)
}

// sentAlready has a question say where its message went, if a ticket has it by now, whichever the button names.
func (h *handling) sentAlready(p press) (bool, error) {
	if p.message == nil {
		return false, nil
	}
	has, err := h.ticketOf(p.message)
	if err != nil || has == "" {
		return false, err
	}
	pressed := h.origin
	if err := h.answerCallback(""); err != nil {
		return false, err
	}
	return true, h.answeredElsewhere(pressed, p)
}

// becomesSent has a question say to which ticket its message went.
func (h *handling) becomesSent(pressed *messages.Origin, to *messages.TicketView) error {
	return h.becomes(pressed, messages.NoticePrivateSent, map[string]string{"ticket": messages.TicketName(to.Title, to.Number)})
}

// pressChoose makes a ticket of a list the current one. What waits for a word about which ticket it is about goes there, and the
// person is told so; a closed ticket gets none of it, since that would reopen it.
func (h *handling) pressChoose() error {
	id := h.ticket
	last, err := h.lastWord(0)
	if err != nil {
		return err
	}
	chosen, err := h.titled(id)
	if err != nil {
		return err
	}
	if chosen.GetStatus() == statusClosed {
		_, err := h.pressTalk(&messages.TalkOn{})
		return err
	}
	done, err := h.pressTalk(&messages.TalkOn{Settles: last.MessageId})
	if err != nil || !done {
		return err
	}
	waiting, err := h.shelf(&messages.TakeShelved{TicketId: id, UnclearThrough: math.MaxInt64, Said: true, By: h.origin.CommandId})
	if err != nil {
		return err
	}
	var first *messages.Origin
	for _, one := range waiting.Messages {
		sent, err := h.carryOut(id, one, press{verb: messages.CallbackMean})
		if err != nil {
			return err
		}
		if sent && first == nil {
			first = one.Origin
		}
	}
	args := map[string]string{"ticket": messages.TicketName(chosen.GetTitle(), chosen.GetNumber())}
	if first == nil { // a command says itself what came of it
		return h.endQuestions(waiting.Questions, messages.NoticePrivateForTicket, args)
	}
	h.origin = proto.CloneOf(first)
	h.origin.CommandId += ":chosen"
	if err := h.answer(messages.NoticePrivateSent, args); err != nil {
		return err
	}
	return h.endQuestions(waiting.Questions, messages.NoticePrivateSent, args)
}

// askAboutClosedOf asks what to do with what was unclear, since the ticket that is meant is closed: the question becomes
// another one.
func (h *handling) askAboutClosedOf(p press) error {
	if err := h.answerCallback(""); err != nil {
		return err
	}
	if p.unclear != 0 {
		if _, err := h.shelf(&messages.Shelve{Asks: true, Unclear: p.unclear, Closed: h.ticket}); err != nil {
			return err
		}
	}
	op, err := h.aboutClosed(p.unclear)
	if err != nil {
		return err
	}
	question := op.GetSendNotice()
	question.ReplyTo = 0
	op.Call = &messages.Operation_EditNotice{EditNotice: &messages.EditNoticeCall{
		MessageId: h.origin.CallbackMessageId, Notice: question,
	}}
	h.origin = h.originFor("closed")
	return h.answerWith(op)
}

// kept returns what a button sends to a ticket, in the order in which it was written, and the button's message even if no
// shelf has it. elsewhere says that another ticket has it already.
func (h *handling) kept(id string, p *press) (said []*messages.RecordMessage, elsewhere bool, err error) {
	m := p.message
	take := &messages.TakeShelved{TicketId: id, Unclear: p.unclear, Said: true}
	if m != nil && m.album() != "" {
		take.Albums = []string{m.album()}
	}
	if p.unclear != 0 || len(take.Albums) > 0 {
		taken, err := h.shelf(take)
		if err != nil {
			return nil, false, err
		}
		said, p.withdrawn = taken.Messages, taken.Withdrawn
	}
	isIt := func(one *messages.RecordMessage) bool { return one.Origin.GetMessageId() == m.ID }
	if m == nil || len(take.Albums) > 0 || slices.ContainsFunc(said, isIt) {
		return said, false, nil
	}
	if err := h.confine(m.Reply); err != nil {
		return nil, false, err
	}
	h.origin = h.originOf(m)
	one := h.saying(m)
	found, err := h.recall(one)
	switch {
	case err != nil:
		return nil, false, err
	case found.Withdrawn:
		p.withdrawn = true
		return said, false, nil
	case len(found.Messages) > 0 && p.unclear != 0: // another ticket has it
		return said, len(said) == 0, nil
	}
	return append(said, one), false, nil
}

// carryOut sends a message that was kept to a ticket, or carries out the command that it is; sent says that the ticket
// has it as a message.
func (h *handling) carryOut(id string, one *messages.RecordMessage, p press) (sent bool, err error) {
	content := one.Content
	c, isCommand := ParseCommand(content.GetText(), content.GetEntities(), h.bot.Username)
	asked := p.unclear != 0 || p.verb == messages.CallbackMean
	if declared, _ := messages.CommandOf(c.Verb); isCommand && asked && declared.About == messages.AboutTicket {
		h.origin, h.ticket, h.meant = one.Origin, id, true
		_, err := h.onCommandBesides(messageOf(h.chat, one), c)
		return false, err
	}
	if p.verb == messages.CallbackSayClosed {
		one = proto.CloneOf(one)
		one.AfterClose = true
	}
	return h.sayTo(id, one)
}
