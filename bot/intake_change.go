package bot

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
)

// What happens to messages after they were said. The message is found by its id, not by its topic: a reaction does not name
// one, and an edit of what was never taken in means nothing.

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
	place, err := h.place(m.Chat)
	if err != nil {
		return "", err
	}
	h.origin = &messages.Origin{
		CommandId: editCommandID(m), Place: place, ChatId: m.Chat.ID, ThreadId: m.ThreadID, MessageId: m.ID,
		From: m.From, Sender: m.Sender, GroupAdmin: m.GroupAdmin, DateMs: m.DateMS, Lang: langOf(m.From), ReceivedMs: h.update.Received.UnixMilli(),
	}
	return h.toMessage(m.ID, func(id string) proto.Message {
		return &messages.EditMessage{Origin: h.origin, MessageId: id, Content: m.content(), Internal: InternalNote(m.Text), EditedMs: m.EditDateMS}
	}, "edited")
}

// editCommandID is chat:message with the date of the edit and a hash of what the message says now: several edits may fall into
// one second.
func editCommandID(m *Message) string {
	said, _ := proto.MarshalOptions{Deterministic: true}.Marshal(m.content()) // what is not UTF-8 hashes as nothing
	sum := sha256.Sum256(said)
	return messages.MessageKey(m.Chat.ID, m.ID) + ":" + strconv.FormatInt(m.EditDateMS/1000, 10) + ":" + hex.EncodeToString(sum[:6])
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
		CommandId: updateCommandID(h.update.ID), Place: place, ChatId: r.Chat.ID, From: r.From, Sender: r.Sender, GroupAdmin: r.GroupAdmin,
		DateMs: r.DateMS, Lang: langOf(r.From), ReceivedMs: h.update.Received.UnixMilli(),
	}
	return h.toMessage(r.MessageID, func(id string) proto.Message {
		return &messages.React{Origin: h.origin, MessageId: id, AtMessageId: r.MessageID, Emojis: r.Emojis}
	}, "reacted")
}

// toMessage sends a command about a message to the ticket that the message belongs to, if any.
func (h *handling) toMessage(messageID int64, about func(id string) proto.Message, outcome string) (string, error) {
	if !h.known {
		return "left_alone", nil
	}
	found, err := query[*messages.MessageFound](h.ctx, h.desk, &messages.FindMessage{ChatId: h.chat.ID, MessageId: messageID})
	if err != nil {
		return "", err
	}
	if found.TicketId == "" {
		return "left_alone", nil
	}
	h.ticket = found.TicketId
	if _, err := command(h.ctx, h.desk, messages.KindTicket, found.TicketId, about(found.MessageId)); err != nil {
		return "", err
	}
	return outcome, nil
}
