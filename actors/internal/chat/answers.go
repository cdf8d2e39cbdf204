package chat

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// This file ends the chat's own answers. Of a question for a title it keeps which message it is about: the answer to a
// question names the question alone (docs/decisions.md, D66). Of one that asks what to do with something that waits it keeps what
// that is: its buttons go when an answer comes in another way (D273).

// questionsKept is how many posted questions a chat knows; the oldest is forgotten first.
const questionsKept = 100

// dropAnswer removes an answer from the record, and adds the question that it was, if it was one. A question of another owner is added alone.
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

// questionIn returns the question that an operation has posted; zero: none.
func questionIn(op *messages.Operation, outcome *messages.Outcome) storage.Question {
	n := op.GetSendNotice()
	switch {
	case outcome.Result != messages.Outcome_DONE:
	case n.GetKey() == messages.NoticeAskTitle:
		return storage.Question{MessageID: outcome.MessageId, Untitled: n.ReplyTo}
	case n.GetQuestion() != 0:
		return storage.Question{MessageID: outcome.MessageId, About: n.Question}
	}
	return storage.Question{}
}

// endQuestions has the questions about something say what came of it, without their buttons, and forgets them. One that has not left
// yet says nothing else.
func (c *chat) endQuestions(m *messages.Answer) (proto.Message, error) {
	id, edit := m.Origin.GetCommandId(), m.Ends.GetEditNotice()
	var posted []*messages.Operation
	for _, q := range c.record.Questions {
		if q.About != m.EndsQuestion || q.MessageID == edit.GetMessageId() {
			continue
		}
		op := proto.CloneOf(m.Ends)
		op.Id, op.Place, op.Priority = "answer/"+id+"/"+strconv.FormatInt(q.MessageID, 10), c.ID, messages.Operation_ANSWER
		op.GetEditNotice().MessageId = q.MessageID
		posted = append(posted, op)
	}
	waiting := map[string]*messages.Operation{}
	for _, pending := range c.record.Answers {
		q := c.newest[pending.ID]
		if q == nil || q.called || q.op.GetSendNotice().GetQuestion() != m.EndsQuestion {
			continue
		}
		op, said := proto.CloneOf(q.op), proto.CloneOf(edit.GetNotice())
		said.ReplyTo = q.op.GetSendNotice().ReplyTo
		op.Call = &messages.Operation_SendNotice{SendNotice: said}
		waiting[pending.ID] = op
	}
	known := slices.ContainsFunc(c.record.Questions, func(q storage.Question) bool { return q.About == m.EndsQuestion })
	if !known && len(waiting) == 0 {
		return entity.OK(), nil
	}
	bodies := map[string][]byte{}
	for _, op := range append(slices.Collect(maps.Values(waiting)), posted...) {
		body, err := proto.Marshal(op)
		if err != nil {
			return nil, fmt.Errorf("encode what a question becomes: %w", err)
		}
		bodies[op.Id] = body
	}
	err := c.change(func(r *storage.Chat) {
		r.Handled = desk.Remember(r.Handled, id, handledCommands)
		r.Questions = slices.DeleteFunc(slices.Clone(r.Questions), func(q storage.Question) bool { return q.About == m.EndsQuestion })
		for i := range r.Answers {
			if a := &r.Answers[i]; waiting[a.ID] != nil {
				a.Body = bodies[a.ID]
			}
		}
		for _, op := range posted {
			r.Answers = append(r.Answers, storage.Pending{ID: op.Id, Kind: desk.PendingOperation, Body: bodies[op.Id]})
		}
	})
	if err != nil {
		return nil, err
	}
	for id, op := range waiting {
		c.newest[id].op.Call = op.Call
	}
	for _, op := range posted {
		op.SetRef(desk.PendingRef(op.Id))
		c.enqueue(&queued{op: op, owner: opOwner{messages.KindChat, c.ID}, mark: c.Mark()})
	}
	c.dispatch()
	return entity.OK(), nil
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
