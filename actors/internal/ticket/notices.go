package ticket

import (
	"slices"
	"strconv"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// What a ticket owes people: answers to commands, and words to its topics. Each is kept in the record until it has left.

// owe adds an operation to the record. Its id follows from the command's, so that a repeat owes nothing new.
func owe(r *storage.Ticket, commandID string, op *messages.Operation, after int64) {
	taken := func(x storage.Owed) bool { return x.ID == op.Id }
	for n := 0; n == 0 || slices.ContainsFunc(r.Owed, taken); n++ {
		op.Id = r.TicketID + "/" + commandID + "/" + strconv.Itoa(n)
	}
	body, err := proto.Marshal(op)
	if err != nil { // invalid UTF-8, which proto3 refuses: texts are cleaned at the edge
		return
	}
	r.Owed = append(r.Owed, storage.Owed{ID: op.Id, Kind: desk.OwedOperation, Body: body, AfterSequence: after})
}

// respond tells whoever gave the command, and them alone when they pressed a button. To a program it is a refusal.
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
		op.Call = &messages.Operation_SendNotice{SendNotice: &messages.SendNoticeCall{Key: key, Args: args, ReplyTo: o.GetMessageId()}}
	}
	owe(r.Ticket, o.GetCommandId(), op, 0)
}

// respondOpenly tells the whole topic, also when a button was pressed.
func respondOpenly(r *result, o *messages.Origin, key string, args map[string]string) {
	if isAPI(o) && o.GetThreadId() == 0 {
		return // the cards show it
	}
	op := desk.OperationTo(o)
	op.Call = &messages.Operation_SendNotice{SendNotice: &messages.SendNoticeCall{Key: key, Args: args, ReplyTo: o.GetMessageId()}}
	owe(r.Ticket, o.GetCommandId(), op, 0)
	acknowledge(r, o)
}

func respondKeyboard(r *result, o *messages.Origin, key string, keyboard *messages.Keyboard) {
	op := desk.OperationTo(o)
	op.Call = &messages.Operation_SendNotice{SendNotice: &messages.SendNoticeCall{Key: key, ReplyTo: o.GetMessageId(), Keyboard: keyboard}}
	owe(r.Ticket, o.GetCommandId(), op, 0)
	acknowledge(r, o)
}

// acknowledge ends the waiting sign of a pressed button.
func acknowledge(r *result, o *messages.Origin) {
	if o.GetCallbackId() == "" {
		return
	}
	op := desk.OperationTo(o)
	op.Call = &messages.Operation_AnswerCallback{AnswerCallback: &messages.AnswerCallbackCall{CallbackId: o.CallbackId}}
	owe(r.Ticket, o.CommandId, op, 0)
}

// tellAll tells every topic of the ticket; where after is given, behind the copies of what was said before.
func (t *ticket) tellAll(r *storage.Ticket, o *messages.Origin, key string, args map[string]string, after int64) {
	for _, topic := range desk.TopicsOf(r) {
		if !desk.IsOpened(topic) {
			continue
		}
		op := &messages.Operation{Place: topic.GroupID, ThreadId: topic.TelegramTopicID, Lang: r.Language,
			Order: closingOrder(after)}
		notice := &messages.SendNoticeCall{Key: key, Args: args}
		if messages.IsPrivate(topic.GroupID) {
			notice = privately(r, notice)
		}
		if topic.GroupID == o.Place && topic.TelegramTopicID == o.ThreadId {
			notice.ReplyTo, op.Lang = o.MessageId, o.Lang
		}
		op.Call = &messages.Operation_SendNotice{SendNotice: notice}
		owe(r, o.CommandId, op, after)
	}
}

// closingOrder places an operation behind the copies of the messages up to a sequence.
func closingOrder(after int64) int64 { return after*1000 + 999 }

func priorityKeyboard(ticketID string) *messages.Keyboard {
	row := &messages.KeyboardRow{}
	for _, p := range priorities {
		row.Buttons = append(row.Buttons, &messages.Button{Key: "priority_" + p, Data: messages.CallbackPriority + ":" + ticketID + ":" + p})
	}
	return &messages.Keyboard{Rows: []*messages.KeyboardRow{row}}
}

// sparing takes back the answers of an effect when too many are owed already: somebody floods the topic with commands, and
// answering them all would keep copies waiting for hours. The effect itself stays.
func (t *ticket) sparing(o *messages.Origin, do effect) effect {
	return func(r *result) {
		before := len(r.Owed)
		do(r)
		if before < desk.OwedAnswersLimit || r.refusal != nil {
			return
		}
		kept := r.Owed[:before:before]
		for _, owed := range r.Owed[before:] {
			if owed.Kind != desk.OwedOperation || owed.AfterSequence > 0 {
				kept = append(kept, owed)
			}
		}
		if len(kept) < len(r.Owed) {
			t.tooMany(o)
		}
		r.Owed = kept
	}
}

func (t *ticket) tooMany(o *messages.Origin) {
	t.Metrics.Unanswered.Inc()
	t.Log.Warn("a command gets no answer: too many are owed already", "command", o.GetCommandId(), "owed", len(t.record.Owed))
}
