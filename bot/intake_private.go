package bot

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
)

// A person's private chat with the bot. Where it has topics, each ticket that was opened from it has one of its own.
// Elsewhere, and outside of those topics, a reply goes to the ticket of the message that it answers, anything else to the
// person's current ticket (docs/decisions.md, D17, D18 and D75).

const (
	titleOfButton   = 40 // UTF-16 units
	ticketsToChoose = 8
	ownTicketsRead  = 50
)

// findPrivately finds the ticket that a message in a private chat is meant for.
func (h *handling) findPrivately(m *Message) (err error) {
	if m.ThreadID != 0 {
		h.ticket, err = h.directory.Ticket(h.ctx, h.origin.Place, m.ThreadID)
		if h.own = h.ticket != ""; err != nil || h.own {
			h.meant = h.own
			return err
		}
	}
	if r := m.Reply; r != nil && r.MessageID != 0 && r.ChatID == m.Chat.ID {
		found, err := query[*messages.MessageFound](h.ctx, h.desk,
			&messages.FindMessage{ChatId: m.Chat.ID, MessageId: r.MessageID, Quote: r.Quote, QuotePosition: r.QuotePosition})
		if err != nil {
			return err
		}
		if h.ticket = found.TicketId; h.ticket == "" && r.From.GetId() == h.bot.ID {
			if h.ticket, err = h.ticketNamedIn(r.Text); err != nil { // a card, or a notice about a ticket
				return err
			}
		}
	}
	if h.meant = h.ticket != ""; !h.meant {
		h.ticket, err = h.directory.Ticket(h.ctx, h.origin.Place, 0)
	}
	return err
}

// findNumbered finds the person's own ticket that "/ticket 3" in a private chat names. unknown is what it names if none of theirs is
// called so: another one's card would be taken for it.
func (h *handling) findNumbered(m *Message, c SlashCommand) (unknown string, err error) {
	if c.Verb != messages.VerbTicket || !m.Chat.Private() {
		return "", nil
	}
	_, _, rest, _ := splitCommand(m.Text)
	name := firstWord(rest)
	_, isID := messages.ParseTicketID(name)
	if _, isNumber := messages.ParseNumber(name); !isID && !isNumber {
		return "", nil
	}
	id, err := h.ticketNamed(name)
	if err != nil {
		return "", err
	}
	own, err := h.isHere(id)
	if err != nil || !own {
		return name, err
	}
	h.ticket, h.meant = id, true
	return "", nil
}

// onUnknownNumber answers "/ticket 3" where none of the person's tickets is called so. A medium with it is theirs all the same.
func (h *handling) onUnknownNumber(m *Message, name string) (string, error) {
	if m.Media != nil {
		if err := h.passOnBesides(m); err != nil {
			return "", err
		}
	}
	return "command", h.answer(messages.NoticeTicketUnknown,
		map[string]string{"given": messages.Shorten(name, titleOfText), "private": "yes"})
}

// passOn sends a message from a private chat to its ticket. If there is none, or it is closed, the bot asks what to do.
func (h *handling) passOn(m *Message) (string, error) {
	if m.From.GetId() != m.Chat.ID { // only the person writes there
		return "left_alone", nil
	}
	if m.album() != "" {
		found, err := h.shelf(&messages.Shelve{Message: h.saying(m)})
		switch {
		case err != nil:
			return "", err
		case found.Done:
			return "enclosed", nil
		case found.Said:
			h.ticket, h.meant = found.TicketId, true
		case found.TicketId != "":
			if has, err := h.enclose(found, m); err != nil || has {
				return "enclosed", err
			}
		case m.Kept == nil: // else this part has been asked about
			if waits, err := h.waitsWithAlbum(m, found.Messages); err != nil || waits {
				return "unclear", err
			}
		}
		defer h.as(messages.AlbumID(m.Chat.ID, m.album()))() // an album is asked about once
	}
	if asked, err := h.askIfTitle(m); err != nil || asked {
		return "unclear", err
	}
	if asked, err := h.askIfUnclear(m); err != nil || asked {
		return "unclear", err
	}
	if h.ticket != "" {
		if err := h.sayHeld(false); err != nil {
			return "", err
		}
		r, err := h.recordOf(m)
		switch {
		case err != nil:
			return "", err
		case r != nil && r.Code == messages.Code_CONFLICT:
			return h.passOnAfterClose(m, r.Reason)
		case h.ticket != "":
			if err := h.keepTogether(m); err != nil {
				return "", err
			}
			return "recorded", h.noteReachable()
		}
	}
	return "homeless", h.askWhich(m)
}

// noteReachable tells the person's entity that they have not blocked the bot, if it thinks so: they have just written.
func (h *handling) noteReachable() error {
	user, err := query[*messages.UserView](h.ctx, h.desk, &messages.GetUser{UserId: h.origin.GetFrom().GetId()})
	if err != nil || !user.Blocked {
		return err
	}
	return h.toPerson(&messages.SetBlocked{Origin: h.originFor("reached"), Blocked: false})
}

// toPerson sends a command to the person's entity.
func (h *handling) toPerson(c proto.Message) error {
	_, err := command(h.ctx, h.desk, messages.KindUser, userIdentity(h.origin.GetFrom().GetId()), c)
	return err
}

// originFor returns the origin with another command id, for a further command of the same update.
func (h *handling) originFor(what string) *messages.Origin {
	o := proto.CloneOf(h.origin)
	o.CommandId += ":" + what
	return o
}

// ownTickets lists the person's open tickets that were opened from their private chat.
func (h *handling) ownTickets() ([]*messages.TicketView, error) {
	list, err := query[*messages.TicketList](h.ctx, h.desk,
		&messages.ListTickets{UserId: h.origin.GetFrom().GetId(), OpenOnly: true, Limit: ownTicketsRead})
	if err != nil {
		return nil, err
	}
	return openedPrivately(list), nil
}

// ownAndDrafts lists what a message may be about: the person's open tickets, and those whose group they are being asked for.
func (h *handling) ownAndDrafts() ([]*messages.TicketView, error) {
	own, err := h.ownTickets()
	if err != nil {
		return nil, err
	}
	user, err := h.person()
	if err != nil {
		return nil, err
	}
	return append(own, user.Drafts...), nil
}

// openedPrivately returns those tickets of a list that were opened from the person's private chat.
func openedPrivately(list *messages.TicketList) []*messages.TicketView {
	var own []*messages.TicketView
	for _, view := range list.Tickets {
		if view.Private {
			own = append(own, view)
		}
	}
	return own
}

// askAboutClosed answers a message to a closed ticket. The person can reopen the ticket, or send the message to
// another one.
func (h *handling) askAboutClosed(m *Message) error {
	if _, err := h.shelf(&messages.Shelve{Message: h.saying(m), Closed: h.ticket}); err != nil {
		return err
	}
	op, err := h.aboutClosed(0)
	if err != nil {
		return err
	}
	op.GetSendNotice().Question = m.ID
	return h.answerWith(op)
}

// aboutClosed says that the ticket is closed, with buttons that say what to do with the message, or with everything that
// is unclear after a word.
func (h *handling) aboutClosed(unclear int64) (*messages.Operation, error) {
	own, err := h.ownTickets()
	if err != nil {
		return nil, err
	}
	closed, err := query[*messages.TicketRecord](h.ctx, h.desk, &messages.GetTicket{TicketId: h.ticket})
	if err != nil {
		return nil, err
	}
	op := h.notice(messages.NoticePrivateIsClosed,
		map[string]string{"ticket": messages.TicketName(closed.Title, closed.Number)})
	rows := append([]*messages.KeyboardRow{
		buttonRow(&messages.Button{Key: messages.ButtonSay, Data: messages.CallbackSay + ":" + h.ticket}),
		buttonRow(&messages.Button{Key: messages.ButtonSayClosed, Data: messages.CallbackSayClosed + ":" + h.ticket}),
	}, sayRows(own)...)
	if rows = about(unclear, rows); unclear == 0 {
		rows = append(rows, newRow())
	}
	op.GetSendNotice().Keyboard, op.GetSendNotice().Question = &messages.Keyboard{Rows: rows}, unclear
	return op, nil
}

// askWhich answers a message of somebody who has no current ticket.
// Without any, what they write is kept for the ticket that they open with it.
func (h *handling) askWhich(m *Message) error {
	own, err := h.ownTickets()
	if err != nil {
		return err
	}
	if len(own) == 0 {
		return h.keepHomeless(m)
	}
	op := h.notice(messages.NoticePrivateWhich, nil)
	if err := h.keepAnswered(m); err != nil {
		return err
	}
	op.GetSendNotice().Keyboard, op.GetSendNotice().Question = &messages.Keyboard{Rows: append(sayRows(own), newRow())}, m.ID
	return h.answerWith(op)
}

// keepHomeless keeps a message of somebody who has no ticket for the one that they open, and says so.
func (h *handling) keepHomeless(m *Message) error {
	found, err := h.shelf(&messages.Shelve{Message: h.saying(m), Homeless: true})
	switch {
	case err != nil:
		return err
	case found.Opening: // then it is a message of that ticket
		return fmt.Errorf("person %d: %w: a ticket is about to be opened", m.From.GetId(), errNotAccepted)
	case found.Done:
		return h.sayItAwaitsGroup(m)
	}
	op := h.notice(messages.NoticePrivateNone, nil)
	op.GetSendNotice().Keyboard = &messages.Keyboard{Rows: []*messages.KeyboardRow{newRow()}}
	return h.answerWith(op)
}

func buttonRow(b ...*messages.Button) *messages.KeyboardRow { return &messages.KeyboardRow{Buttons: b} }

func newRow() *messages.KeyboardRow {
	return buttonRow(&messages.Button{Key: messages.ButtonNew, Data: messages.CallbackNew})
}

// sayRows makes a button for each ticket, which sends the answered message to it.
func sayRows(own []*messages.TicketView) []*messages.KeyboardRow {
	return ticketRows(own, messages.CallbackSay, "")
}

// ticketRows makes a button for each ticket; the current one is marked.
func ticketRows(own []*messages.TicketView, verb, current string) []*messages.KeyboardRow {
	var rows []*messages.KeyboardRow
	for _, view := range own[:min(len(own), ticketsToChoose)] {
		mark := "💬 "
		switch {
		case view.Status == statusClosed:
			mark = "🔒 "
		case view.TicketId == current:
			mark = "👉 "
		}
		name := messages.TicketName(messages.Shorten(oneLine(view.Title), titleOfButton), view.Number)
		rows = append(rows, buttonRow(&messages.Button{Text: mark + name, Data: verb + ":" + view.TicketId}))
	}
	return rows
}

// createPrivately makes a draft of a ticket from a private chat. The person's entity then asks for the group.
func (h *handling) createPrivately(m *Message, c SlashCommand) error {
	h.describe(m, &c)
	if messages.Blank(messages.CleanLine(c.Title)) {
		return h.askTitle(m, c)
	}
	enclosures := h.enclosures(m)
	untitled, err := h.untitled(m)
	if err != nil {
		return err
	}
	r, err := command(h.ctx, h.desk, messages.KindUser, userIdentity(h.origin.GetFrom().GetId()), &messages.DraftTicket{
		Origin: h.origin, TicketId: messages.TicketID(h.origin.CommandId, h.origin.DateMs),
		Title: c.Title, Description: c.Description.Text, DescriptionEntities: c.Description.Entities,
		Enclosures: enclosures, Forward: h.forwarded(m), Albums: albumsOf(enclosures), Untitled: untitled,
		DescribedId: h.describedHere(m), Sources: c.Sources, Follows: h.follows, TitleElsewhere: h.titleElsewhere,
		WithWaiting: h.waitsWith != 0,
	})
	switch {
	case err != nil:
		return err
	case r.Code == messages.Code_CONFLICT: // another message has just opened the ticket that it is for
		return h.errOpening(m)
	}
	return h.endQuestion(cmp.Or(h.waitsWith, untitled), 0, messages.NoticePrivateForTicket, map[string]string{"ticket": c.Title})
}

// onPrivateCallback handles the buttons that only private chats have; handled says whether the button was one of those.
func (h *handling) onPrivateCallback(c *Callback) (outcome string, handled bool, err error) {
	verb, rest, _ := strings.Cut(c.Data, ":")
	id, arg, _ := strings.Cut(rest, ":")
	parsed, valid := messages.ParseTicketID(id)
	valid = valid && parsed == id
	switch verb {
	case messages.CallbackPick, messages.CallbackPickPage, messages.CallbackDrop, messages.CallbackTalk,
		messages.CallbackSay, messages.CallbackSayClosed, messages.CallbackMean:
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
	case messages.CallbackSay, messages.CallbackSayClosed, messages.CallbackMean:
		p, ok := parsePress(c, verb, arg)
		if !ok {
			return "stale", true, h.stale()
		}
		return outcome, true, h.pressSay(p)
	}
	return outcome, true, h.pressChoose()
}

// allowedGroup says whether tickets may be opened in a group, by the setting GROUPS_ALLOWED.
func (h *handling) allowedGroup(groupID string) (bool, error) {
	group, err := query[*messages.GroupView](h.ctx, h.desk, &messages.GetGroup{GroupId: groupID})
	if err != nil {
		return false, err
	}
	return group.Facts == nil || h.groupAllowed(groupID, group.Facts.ChatId), nil
}

// pressTalk makes a ticket the person's current one; done is false when it is none of theirs. From then on it is clear
// which ticket they mean, whatever the desk has spoken of up to the word that this settles.
func (h *handling) pressTalk(talk *messages.TalkOn) (done bool, err error) {
	talk.Origin, talk.TicketId = h.origin, h.ticket
	r, err := command(h.ctx, h.desk, messages.KindUser, userIdentity(h.origin.From.Id), talk)
	if err != nil {
		return false, err
	}
	if r.Code == messages.Code_CONFLICT {
		return false, h.stale()
	}
	if talk.Settles == 0 {
		return true, nil
	}
	settle := &messages.SettleWord{MessageId: talk.Settles, TicketId: h.ticket}
	if talk.Stay {
		settle.TicketId = "" // what they write next is about their current ticket
	}
	_, err = command(h.ctx, h.desk, messages.KindChat, h.origin.Place, settle)
	return err == nil, err
}

// isOwn says whether a message stands in the ticket's own topic of the private chat.
func (h *handling) isOwn(m *Message, id string) (bool, error) {
	if m == nil || m.ThreadID == 0 {
		return false, nil
	}
	at, err := h.directory.Ticket(h.ctx, h.origin.Place, m.ThreadID)
	return at == id, err
}

// pressNew makes a draft of a ticket from the message that the button is about.
func (h *handling) pressNew(c *Callback) error {
	m, pressed := c.Answered, h.origin
	if err := h.answerCallback(""); err != nil {
		return err
	}
	if m == nil { // a ticket without what they wrote would lose it silently
		return h.becomes(pressed, messages.NoticePrivateNewAgain, nil)
	}
	if err := h.confine(m.Reply); err != nil {
		return err
	}
	h.origin = proto.CloneOf(h.origin)
	h.origin.CommandId, h.origin.MessageId = h.origin.CommandId+":new", m.ID
	h.origin.CallbackId, h.origin.CallbackMessageId = "", 0
	described, err := h.captioned(m)
	if err != nil {
		return err
	}
	// As if the person had answered that message with a bare /create_ticket.
	content := described.Content
	reply := &Reply{
		ChatID: m.Chat.ID, MessageID: described.Origin.MessageId, From: c.From,
		Text: content.Text, Entities: content.Entities, Media: content.Media, Forward: content.Forward,
		Protected: content.IsProtected,
	}
	replied := &Message{ID: m.ID, Chat: c.Chat, From: c.From, Reply: reply}
	found, err := h.recall(described)
	switch {
	case err != nil:
		return err
	case found.Withdrawn:
		return h.becomes(pressed, messages.NoticePrivateWithdrawn, nil)
	case found.TicketId != "": // another button has taken it along, unless that ticket is not open yet
		has, err := h.titled(found.TicketId)
		switch {
		case err != nil:
			return err
		case has != nil:
			return h.becomesSent(pressed, has)
		case found.Done: // it is of a draft, with what waited for the same answer
			draft, err := h.drafted(found.TicketId)
			if err == nil && draft == nil {
				err = h.errOpening(m) // neither: it is about to be opened
			}
			if err != nil {
				return err
			}
			return h.becomes(pressed, messages.NoticePrivateForTicket, map[string]string{"ticket": draft.Title})
		}
	case len(found.Questions) > 0:
		h.waitsWith = found.Questions[0]
	}
	if h.title, err = h.titleAsked(m.ID); err != nil {
		return err
	}
	command := SlashCommand{Verb: messages.VerbCreateTicket, Description: answeredInWords(described.ReplyTo)}
	// The question of a message that waits with no others stays: a draft that is dropped gives the message back.
	return h.createPrivately(replied, command)
}

// onMyMemberPrivately handles that a person has blocked the bot, or unblocked it.
func (h *handling) onMyMemberPrivately(m *Member) (string, error) {
	if m.From.GetId() != m.Chat.ID {
		return "ignored_chat_type", nil
	}
	if err := h.memberOrigin(m); err != nil {
		return "", err
	}
	return "blocked", h.toPerson(&messages.SetBlocked{Origin: h.origin, Blocked: !belongs(m.NewStatus)})
}
