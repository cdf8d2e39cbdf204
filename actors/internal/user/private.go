package user

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// This file holds what a person does in their private chat: which ticket is their current one, and whether they can be
// reached.

const (
	handledByUser = 100

	pendingTell = "tell" // a message to a ticket, until the ticket has stored what it says
)

// effect changes the record as a command asks.
type effect = func(*storage.User)

// asks makes the handler of a command that a person gives in their private chat. effectOf reads what it needs and
// returns what the command changes; nil when the command is about somebody else's ticket.
func asks[M desk.Command](effectOf func(*user, M) (effect, error)) entity.Handler {
	return entity.Replies(func(u *user, m M) (proto.Message, error) {
		o := m.GetOrigin()
		if u.handled(o) {
			return entity.Duplicate(), nil
		}
		do, err := effectOf(u, m)
		if err != nil {
			return nil, err
		}
		if do == nil {
			return entity.Answer(messages.Code_CONFLICT, "not theirs"), nil
		}
		if err := u.accept(o, do); err != nil {
			return nil, err
		}
		return entity.OK(), nil
	})
}

func (u *user) handled(o *messages.Origin) bool {
	return u.record != nil && slices.Contains(u.record.Handled, o.GetCommandId())
}

// accept stores the effect of a command and its id, together with the names that the command shows.
func (u *user) accept(o *messages.Origin, do effect) error {
	return u.introduce(o, func(r *storage.User) {
		r.Handled = desk.Remember(r.Handled, o.GetCommandId(), handledByUser)
		do(r)
	})
}

// introduce stores a change of the record, together with what a message of the person shows of them.
func (u *user) introduce(o *messages.Origin, f func(*storage.User)) error {
	if err := u.claimUsername(o); err != nil {
		return err
	}
	return u.alter(func(r *storage.User) {
		u.name(r, o)
		f(r)
	})
}

// name writes into the record what a message of the person shows of them.
func (u *user) name(r *storage.User, o *messages.Origin) {
	if p := o.GetFrom(); p.GetId() != 0 && strconv.FormatInt(p.GetId(), 10) == u.ID {
		r.TelegramID, r.Username, r.FirstName, r.LastName = p.Id, p.Username, p.FirstName, p.LastName
	}
	if r.TelegramID == 0 {
		r.TelegramID, _ = strconv.ParseInt(u.ID, 10, 64)
	}
	if r.Language == "" {
		r.Language = o.GetLang()
	}
}

// alter stores a change of the record and continues with what follows from it.
func (u *user) alter(f func(*storage.User)) error {
	next := u.next()
	f(next)
	if err := u.save(next); err != nil {
		return err
	}
	u.follow()
	return nil
}

// switching makes a ticket the current one; nil when the ticket does not belong to this chat.
func (u *user) switching(m *messages.TalkOn) (effect, error) {
	record, err := u.Store.Ticket(u.Ctx, m.TicketId)
	if errors.Is(err, storage.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the ticket: %w", err)
	}
	o := m.Origin
	if desk.PrivateLink(record, o.GetPlace()) == nil || messages.UserIn(o.GetPlace()) != u.ID {
		return nil, nil
	}
	return func(r *storage.User) {
		args := map[string]string{"ticket": desk.NameOf(record)}
		r.SettledID = max(r.SettledID, m.Settles)
		if r.CurrentTicketID == record.TicketID || m.Stay {
			if m.Quiet {
				u.acknowledge(r, o)
			} else {
				u.respond(r, o, messages.NoticePrivateSame, args)
			}
			return
		}
		r.CurrentTicketID = record.TicketID
		u.showCurrent(r, o, args)
		u.acknowledge(r, o)
	}, nil
}

// showCurrent sends a notice of the current ticket; the notice is pinned instead of the previous one.
func (u *user) showCurrent(r *storage.User, o *messages.Origin, args map[string]string) {
	u.addPending(r, o, &messages.Operation{Call: &messages.Operation_SendNotice{
		SendNotice: &messages.SendNoticeCall{
			Key: messages.NoticePrivateCurrent, Args: args, TicketId: r.CurrentTicketID,
		}}})
}

// onBlocked stores whether the person can be reached, and has their open tickets know it.
func (u *user) onBlocked(m *messages.SetBlocked) (proto.Message, error) {
	o := m.Origin
	if u.handled(o) {
		return entity.Duplicate(), nil
	}
	if u.record == nil || u.record.Blocked == m.Blocked {
		return entity.OK(), nil
	}
	own, err := desk.OpenPrivately(u.Ctx, u.Store, o.GetPlace(), desk.PrivateTicketsRead)
	if err != nil {
		return nil, err
	}
	var pending []storage.Pending
	for i := range own {
		id := "tell/" + o.GetCommandId() + "/" + own[i].TicketID
		body, err := desk.Pack(&messages.PersonReachable{
			Origin: o, Reachable: !m.Blocked, Told: id, TicketId: own[i].TicketID,
		})
		if err != nil {
			return nil, err
		}
		pending = append(pending, storage.Pending{ID: id, Kind: pendingTell, Body: body})
	}
	if !m.Blocked {
		u.Tell(messages.KindChat, o.GetPlace(), &messages.GroupChanged{}) // what waits there can be tried
	}
	err = u.accept(o, func(r *storage.User) { r.Blocked, r.Pending = m.Blocked, append(r.Pending, pending...) })
	if err != nil {
		return nil, err
	}
	return entity.OK(), nil
}

// ---- what is pending

// addPending adds an operation for the private chat to the record. Beyond the limit it adds none, but the effect of
// the command stays.
func (u *user) addPending(r *storage.User, o *messages.Origin, op *messages.Operation) {
	if len(r.Pending) >= desk.PendingAnswersLimit {
		u.Metrics.Unanswered.Inc()
		u.Log.Warn("a command gets no answer: too many are pending already", "command", o.GetCommandId())
		return
	}
	// No two writes have one version: the chat must not take the operation for an earlier one of the same command.
	op.Id = u.place() + "/" + strconv.FormatInt(r.Version, 10) + "/" + strconv.Itoa(len(r.Pending))
	op.Place, op.Lang, op.Priority = u.place(), o.GetLang(), messages.Operation_ANSWER
	if op.GetSendNotice() != nil {
		op.ThreadId = o.GetThreadId()
	}
	body, err := proto.Marshal(op)
	if err != nil {
		u.Log.Error("a command gets no answer: it can't be encoded", "command", o.GetCommandId(), "error", err)
		return
	}
	r.Pending = append(r.Pending, storage.Pending{ID: op.Id, Kind: desk.PendingOperation, Body: body})
}

// respond answers the person: in a message, or to the button that they pressed.
func (u *user) respond(r *storage.User, o *messages.Origin, key string, args map[string]string) {
	if o.GetCallbackId() == "" {
		u.say(r, o, &messages.SendNoticeCall{Key: key, Args: args, ReplyTo: o.GetMessageId()})
		return
	}
	u.addPending(r, o, &messages.Operation{Call: &messages.Operation_AnswerCallback{
		AnswerCallback: &messages.AnswerCallbackCall{CallbackId: o.CallbackId, Key: key, Args: args, Alert: true}}})
}

func (u *user) say(r *storage.User, o *messages.Origin, n *messages.SendNoticeCall) {
	u.addPending(r, o, &messages.Operation{Call: &messages.Operation_SendNotice{SendNotice: n}})
}

func (u *user) acknowledge(r *storage.User, o *messages.Origin) {
	if o.GetCallbackId() != "" {
		u.addPending(r, o, &messages.Operation{Call: &messages.Operation_AnswerCallback{
			AnswerCallback: &messages.AnswerCallbackCall{CallbackId: o.CallbackId}}})
	}
}

// follow enqueues the pending operations, sends the pending messages and continues the drafts.
func (u *user) follow() {
	if u.record == nil || u.record.DueAt.IsZero() {
		return
	}
	for _, pending := range u.record.Pending {
		switch pending.Kind {
		case desk.PendingOperation:
			u.enqueueOnce(pending)
		case pendingTell:
			u.tellTicket(pending)
		}
	}
	for i := range u.record.Drafts {
		u.continueDraft(&u.record.Drafts[i])
	}
	if owes(u.record) {
		u.EnqueueAgainLater()
	}
	u.remindLater()
}

func (u *user) enqueueOnce(pending storage.Pending) {
	op, err := desk.OperationOf(pending)
	if err != nil {
		u.Log.Error("a pending operation can't be read", "operation", pending.ID, "error", err)
		return
	}
	if u.enqueued[op.Id] != nil {
		return
	}
	if op.GetSendNotice().GetKey() == messages.NoticePrivateCurrent { // the record keeps it like any other
		op.SetRef(&messages.OperationRef{Wanted: &messages.OperationRef_CurrentTicket{
			CurrentTicket: &messages.CurrentTicketWord{Id: pending.ID}}})
	}
	op.Attempt = u.tries[op.Id]
	u.enqueued[op.Id] = op
	u.Enqueue(op)
}

func (u *user) tellTicket(pending storage.Pending) {
	if !u.sendOnce(pendingTell, pending.ID) {
		return
	}
	body, err := desk.Unpack(pending.Body)
	m, is := body.(*messages.PersonReachable)
	if err != nil || !is {
		u.Log.Error("a pending message to a ticket can't be read", "id", pending.ID, "error", err)
		return
	}
	to := m.TicketId
	if to == "" { // the previous release had it at the end of this id alone
		to = pending.ID[strings.LastIndexByte(pending.ID, '/')+1:]
	}
	u.Tell(messages.KindTicket, to, m)
}

// sending identifies a message to another entity.
type sending struct{ what, id string }

// sendOnce says whether a message to another entity is still to be sent, and marks it as sent until the timer of
// onEnqueueAgain fires.
func (u *user) sendOnce(what, id string) bool {
	if u.sent[sending{what, id}] {
		return false
	}
	u.sent[sending{what, id}] = true
	return true
}

// onEnqueueAgain repeats whatever got no answer.
func (u *user) onEnqueueAgain(entity.EnqueueAgain) error {
	u.sent = map[sending]bool{}
	u.enqueueAgain()
	u.follow()
	return nil
}

// onQueueLost enqueues again what the private chat has lost.
func (u *user) onQueueLost(*messages.QueueLost) error {
	u.enqueueAgain()
	return nil
}

func (u *user) enqueueAgain() {
	for _, op := range u.enqueued {
		u.Enqueue(op)
	}
}

// onDone removes a finished operation from the record, and pins the notice of the current ticket.
func (u *user) onDone(m *messages.Done) error {
	op := u.enqueued[m.OperationId]
	if u.record == nil || op == nil || op.Version() != m.Version() {
		return nil
	}
	delete(u.enqueued, m.OperationId)
	if m.Outcome.GetResult() == messages.Outcome_TRANSIENT {
		u.tries[m.OperationId]++
		return nil // the timer enqueues it again
	}
	if m.Outcome.GetResult() == messages.Outcome_TOPIC_DELETED {
		return u.repeatOutside(m.OperationId)
	}
	delete(u.tries, m.OperationId)
	return u.finish(m.OperationId, func(r *storage.User) {
		if m.Ref.GetCurrentTicket() != nil && m.Outcome.GetResult() == messages.Outcome_DONE {
			u.pin(r, m.Outcome.MessageId)
		}
	})
}

// repeatOutside sends a notice again, outside of the topic that the person has deleted meanwhile.
func (u *user) repeatOutside(id string) error {
	return u.alter(func(r *storage.User) {
		at := slices.IndexFunc(r.Pending, func(o storage.Pending) bool { return o.ID == id })
		if at < 0 {
			return
		}
		op, err := desk.OperationOf(r.Pending[at])
		if err != nil || op.ThreadId == 0 {
			r.Pending = slices.Delete(r.Pending, at, at+1)
			return
		}
		op.ThreadId, op.Ref = 0, nil
		if body, err := proto.Marshal(op); err == nil {
			r.Pending[at].Body = body
		}
	})
}

// onReachableNoted: a ticket has stored whether the person can be reached.
func (u *user) onReachableNoted(m *messages.ReachableNoted) error {
	return u.finish(m.Told, func(*storage.User) {})
}

// finish removes what is done from the record and applies what follows from it. It does nothing when the id is not
// pending.
func (u *user) finish(id string, also func(*storage.User)) error {
	is := func(o storage.Pending) bool { return o.ID == id }
	if u.record == nil || !slices.ContainsFunc(u.record.Pending, is) {
		return nil
	}
	return u.alter(func(r *storage.User) {
		r.Pending = slices.DeleteFunc(r.Pending, is)
		also(r)
	})
}

// pin replaces the pinned message; 0 only unpins it.
func (u *user) pin(r *storage.User, messageID int64) {
	o := &messages.Origin{}
	if r.PinnedID != 0 {
		u.addPending(r, o, &messages.Operation{
			Call: &messages.Operation_Unpin{Unpin: &messages.UnpinCall{MessageId: r.PinnedID}}})
	}
	if r.PinnedID = messageID; messageID != 0 {
		u.addPending(r, o, &messages.Operation{
			Call: &messages.Operation_Pin{Pin: &messages.PinCall{MessageId: messageID}}})
	}
}
