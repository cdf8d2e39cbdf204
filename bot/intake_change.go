package bot

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
)

// Changes of messages: edits and reactions. The message is found by its id, not by its topic, because a reaction
// names no topic and an edit of a message that the desk does not know means nothing (docs/decisions.md, D33).

// onEdited handles an edit.
func (h *handling) onEdited(m *Message) (string, error) {
	h.chat = m.Chat
	switch {
	case !m.Chat.Private() && !m.Chat.Group():
		return "ignored_chat_type", nil
	case m.FromBot:
		return "ignored_bot", nil
	case m.Service() || messages.Blank(m.Text) && m.Media == nil:
		return "ignored_empty", nil
	}
	whole := m
	m = h.beside(m)
	place, err := h.place(m.Chat)
	if err != nil {
		return "", err
	}
	h.origin = &messages.Origin{
		CommandId: editCommandID(m), Place: place, ChatId: m.Chat.ID, ThreadId: m.ThreadID, MessageId: m.ID,
		From: m.From, Sender: m.Sender, GroupAdmin: m.GroupAdmin, Lang: langOf(m.From),
		DateMs: m.DateMS, ReceivedMs: h.update.Received.UnixMilli(),
	}
	if err := h.correctDraft(whole); err != nil {
		return "", err
	}
	if err := h.correctShelved(m); err != nil { // first: what is a draft no more by then is found as a ticket
		return "", err
	}
	found, err := h.findChanged(m.ID, true)
	if err != nil {
		return "", err
	}
	if err := h.toDescribed(whole, found); err != nil {
		return "", err
	}
	outcome, err := h.toMessage(found, func(id string) proto.Message {
		return &messages.EditMessage{
			Origin: h.origin, MessageId: id, Content: m.content(),
			Internal: m.internal(), CommandNote: m.CommandNote, EditedMs: m.EditDateMS,
		}
	}, "edited")
	if err != nil {
		return "", err
	}
	if len(found.GetDescribed()) > 0 {
		return "edited", nil
	}
	if c, isCommand := ParseCommand(whole.Text, whole.Entities, h.bot.Username); outcome == "left_alone" || isCommand && c.Verb == messages.VerbCloseTicket {
		err = h.onEditedCommand(whole)
	}
	return outcome, err
}

// onEditedCommand asks the topic's ticket about a message that may have been a command: whoever edits one to words hears, once, that
// nobody reads them, and whoever edits one that told a reason hears that it stays told (docs/decisions.md, D267 and D294).
func (h *handling) onEditedCommand(m *Message) error {
	if !h.known || m.Media != nil || m.ThreadID == 0 && !m.Chat.Private() || h.answersAskTitle(m) {
		return nil
	}
	id, err := h.directory.Ticket(h.ctx, h.origin.Place, m.ThreadID)
	if err != nil || id == "" {
		return err
	}
	h.ticket = id
	c, isCommand := ParseCommand(m.Text, m.Entities, h.bot.Username)
	reason := ""
	if c.Verb == messages.VerbCloseTicket {
		reason, _, _ = messages.SplitNote(c.Arg)
	}
	key := messages.MessageKey(m.Chat.ID, m.ID)
	defer h.as(key + ":edited")()
	_, err = command(h.ctx, h.desk, messages.KindTicket, id, &messages.EditMessage{
		Origin: h.origin, MessageId: key, OfCommand: true, NoWords: isCommand || m.internal() || h.looksLikeCommand(m), Reason: reason,
	})
	return err
}

func (h *handling) looksLikeCommand(m *Message) bool {
	_, is := h.unknownCommand(m)
	return is
}

// toDescribed tells the tickets that have words of an edited message.
func (h *handling) toDescribed(m *Message, found *messages.MessageFound) error {
	if len(found.GetDescribed()) == 0 {
		return nil
	}
	c, isCommand := ParseCommand(m.Text, m.Entities, h.bot.Username)
	title, words := c.Title, c.Description
	if !isCommand || c.Verb != messages.VerbCreateTicket {
		title, words = parseTitle(messages.Marked{Text: m.Text, Entities: m.Entities})
	}
	for _, id := range found.Described {
		edit := &messages.EditSource{
			Origin: h.origin, MessageId: messages.MessageKey(m.Chat.ID, m.ID), Content: m.content(), EditedMs: m.EditDateMS,
			Internal: m.internal() || h.hasNote(m),
			Titled:   &messages.Source{Text: words.Text, Entities: words.Entities},
			Title:    title,
		}
		if _, err := command(h.ctx, h.desk, messages.KindTicket, id, edit); err != nil {
			return err
		}
	}
	return nil
}

// correctDraft has the draft that a command made take the title and the description to which the command was edited. What
// answers a question for a title is not the whole description, so an edit of that changes nothing.
func (h *handling) correctDraft(m *Message) error {
	if !m.Chat.Private() || m.From.GetId() != m.Chat.ID {
		return nil
	}
	c, isCommand := ParseCommand(m.Text, m.Entities, h.bot.Username)
	if !isCommand || c.Foreign || c.Verb != messages.VerbCreateTicket || h.answersAskTitle(m) {
		return nil
	}
	if err := h.confine(m.Reply); err != nil {
		return err
	}
	h.describe(m, &c)
	if messages.Blank(messages.CleanLine(c.Title)) {
		return nil // the draft keeps what it has
	}
	return h.toPerson(&messages.CorrectDraft{
		Origin: h.origin, TicketId: messages.TicketID(messages.MessageKey(m.Chat.ID, m.ID), m.DateMS),
		Title: c.Title, Description: c.Description.Text, DescriptionEntities: c.Description.Entities,
		DescribedId: h.describedHere(m), Sources: c.Sources,
	})
}

// correctShelved has what waits for a button, or describes a draft, say what a message was edited to. While the draft becomes a
// ticket, the edit waits for that.
func (h *handling) correctShelved(m *Message) error {
	if !m.Chat.Private() || m.From.GetId() != m.Chat.ID {
		return nil
	}
	found, err := h.shelf(&messages.Shelve{Message: h.saying(m), Corrects: true})
	if err == nil && found.Opening {
		err = h.errOpening(m)
	}
	return err
}

// editCommandID is "<chat>:<message>:<date of the edit>:<hash of the new content>". The hash tells several edits
// within one second apart.
func editCommandID(m *Message) string {
	// The error is ignored: content that is not UTF-8 hashes like an empty one.
	content, _ := proto.MarshalOptions{Deterministic: true}.Marshal(m.content())
	sum := sha256.Sum256(content)
	return messages.MessageKey(m.Chat.ID, m.ID) + ":" + strconv.FormatInt(m.EditDateMS/1000, 10) + ":" +
		hex.EncodeToString(sum[:6])
}

// onReaction handles a change of somebody's reactions to a message.
func (h *handling) onReaction(r *Reaction) (string, error) {
	h.chat = r.Chat
	if r.From.GetIsBot() && r.Sender.GetKind() == messages.Sender_USER {
		return "ignored_bot", nil
	}
	place, err := h.place(r.Chat)
	if err != nil {
		return "", err
	}
	h.origin = &messages.Origin{
		CommandId: updateCommandID(h.update.ID), Place: place, ChatId: r.Chat.ID,
		From: r.From, Sender: r.Sender, GroupAdmin: r.GroupAdmin, Lang: langOf(r.From),
		DateMs: r.DateMS, ReceivedMs: h.update.Received.UnixMilli(),
	}
	found, err := h.findChanged(r.MessageID, false)
	if err != nil {
		return "", err
	}
	return h.toMessage(found, func(id string) proto.Message {
		return &messages.React{Origin: h.origin, MessageId: id, AtMessageId: r.MessageID, Emojis: r.Emojis}
	}, "reacted")
}

// findChanged finds the ticket of a message that has changed and, if it may describe tickets, those; nil: the desk does not
// know the chat.
func (h *handling) findChanged(messageID int64, described bool) (*messages.MessageFound, error) {
	if !h.known {
		return nil, nil
	}
	return query[*messages.MessageFound](h.ctx, h.desk,
		&messages.FindMessage{ChatId: h.chat.ID, MessageId: messageID, Described: described})
}

// toMessage sends a command about a message to the ticket that the message belongs to, if any.
func (h *handling) toMessage(found *messages.MessageFound, about func(id string) proto.Message, outcome string) (string, error) {
	if found.GetTicketId() == "" {
		return "left_alone", nil
	}
	h.ticket = found.TicketId
	if _, err := command(h.ctx, h.desk, messages.KindTicket, found.TicketId, about(found.MessageId)); err != nil {
		return "", err
	}
	return outcome, nil
}
