package desk

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// What a command on a ticket answers: to whoever gave it, and to the ticket's topics. It becomes pending in the ticket's
// record, in the write that carries out the command.

// IsAPI reports whether a program gave the command.
func IsAPI(o *messages.Origin) bool { return o.GetSender().GetKind() == messages.Sender_API_KEY }

// AddPending keeps an operation in the record as pending. Its id follows from the command's, so a repeated command
// adds nothing new.
func AddPending(r *storage.Ticket, commandID string, op *messages.Operation, after int64) {
	taken := func(x storage.Pending) bool { return x.ID == op.Id }
	for n := 0; n == 0 || slices.ContainsFunc(r.Pending, taken); n++ {
		op.Id = r.TicketID + "/" + commandID + "/" + strconv.Itoa(n)
	}
	body, err := proto.Marshal(op)
	if err != nil { // invalid UTF-8, which proto3 refuses: texts are cleaned at the edge
		return
	}
	r.Pending = append(r.Pending, storage.Pending{ID: op.Id, Kind: PendingOperation, Body: body, AfterSequence: after})
}

// ClosingID is the id of the notice that the ticket closes by itself: one for each time that this was set.
func ClosingID(r *storage.Ticket) string {
	at := r.Timers.WarnedAt
	if p := r.Timers.Planned; p != nil {
		at = p.At
	}
	return "closing/" + strconv.FormatInt(at.UnixMilli(), 10)
}

// IsClosingNotice says whether an operation is the notice that the ticket closes by itself at the time that is set now.
func IsClosingNotice(r *storage.Ticket, operationID string) bool {
	return !r.Timers.ClosesAt.IsZero() && strings.HasPrefix(operationID, r.TicketID+"/"+ClosingID(r)+"/")
}

// TellsOfClosing says whether the notice that the ticket closes by itself has not left yet.
func TellsOfClosing(r *storage.Ticket) bool {
	return slices.ContainsFunc(r.Pending, func(p storage.Pending) bool {
		return p.Kind == PendingOperation && IsClosingNotice(r, p.ID)
	})
}

// Respond answers whoever gave the command; if they pressed a button, only they see it. To a program, and to a page of the web
// desk, it is a refusal.
func Respond(r *Result, o *messages.Origin, key string, args map[string]string) {
	if IsAPI(o) || o.GetWeb() {
		r.Refuse(key, args)
		return
	}
	op := OperationTo(o)
	if o.GetCallbackId() != "" {
		op.Call = &messages.Operation_AnswerCallback{AnswerCallback: &messages.AnswerCallbackCall{
			CallbackId: o.CallbackId, Key: key, Args: args, Alert: true}}
	} else {
		op.Call = &messages.Operation_SendNotice{SendNotice: &messages.SendNoticeCall{
			Key: key, Args: args, ReplyTo: o.GetMessageId()}}
	}
	AddPending(r.Ticket, o.GetCommandId(), op, 0)
}

// RespondOpenly answers so that the whole topic sees it, even if a button was pressed.
func RespondOpenly(r *Result, o *messages.Origin, key string, args map[string]string) {
	if IsAPI(o) && o.GetThreadId() == 0 {
		return // the cards show it
	}
	op := OperationTo(o)
	op.Call = &messages.Operation_SendNotice{SendNotice: &messages.SendNoticeCall{
		Key: key, Args: args, ReplyTo: o.GetMessageId()}}
	AddPending(r.Ticket, o.GetCommandId(), op, 0)
	Acknowledge(r, o)
}

// RespondKeyboard answers with a notice and its buttons.
func RespondKeyboard(
	r *Result, o *messages.Origin, key string, args map[string]string, keyboard *messages.Keyboard,
) {
	op := OperationTo(o)
	op.Call = &messages.Operation_SendNotice{SendNotice: &messages.SendNoticeCall{
		Key: key, Args: args, ReplyTo: o.GetMessageId(), Keyboard: keyboard}}
	AddPending(r.Ticket, o.GetCommandId(), op, 0)
	Acknowledge(r, o)
}

// Acknowledge ends the progress sign of a button that was pressed.
func Acknowledge(r *Result, o *messages.Origin) {
	if o.GetCallbackId() == "" {
		return
	}
	op := OperationTo(o)
	op.Call = &messages.Operation_AnswerCallback{AnswerCallback: &messages.AnswerCallbackCall{CallbackId: o.CallbackId}}
	AddPending(r.Ticket, o.CommandId, op, 0)
}

// NotifyAll makes a notice pending to every topic of the ticket. If after is not 0, the notice waits for the
// copies of the messages up to that sequence.
func NotifyAll(r *storage.Ticket, o *messages.Origin, key string, args map[string]string, after int64) {
	asked := false
	for _, topic := range TopicsOf(r) {
		if !IsOpened(topic) {
			continue
		}
		op := OperationIn(r, topic)
		op.Order = ClosingOrder(after)
		notice := &messages.SendNoticeCall{Key: key, Args: args}
		if messages.IsPrivate(topic.GroupID) {
			notice = privately(r, notice)
		}
		if topic.GroupID == o.Place && topic.TelegramTopicID == o.ThreadId {
			notice.ReplyTo, op.Lang, op.OpenersLang, asked = o.MessageId, o.Lang, false, true
		}
		op.Call = &messages.Operation_SendNotice{SendNotice: notice}
		AddPending(r, o.CommandId, op, after)
	}
	if o.MessageId != 0 && messages.IsPrivate(o.Place) && !asked { // given outside of the ticket's topic
		op := OperationTo(o)
		notice := privately(r, &messages.SendNoticeCall{Key: key, Args: args})
		notice.ReplyTo = o.MessageId
		op.Call = &messages.Operation_SendNotice{SendNotice: notice}
		AddPending(r, o.CommandId, op, after)
	}
}

// StandingNotices are the topics in which a notice of a new state is pending. A closing waits for the copies
// of what was said before it; the reopening after it must not overtake it, or people would read “closed” last.
type StandingNotices map[threadAt]bool

type threadAt struct {
	place  ids.Place
	thread ids.ThreadID
}

// Next reports whether no such notice that is pending for the same topic must leave before this operation.
func (s StandingNotices) Next(op *messages.Operation) bool {
	switch op.GetSendNotice().GetKey() {
	case messages.NoticeTicketClosed, messages.NoticeTicketReopened, messages.NoticePendingSet, messages.NoticeTicketContinued,
		messages.NoticePrivateClosed, messages.NoticePrivateReopened, messages.NoticePrivatePending,
		messages.NoticePrivateContinued, messages.NoticeClosedQuiet, messages.NoticeClosedPlanned, messages.NoticeReopenedByWord:
	default:
		return true
	}
	at := threadAt{op.Place, op.ThreadId}
	first := !s[at]
	s[at] = true
	return first
}

// privately turns a notice to all topics into the one for a private chat.
func privately(r *storage.Ticket, n *messages.SendNoticeCall) *messages.SendNoticeCall {
	switch n.Key {
	case messages.NoticeTicketClosed:
		return &messages.SendNoticeCall{Key: messages.NoticePrivateClosed, Args: n.Args,
			Keyboard: OneButton(messages.ButtonReopen, messages.CallbackReopen+":"+r.TicketID)}
	case messages.NoticeClosedQuiet, messages.NoticeClosedPlanned:
		return &messages.SendNoticeCall{Key: n.Key, Args: named(r, n.Args),
			Keyboard: OneButton(messages.ButtonReopen, messages.CallbackReopen+":"+r.TicketID)}
	case messages.NoticeKept, messages.NoticeKeptByCustomer, messages.NoticeReopenedByWord:
		return &messages.SendNoticeCall{Key: n.Key, Args: named(r, n.Args)}
	case messages.NoticeTicketReopened:
		return &messages.SendNoticeCall{Key: messages.NoticePrivateReopened, Args: n.Args}
	case messages.NoticePendingSet:
		return &messages.SendNoticeCall{Key: messages.NoticePrivatePending, Args: n.Args,
			Keyboard: OneButton(messages.ButtonContinue, messages.CallbackReopen+":"+r.TicketID)}
	case messages.NoticeTicketContinued:
		return &messages.SendNoticeCall{Key: messages.NoticePrivateContinued, Args: n.Args}
	}
	return n
}

// named adds the ticket to the arguments of a notice, which names it in a private chat alone.
func named(r *storage.Ticket, args map[string]string) map[string]string {
	args = maps.Clone(args)
	args["ticket"] = NameOf(r)
	return args
}

// Result is a ticket's record as a command leaves it. If a program's command is refused, refusal says why, and
// nothing is written.
type Result struct {
	*storage.Ticket
	Refusal *messages.Reply
}

// Refuse refuses a program's command. The reason is the key of the notice that people would read, or a
// messages.Reason….
func (r *Result) Refuse(reason string, args map[string]string) {
	r.Refusal = &messages.Reply{Code: messages.Code_CONFLICT, Reason: reason, TicketId: r.TicketID, Args: args}
}
