package bot

import "github.com/topicdesk/topicdesk/messages"

// answer owes the person a text of the catalogue, in reply to their command.
func (h *handling) answer(key string, args map[string]string) error {
	return h.answerWith(h.notice(key, args))
}

// answerWith sends op in the language of the person: in private the one they chose, else the one of their client (a
// group's own wins over both, which the chat knows).
func (h *handling) answerWith(op *messages.Operation) error {
	if h.chat.Private() {
		user, err := query[*messages.UserView](h.ctx, h.desk, &messages.GetUser{UserId: h.origin.GetFrom().GetId()})
		if err != nil {
			return err
		}
		if user.Lang != "" {
			op.Lang = user.Lang
		}
	}
	return h.send(op)
}

// notice words an answer in the place where the command was given.
func (h *handling) notice(key string, args map[string]string) *messages.Operation {
	op := h.operation()
	op.Call = &messages.Operation_SendNotice{SendNotice: &messages.SendNoticeCall{Key: key, Args: args, ReplyTo: h.origin.MessageId}}
	return op
}

// operation is an answer yet without words. A command has one answer from here at most: its id is the command's.
func (h *handling) operation() *messages.Operation {
	return &messages.Operation{
		Id: "answer:" + h.origin.CommandId, Revision: 1, Place: h.origin.Place, ThreadId: h.origin.ThreadId,
		Priority: messages.Operation_ANSWER, Lang: h.origin.Lang, ReceivedMs: h.origin.ReceivedMs,
	}
}

// send makes the chat the owner of op.
func (h *handling) send(op *messages.Operation) error {
	_, err := command(h.ctx, h.desk, messages.KindChat, op.Place, &messages.Answer{Origin: h.origin, Operation: op})
	return err
}
