package bot

import "github.com/topicdesk/topicdesk/messages"

// answer answers the person's command with a text of the catalogue.
func (h *handling) answer(key string, args map[string]string) error {
	return h.answerWith(h.notice(key, args))
}

// answerWith answers with op, in the person's language: in their private chat the one that they chose, else that of
// their client. A group's own language wins over both; the chat knows it.
func (h *handling) answerWith(op *messages.Operation) error {
	if err := h.inTheirLanguage(op); err != nil {
		return err
	}
	return h.send(op)
}

func (h *handling) inTheirLanguage(op *messages.Operation) error {
	if !h.chat.Private() {
		return nil
	}
	user, err := query[*messages.UserView](h.ctx, h.desk, &messages.GetUser{UserId: h.origin.GetFrom().GetId()})
	if err == nil && user.Lang != "" {
		op.Lang = user.Lang
	}
	return err
}

// notice makes an answer of a text of the catalogue, for the topic in which the command was given.
func (h *handling) notice(key string, args map[string]string) *messages.Operation {
	op := h.operation()
	op.Call = &messages.Operation_SendNotice{SendNotice: &messages.SendNoticeCall{
		Key: key, Args: args, ReplyTo: h.origin.MessageId,
	}}
	return op
}

// operation makes an answer that has no call yet. Intake gives a command at most one answer: the chat names it after
// the command.
func (h *handling) operation() *messages.Operation {
	return &messages.Operation{
		Place: h.origin.Place, ThreadId: h.origin.ThreadId,
		Priority: messages.Operation_ANSWER, Lang: h.origin.Lang, ReceivedMs: h.origin.ReceivedMs,
	}
}

// send hands op to the chat, which owns it from then on.
func (h *handling) send(op *messages.Operation) error {
	_, err := command(h.ctx, h.desk, messages.KindChat, op.Place, &messages.Answer{Origin: h.origin, Operation: op})
	return err
}

// answerCallback answers a pressed button with a text of the catalogue, "" for none.
func (h *handling) answerCallback(key string) error {
	op := h.operation()
	op.Call = &messages.Operation_AnswerCallback{AnswerCallback: &messages.AnswerCallbackCall{
		CallbackId: h.origin.CallbackId, Key: key, Alert: key != "",
	}}
	return h.answerWith(op)
}
