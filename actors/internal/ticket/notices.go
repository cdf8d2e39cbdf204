package ticket

import (
	"slices"
	"strconv"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// What is pending to people: answers to commands, and notices to the ticket's topics. The record keeps each until
// it has been sent.

// addPending keeps an operation in the record as pending. Its id follows from the command's, so a repeated command
// adds nothing new.
func addPending(r *storage.Ticket, commandID string, op *messages.Operation, after int64) {
	taken := func(x storage.Pending) bool { return x.ID == op.Id }
	for n := 0; n == 0 || slices.ContainsFunc(r.Pending, taken); n++ {
		op.Id = r.TicketID + "/" + commandID + "/" + strconv.Itoa(n)
	}
	body, err := proto.Marshal(op)
	if err != nil { // invalid UTF-8, which proto3 refuses: texts are cleaned at the edge
		return
	}
	r.Pending = append(r.Pending, storage.Pending{ID: op.Id, Kind: desk.PendingOperation, Body: body, AfterSequence: after})
}

// respond answers whoever gave the command; if they pressed a button, only they see it. To a program it is a
// refusal.
func respond(r *result, o *messages.Origin, key string, args map[string]string) {
	if isAPI(o) {
		r.refuse(key, args)
		return
	}
	op := desk.OperationTo(o)
	if o.GetCallbackId() != "" {
		op.Call = &messages.Operation_AnswerCallback{AnswerCallback: &messages.AnswerCallbackCall{
			CallbackId: o.CallbackId, Key: key, Args: args, Alert: true}}
	} else {
		op.Call = &messages.Operation_SendNotice{SendNotice: &messages.SendNoticeCall{
			Key: key, Args: args, ReplyTo: o.GetMessageId()}}
	}
	addPending(r.Ticket, o.GetCommandId(), op, 0)
}

// respondOpenly answers so that the whole topic sees it, even if a button was pressed.
func respondOpenly(r *result, o *messages.Origin, key string, args map[string]string) {
	if isAPI(o) && o.GetThreadId() == 0 {
		return // the cards show it
	}
	op := desk.OperationTo(o)
	op.Call = &messages.Operation_SendNotice{SendNotice: &messages.SendNoticeCall{
		Key: key, Args: args, ReplyTo: o.GetMessageId()}}
	addPending(r.Ticket, o.GetCommandId(), op, 0)
	acknowledge(r, o)
}

// respondKeyboard answers with a notice and its buttons.
func respondKeyboard(r *result, o *messages.Origin, key string, keyboard *messages.Keyboard) {
	op := desk.OperationTo(o)
	op.Call = &messages.Operation_SendNotice{SendNotice: &messages.SendNoticeCall{
		Key: key, ReplyTo: o.GetMessageId(), Keyboard: keyboard}}
	addPending(r.Ticket, o.GetCommandId(), op, 0)
	acknowledge(r, o)
}

// acknowledge ends the progress sign of a button that was pressed.
func acknowledge(r *result, o *messages.Origin) {
	if o.GetCallbackId() == "" {
		return
	}
	op := desk.OperationTo(o)
	op.Call = &messages.Operation_AnswerCallback{AnswerCallback: &messages.AnswerCallbackCall{CallbackId: o.CallbackId}}
	addPending(r.Ticket, o.CommandId, op, 0)
}

// notifyAll makes a notice pending to every topic of the ticket. If after is not 0, the notice waits for the
// copies of the messages up to that sequence.
func (t *ticket) notifyAll(r *storage.Ticket, o *messages.Origin, key string, args map[string]string, after int64) {
	asked := false
	for _, topic := range desk.TopicsOf(r) {
		if !desk.IsOpened(topic) {
			continue
		}
		op := &messages.Operation{Place: topic.GroupID, ThreadId: topic.TelegramTopicID, Lang: r.Language,
			Order: desk.ClosingOrder(after)}
		notice := &messages.SendNoticeCall{Key: key, Args: args}
		if messages.IsPrivate(topic.GroupID) {
			notice = privately(r, notice)
		}
		if topic.GroupID == o.Place && topic.TelegramTopicID == o.ThreadId {
			notice.ReplyTo, op.Lang, asked = o.MessageId, o.Lang, true
		}
		op.Call = &messages.Operation_SendNotice{SendNotice: notice}
		addPending(r, o.CommandId, op, after)
	}
	if o.MessageId != 0 && messages.IsPrivate(o.Place) && !asked { // given outside of the ticket's topic
		op := desk.OperationTo(o)
		notice := privately(r, &messages.SendNoticeCall{Key: key, Args: args})
		notice.ReplyTo = o.MessageId
		op.Call = &messages.Operation_SendNotice{SendNotice: notice}
		addPending(r, o.CommandId, op, after)
	}
}

// standingNotices are the topics in which a notice of a closing or a reopening is pending. A closing waits for the copies
// of what was said before it; the reopening after it must not overtake it, or people would read “closed” last.
type standingNotices map[threadAt]bool

type threadAt struct {
	place  ids.Place
	thread ids.ThreadID
}

// next reports whether no such notice that is pending for the same topic must leave before this operation.
func (s standingNotices) next(op *messages.Operation) bool {
	switch op.GetSendNotice().GetKey() {
	case messages.NoticeTicketClosed, messages.NoticeTicketReopened,
		messages.NoticePrivateClosed, messages.NoticePrivateReopened:
	default:
		return true
	}
	at := threadAt{op.Place, op.ThreadId}
	first := !s[at]
	s[at] = true
	return first
}

func priorityKeyboard(ticketID ids.TicketID) *messages.Keyboard {
	row := &messages.KeyboardRow{}
	for _, p := range priorities {
		data := messages.CallbackPriority + ":" + ticketID + ":" + p
		row.Buttons = append(row.Buttons, &messages.Button{Key: "priority_" + p, Data: data})
	}
	return &messages.Keyboard{Rows: []*messages.KeyboardRow{row}}
}

// limitAnswers withdraws the answers of an effect when too many are pending already: somebody floods the topic
// with commands, and answering them all would keep copies waiting for hours. The effect itself stays.
func (t *ticket) limitAnswers(o *messages.Origin, do effect) effect {
	return func(r *result) {
		before := len(r.Pending)
		do(r)
		if before < desk.PendingAnswersLimit || r.refusal != nil {
			return
		}
		kept := r.Pending[:before:before]
		for _, pending := range r.Pending[before:] {
			if pending.Kind != desk.PendingOperation || pending.AfterSequence > 0 {
				kept = append(kept, pending)
			}
		}
		if len(kept) < len(r.Pending) {
			t.noteUnanswered(o)
		}
		r.Pending = kept
	}
}

// noteUnanswered counts and logs a command that gets no answer.
func (t *ticket) noteUnanswered(o *messages.Origin) {
	t.Metrics.Unanswered.Inc()
	t.Log.Warn("a command gets no answer: too many are pending already",
		"command", o.GetCommandId(), "pending", len(t.record.Pending))
}
