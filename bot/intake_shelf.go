package bot

import (
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
)

// A command's message is more than its command: it may have a medium, and further parts of an album. They come as
// updates of their own, in any order, so whoever owns the chat keeps those that no ticket has yet (docs/decisions.md,
// D66).

// partsLookedAt is how many of the newest messages of a topic's ticket are looked at for parts of an album.
const partsLookedAt = 50

// shelf asks the owner of the chat's shelf: the group, or the person whose private chat it is.
func (h *handling) shelf(c proto.Message) (*messages.ShelfFound, error) {
	kind, id := messages.KindGroup, h.origin.Place
	if h.chat.Private() {
		kind, id = messages.KindUser, userIdentity(h.origin.GetFrom().GetId())
	}
	name := c.ProtoReflect().Descriptor().Name()
	reply, err := h.desk.Ask(h.ctx, kind, id, c)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %s: %w", kind, id, name, err)
	}
	switch r := reply.(type) {
	case *messages.ShelfFound:
		return r, nil
	case *messages.Reply:
		return nil, fmt.Errorf("%s %s: %s: %w: %s %s", kind, id, name, errNotAccepted, r.Code, r.Reason)
	}
	return nil, fmt.Errorf("%s %s: %s: %w: the reply is a %T", kind, id, name, errNotAccepted, reply)
}

// album returns the id of the album that the message is a part of; "" for none.
func (m *Message) album() string { return m.Media.GetMediaGroupId() }

// leaveAlone handles a message in a group that no ticket has. A part of an album may belong to a command in another
// part.
func (h *handling) leaveAlone(m *Message) (string, error) {
	if m.album() == "" || !h.known {
		return "left_alone", nil
	}
	found, err := h.shelf(&messages.Shelve{Message: h.saying(m)})
	if err != nil || found.TicketId == "" {
		return "left_alone", err
	}
	if has, err := h.enclose(found, m); err != nil || !has {
		return "left_alone", err
	}
	return "enclosed", nil
}

// answerWithAlbum handles a part without a caption of an album that answers the question for a title. Unless the ticket
// has got the title already, the bot asks again, once for the album.
func (h *handling) answerWithAlbum(m *Message) (string, error) {
	found, err := h.shelf(&messages.Shelve{Message: h.saying(m)})
	if err != nil {
		return "", err
	}
	if found.TicketId != "" && !found.Done {
		if has, err := h.enclose(found, m); err != nil || has {
			return "enclosed", err
		}
	}
	if found.Done || len(found.Messages) > 1 {
		return "enclosed", nil
	}
	return "command", h.askTitle(m, SlashCommand{})
}

// encloseToo adds a message in a ticket's topic to the description of another ticket, if somebody opened that one in
// the topic by the caption of another part of its album.
func (h *handling) encloseToo(m *Message) error {
	if m.album() == "" {
		return nil
	}
	found, err := h.shelf(&messages.Shelve{Message: h.saying(m), Asks: true})
	if err != nil || found.TicketId == "" || found.TicketId == h.ticket {
		return err
	}
	_, err = h.enclose(found, m)
	return err
}

// saidOf returns the parts of albums that the topic's ticket has as messages.
func (h *handling) saidOf(albums []string) (said []*messages.Enclosure, err error) {
	if h.ticket == "" || h.chat.Private() || len(albums) == 0 {
		return nil, nil
	}
	page, err := query[*messages.MessageRecords](h.ctx, h.desk,
		&messages.ListMessageRecords{TicketId: h.ticket, NewestFirst: true, Limit: partsLookedAt})
	if err != nil {
		return nil, err
	}
	for _, m := range page.Messages {
		if slices.Contains(albums, m.Content.GetMedia().GetMediaGroupId()) && !m.Internal && !m.Deleted {
			said = append(said, &messages.Enclosure{MessageId: m.MessageId, Content: m.Content})
		}
	}
	return said, nil
}

// enclose adds the message to the description of the ticket that has the rest of its album. It returns false when there
// is no such ticket: it was not opened, or is deleted.
func (h *handling) enclose(found *messages.ShelfFound, m *Message) (bool, error) {
	said := []*messages.RecordMessage{h.saying(m)}
	r, err := command(h.ctx, h.desk, messages.KindTicket, found.TicketId,
		&messages.Enclose{Origin: h.origin, Enclosures: messages.EnclosuresIn(said)})
	if err != nil {
		return false, err
	}
	missing := r.Code == messages.Code_NOT_FOUND
	if missing && found.Opening {
		return false, fmt.Errorf("ticket %s: Enclose: %w: it is about to be opened", found.TicketId, errNotAccepted)
	}
	return !missing, nil
}

// onCommandBesides carries out a command and passes on what else its message has: before the command, since a closed
// ticket or an unlinked topic would not take it any more; after it, if the command opens the ticket again.
func (h *handling) onCommandBesides(m *Message, c SlashCommand) (string, error) {
	if c.Verb == messages.VerbDelete {
		if taken, err := h.takeBack(m); err != nil || taken {
			return "command", err
		}
		if withdrawn, err := h.withdraw(m); err != nil || withdrawn {
			return "command", err
		}
	}
	if declared, _ := messages.CommandOf(c.Verb); h.chat.Private() && declared.About == messages.AboutTicket &&
		declared.Where.Have(messages.InPrivate) {
		if asked, err := h.askIfUnclear(m); err != nil || asked {
			return "unclear", err
		}
	}
	note := h.hasNote(m)
	if note { // it stands in this topic, and is recorded before the ticket closes
		c.Arg, _, _ = messages.SplitNote(c.Arg)
	}
	switch {
	case m.Media == nil && !note, c.Verb == messages.VerbCreateTicket: // the new ticket gets it
		return h.onCommand(m, c)
	case c.Verb == messages.VerbDelete: // which deletes the command's own message, too
		return h.onCommand(m, c)
	case c.Verb == messages.VerbReopenTicket:
		outcome, err := h.onCommand(m, c)
		if err != nil {
			return "", err
		}
		if err := h.passOnBesides(m); err != nil {
			return "", err
		}
		passed, err := h.passOnAlbum(m) // the bot may have asked about the parts before, when the ticket was still closed
		if err == nil && passed != nil {
			defer h.as(h.origin.CommandId + ":album")()
			err = h.answer(messages.NoticePrivateSent, map[string]string{"ticket": messages.TicketName(passed.Title, passed.Number)})
		}
		return outcome, err
	}
	if err := h.passOnBesides(m); err != nil {
		return "", err
	}
	return h.onCommand(m, c)
}

// passOnBesides passes on what a command's message has besides the command.
func (h *handling) passOnBesides(m *Message) error {
	m = h.beside(m)
	var err error
	switch {
	case h.chat.Private():
		defer h.as(h.origin.CommandId + ":besides")() // the command has an answer of its own
		var outcome string
		if outcome, err = h.passOn(m); err == nil && outcome == "recorded" {
			err = h.keepAlbum(m) // the command may make another ticket the current one
		}
	case h.ticket == "":
		_, err = h.leaveAlone(m)
	default:
		_, err = h.record(m)
	}
	return err
}

// as gives the origin another command id until the returned function is called.
func (h *handling) as(commandID string) (restore func()) {
	former := h.origin
	h.origin = proto.CloneOf(former)
	h.origin.CommandId = commandID
	return func() { h.origin = former }
}

// beside returns a message with a medium without the command in its caption: the medium, with the words that the
// command does not take. Elsewhere the command's words would be noise, and perhaps nobody's business (docs/decisions.md, D68).
// What a command has for the team is a note (D226, D228).
func (h *handling) beside(m *Message) *Message {
	next, note := *m, h.hasNote(m)
	c, _ := ParseCommand(m.Text, m.Entities, h.bot.Username)
	if m.Media != nil {
		next.Text, next.Entities = besideCommand(m.Text, m.Entities, h.bot.Username)
	}
	switch {
	case note && (next.Text == "" || m.Media == nil && c.Verb != ""):
		next.Text, next.Entities = noteIn(m.Text, m.Entities)
	case m.Media == nil && !note:
		return m
	}
	next.CommandNote = note
	if m.Kept != nil {
		next.Kept = proto.CloneOf(m.Kept)
		next.Kept.Content.Text, next.Kept.Content.Entities = next.Text, next.Entities
		next.Kept.Internal, next.Kept.CommandNote = next.internal(), next.CommandNote
	}
	return &next
}

// hasNote says whether a message in a group is a command with words for the team: what begins with "//" among those that are written
// after it. What opens a ticket has none: that is read wherever the ticket is.
func (h *handling) hasNote(m *Message) bool {
	_, _, rest, is := splitCommand(m.Text)
	if !is || m.Chat.Private() {
		return false
	}
	c, _ := ParseCommand(m.Text, m.Entities, h.bot.Username)
	_, _, note := messages.SplitNote(rest)
	return note && c.Verb != messages.VerbCreateTicket
}

// waitsWithAlbum says whether a part of an album in a private chat waits for what its author says about another part, whose caption
// looks like a command and is none: the command that is meant may take the whole album.
func (h *handling) waitsWithAlbum(m *Message, parts []*messages.RecordMessage) (bool, error) {
	for _, part := range parts {
		other := messageOf(h.chat, part)
		if _, unknown := h.unknownCommand(other); !unknown || other.ID == m.ID || h.isCommand(other) || part.Content.GetForward() != nil {
			continue
		}
		if has, err := h.ticketOf(other); err != nil || has == "" {
			return err == nil, err
		}
	}
	return false, nil
}

// passOnAlbum sends the ticket that has a part of an album, of a private chat, those parts that no ticket has: they have waited for what
// came of this one. It returns the ticket; nil: there were none, or no ticket has that part.
func (h *handling) passOnAlbum(m *Message) (*messages.TicketView, error) {
	if m.album() == "" || !h.chat.Private() {
		return nil, nil
	}
	to, err := h.ticketOf(m)
	if err != nil || to == "" {
		return nil, err
	}
	taken, err := h.shelf(&messages.TakeShelved{TicketId: to, Albums: []string{m.album()}, Said: true})
	if err != nil {
		return nil, err
	}
	passed := false
	for _, part := range taken.Messages {
		other := messageOf(h.chat, part)
		if _, unknown := h.unknownCommand(other); unknown || other.ID == m.ID || h.isCommand(other) { // it has a question of its own
			continue
		}
		switch has, err := h.ticketOf(other); {
		case err != nil:
			return nil, err
		case has != "":
			continue
		}
		if _, err := h.sayTo(to, part); err != nil {
			return nil, err
		}
		passed = true
	}
	if !passed {
		return nil, nil
	}
	return h.titled(to)
}

// ticketOf returns the ticket that has a message; "": none has.
func (h *handling) ticketOf(m *Message) (string, error) {
	found, err := query[*messages.MessageFound](h.ctx, h.desk, &messages.FindMessage{ChatId: m.Chat.ID, MessageId: m.ID})
	return found.GetTicketId(), err
}

// isCommand says whether a message is a command to this bot.
func (h *handling) isCommand(m *Message) bool {
	_, is := ParseCommand(m.Text, m.Entities, h.bot.Username)
	return is
}

// sayTo records a message on a ticket, which it reopens if it is closed; sent says that the ticket has it.
func (h *handling) sayTo(ticketID string, m *messages.RecordMessage) (sent bool, err error) {
	h.ticket = ticketID
	r, err := h.askTicket(m)
	if err != nil || r.GetCode() != messages.Code_CONFLICT {
		return recorded(r), err
	}
	if _, err := h.askTicket(&messages.ReopenTicket{Origin: h.originFor("reopen")}); err != nil {
		return false, err
	}
	r, err = h.askTicket(m)
	return recorded(r), err
}

// recorded says whether a ticket has a message by its reply.
func recorded(r *messages.Reply) bool {
	return r.GetCode() == messages.Code_OK || r.GetCode() == messages.Code_DUPLICATE
}

// originOf returns the origin of the message that the pressed button is about.
func (h *handling) originOf(m *Message) *messages.Origin {
	return &messages.Origin{
		CommandId: messages.MessageKey(m.Chat.ID, m.ID),
		Place:     h.origin.Place, ChatId: m.Chat.ID, ThreadId: m.ThreadID, MessageId: m.ID,
		From: h.origin.From, Sender: h.origin.Sender, Lang: h.origin.Lang,
		DateMs: m.DateMS, ReceivedMs: h.origin.ReceivedMs,
	}
}

// captioned returns the message, or the first part with a caption of the album that it belongs to.
func (h *handling) captioned(m *Message) (*messages.RecordMessage, error) {
	at := *h
	at.origin = h.originOf(m)
	own := at.saying(m)
	if m.album() == "" || !messages.Blank(m.Text) {
		return own, nil
	}
	found, err := h.shelf(&messages.Shelve{Message: own})
	if err != nil {
		return nil, err
	}
	for _, part := range found.Messages {
		if !messages.Blank(part.Content.GetText()) {
			return part, nil
		}
	}
	return own, nil
}

// keepTogether has the parts of an album that come later follow a part that answers something, to its ticket.
func (h *handling) keepTogether(m *Message) error {
	if m.Reply == nil {
		return nil
	}
	return h.keepAlbum(m)
}

// keepAlbum has the parts of an album that come later follow this one to its ticket.
func (h *handling) keepAlbum(m *Message) error {
	if m.album() == "" {
		return nil
	}
	_, err := h.shelf(&messages.TakeShelved{TicketId: h.ticket, Albums: []string{m.album()}, Said: true})
	return err
}
