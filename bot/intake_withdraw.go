package bot

import "github.com/topicdesk/topicdesk/messages"

// withdraw handles a "/delete" of a message that no ticket has: it may wait for a button that would pass it on. In a group
// that is for its author alone.
func (h *handling) withdraw(m *Message) (withdrawn bool, err error) {
	r := m.Reply
	if r == nil || r.MessageID == 0 || r.ChatID != m.Chat.ID || r.FromID == 0 || r.FromID != m.From.GetId() || !h.known {
		return false, nil
	}
	found, err := query[*messages.MessageFound](h.ctx, h.desk,
		&messages.FindMessage{ChatId: m.Chat.ID, MessageId: r.MessageID})
	if err != nil || found.TicketId != "" {
		return false, err
	}
	waiting := &messages.RecordMessage{Origin: &messages.Origin{MessageId: r.MessageID}}
	kept, err := h.shelf(&messages.Shelve{Message: waiting, Withdraws: true})
	if err != nil || !kept.Withdrawn {
		return false, err
	}
	if err := h.answer(messages.NoticeDeleteWithdrawn, nil); err != nil {
		return false, err
	}
	defer h.as(h.origin.CommandId + ":withdrawn")()
	op := h.operation()
	op.Call = &messages.Operation_DeleteMessages{DeleteMessages: &messages.DeleteMessagesCall{MessageIds: []int64{r.MessageID}}}
	return true, h.answerWith(op)
}
