package bot

import (
	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
)

// takeBack handles a "/delete" of a message that tickets have in their description. Each of them takes the words out.
func (h *handling) takeBack(m *Message) (taken bool, err error) {
	r := m.Reply
	if r == nil || r.MessageID == 0 || r.ChatID != m.Chat.ID || !h.known {
		return false, nil
	}
	own := r.From.GetId() == h.bot.ID
	found, err := query[*messages.MessageFound](h.ctx, h.desk,
		&messages.FindMessage{ChatId: m.Chat.ID, MessageId: r.MessageID, Described: true, Own: own, CommandId: h.origin.CommandId})
	if err != nil || len(found.Described) == 0 {
		return false, err
	}
	for i, id := range found.Described {
		o := proto.CloneOf(h.origin)
		o.CommandId = messages.TakeBackID(o.CommandId, id)
		if _, err := command(h.ctx, h.desk, messages.KindTicket, id, &messages.DeleteMessage{
			Origin: o, ChatId: r.ChatID, AnsweredId: r.MessageID, AnsweredFrom: r.From.GetId(), Described: true, Own: own,
			Quiet: i > 0 || found.Taken, Others: int32(len(found.Described) - 1), Again: found.More,
		}); err != nil {
			return false, err
		}
	}
	return found.TicketId == "", nil // else it is a message of a ticket, too
}

// withdraw handles a "/delete" of a message that no ticket has: it may wait for a button that would pass it on. In a group
// that is for its author alone.
func (h *handling) withdraw(m *Message) (withdrawn bool, err error) {
	r := m.Reply
	if r == nil || r.MessageID == 0 || r.ChatID != m.Chat.ID || r.From.GetId() == 0 || r.From.GetId() != m.From.GetId() || !h.known {
		return false, nil
	}
	found, err := query[*messages.MessageFound](h.ctx, h.desk,
		&messages.FindMessage{ChatId: m.Chat.ID, MessageId: r.MessageID})
	if err != nil || found.TicketId != "" {
		return false, err
	}
	waiting := &messages.RecordMessage{Origin: &messages.Origin{MessageId: r.MessageID}}
	kept, err := h.shelf(&messages.Shelve{Message: waiting, Withdraws: true})
	switch {
	case err != nil:
		return false, err
	case kept.Opening: // when this comes again, the ticket is asked
		return false, h.errOpening(m)
	case !kept.Withdrawn:
		return h.takeBack(m) // what was a draft when the tickets were looked at may be one of them by now
	}
	if err := h.answer(messages.NoticeDeleteWithdrawn, nil); err != nil {
		return false, err
	}
	defer h.as(h.origin.CommandId + ":withdrawn")()
	op := h.operation()
	op.Call = &messages.Operation_DeleteMessages{DeleteMessages: &messages.DeleteMessagesCall{MessageIds: []int64{r.MessageID}}}
	return true, h.answerWith(op)
}
