package bot

import "github.com/topicdesk/topicdesk/messages"

// answer owes the person a text of the catalogue, in reply to their command.
func (t *turn) answer(key string, args map[string]string) error {
	return t.answerWith(t.notice(key, args))
}

// answerWith sends op in the language of the person: in private the one they chose, else the one of their client (a
// group's own wins over both, which the chat knows).
func (t *turn) answerWith(op *messages.Operation) error {
	if t.chat.Private() {
		user, err := query[*messages.UserView](t.ctx, t.desk, &messages.GetUser{UserId: t.origin.GetFrom().GetId()})
		if err != nil {
			return err
		}
		if user.Lang != "" {
			op.Lang = user.Lang
		}
	}
	return t.send(op)
}

// notice words an answer in the place where the command was given.
func (t *turn) notice(key string, args map[string]string) *messages.Operation {
	op := t.operation()
	op.Call = &messages.Operation_SendNotice{SendNotice: &messages.SendNoticeCall{Key: key, Args: args, ReplyTo: t.origin.MessageId}}
	return op
}

// operation is an answer yet without words. A command has one answer from here at most: the chat names it after
// the command.
func (t *turn) operation() *messages.Operation {
	return &messages.Operation{
		Place: t.origin.Place, ThreadId: t.origin.ThreadId,
		Priority: messages.Operation_ANSWER, Lang: t.origin.Lang, ReceivedMs: t.origin.ReceivedMs,
	}
}

// send makes the chat the owner of op.
func (t *turn) send(op *messages.Operation) error {
	_, err := command(t.ctx, t.desk, messages.KindChat, op.Place, &messages.Answer{Origin: t.origin, Operation: op})
	return err
}
