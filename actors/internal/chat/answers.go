package chat

import (
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// This file ends the chat's own answers. Of a question for a title it keeps which message it is about: the answer to a
// question names the question alone (docs/decisions.md, D66).

// questionsKept is how many posted questions for a title a chat knows; the oldest is forgotten first.
const questionsKept = 100

// dropAnswer removes an answer from the record, and adds the question that it was, if it was one.
type dropAnswer struct {
	id       string
	question storage.Question // none: zero
}

func (c *chat) onDropAnswer(m dropAnswer) error { return c.dropAnswer(m) }

// dropAnswer removes an answer that has left, or never can, from the record.
func (c *chat) dropAnswer(m dropAnswer) error {
	err := c.change(func(r *storage.Chat) {
		r.Answers = slices.DeleteFunc(r.Answers, func(o storage.Pending) bool { return o.ID == m.id })
		if m.question.MessageID != 0 && !slices.Contains(r.Questions, m.question) {
			kept := r.Questions[max(0, len(r.Questions)+1-questionsKept):]
			r.Questions = append(slices.Clone(kept), m.question)
		}
	})
	if err != nil {
		c.Log.Error("an answer that has left could not be dropped; tried again", "operation", m.id, "error", err)
		c.After(entity.RetryAfterTrouble, m)
	}
	return nil
}

// questionIn returns the question for a title that an operation has posted; zero: none.
func questionIn(op *messages.Operation, outcome *messages.Outcome) storage.Question {
	if n := op.GetSendNotice(); n.GetKey() == messages.NoticeAskTitle && outcome.Result == messages.Outcome_DONE {
		return storage.Question{MessageID: outcome.MessageId, Untitled: n.ReplyTo}
	}
	return storage.Question{}
}

// onFindQuestion says which message a question for a title is about. One may be answered before the chat has heard that
// it is posted, or has stored that.
func (c *chat) onFindQuestion(m *messages.FindQuestion) (proto.Message, error) {
	for _, q := range c.record.Questions {
		if q.MessageID == m.MessageId {
			return &messages.QuestionFound{Code: messages.Code_OK, Untitled: q.Untitled}, nil
		}
	}
	for _, pending := range c.record.Answers {
		op, err := desk.OperationOf(pending)
		if err != nil || op.GetSendNotice().GetKey() != messages.NoticeAskTitle {
			continue
		}
		if q := c.newest[op.Id]; q == nil || q.called {
			return &messages.QuestionFound{Code: messages.Code_UNAVAILABLE}, nil
		}
	}
	return &messages.QuestionFound{Code: messages.Code_NOT_FOUND}, nil
}
