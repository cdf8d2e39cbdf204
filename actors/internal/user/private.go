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

// This file holds what a person does in their private chat: which ticket they are writing on, and whether they can be
// reached.

const (
	handledByUser = 100

	owedTell = "tell" // something that a ticket must be told, until it has written it down
)

// onPrivate adapts the method of the same name to the form that the table of messages needs.
func onPrivate[M desk.Command](u *user, m M) (proto.Message, error) { return u.onPrivate(m) }

// onPrivate carries out what the person asked for in their private chat.
func (u *user) onPrivate(m desk.Command) (proto.Message, error) {
	if u.record != nil && slices.Contains(u.record.Handled, m.GetOrigin().GetCommandId()) {
		return entity.Duplicate(), nil
	}
	if m, blocks := m.(*messages.SetBlocked); blocks && (u.record == nil || u.record.Blocked == m.Blocked) {
		return entity.OK(), nil
	}
	var effect func(*storage.User)
	var err error
	switch m := m.(type) {
	case *messages.DraftTicket:
		effect = u.drafting(m)
	case *messages.ChooseGroup:
		effect, err = u.choosing(m)
	case *messages.ShowGroupPage:
		effect, err = u.turning(m)
	case *messages.DropDraft:
		effect = u.dropping(m)
	case *messages.TalkOn:
		effect, err = u.talking(m)
	case *messages.SetBlocked:
		effect, err = u.blocking(m)
	default:
		return entity.Answer(messages.Code_CONFLICT, "a user does not understand "+entity.TypeName(m)), nil
	}
	if err != nil {
		return nil, err
	}
	if effect == nil {
		return entity.Answer(messages.Code_CONFLICT, "not theirs"), nil
	}
	if err := u.accept(m.GetOrigin(), effect); err != nil {
		return nil, err
	}
	return entity.OK(), nil
}

// accept stores the effect of a command and its id, together with the names that the command shows.
func (u *user) accept(o *messages.Origin, effect func(*storage.User)) error {
	return u.alter(func(r *storage.User) {
		u.introduce(r, o)
		r.Handled = desk.Remember(r.Handled, o.GetCommandId(), handledByUser)
		effect(r)
	})
}

// introduce writes into the record what a message of the person shows of them.
func (u *user) introduce(r *storage.User, o *messages.Origin) {
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

// talking makes a ticket the current one; nil when the ticket does not belong to this chat.
func (u *user) talking(m *messages.TalkOn) (func(*storage.User), error) {
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
		args := map[string]string{"ticket": record.TicketID, "title": record.Title}
		if r.CurrentTicketID == record.TicketID {
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
	u.owe(r, o, &messages.Operation{Call: &messages.Operation_SendNotice{
		SendNotice: &messages.SendNoticeCall{Key: messages.NoticePrivateCurrent, Args: args}}})
}

// blocking stores whether the person can be reached, and notifies their open tickets.
func (u *user) blocking(m *messages.SetBlocked) (func(*storage.User), error) {
	o := m.Origin
	own, err := desk.OpenPrivately(u.Ctx, u.Store, o.GetPlace(), desk.PrivateTicketsRead)
	if err != nil {
		return nil, err
	}
	if !m.Blocked {
		u.Tell(messages.KindChat, o.GetPlace(), &messages.GroupChanged{}) // what waits there can be tried
	}
	return func(r *storage.User) {
		r.Blocked = m.Blocked
		for i := range own {
			told := "tell/" + o.GetCommandId() + "/" + own[i].TicketID
			body, err := desk.Pack(&messages.PersonReachable{Origin: o, Reachable: !m.Blocked, Told: told,
				TicketId: own[i].TicketID})
			if err != nil {
				continue
			}
			r.Pending = append(r.Pending, storage.Owed{ID: told, Kind: owedTell, Body: body})
		}
	}, nil
}

// ---- what is owed

// owe adds a pending operation for the private chat to the record. Beyond the limit it adds none, but the effect of
// the command stays.
func (u *user) owe(r *storage.User, o *messages.Origin, op *messages.Operation) {
	if len(r.Pending) >= desk.OwedAnswersLimit {
		u.Metrics.Unanswered.Inc()
		u.Log.Warn("a command gets no answer: too many are owed already", "command", o.GetCommandId())
		return
	}
	// No two writes have one version: the chat must not take the operation for an earlier one of the same command.
	op.Id = u.place() + "/" + strconv.FormatInt(r.Version, 10) + "/" + strconv.Itoa(len(r.Pending))
	op.Place, op.Lang, op.Priority = u.place(), o.GetLang(), messages.Operation_ANSWER
	body, err := proto.Marshal(op)
	if err != nil {
		return
	}
	r.Pending = append(r.Pending, storage.Owed{ID: op.Id, Kind: desk.OwedOperation, Body: body})
}

// respond answers the person: in a message, or to the button that they pressed.
func (u *user) respond(r *storage.User, o *messages.Origin, key string, args map[string]string) {
	if o.GetCallbackId() == "" {
		u.say(r, o, &messages.SendNoticeCall{Key: key, Args: args, ReplyTo: o.GetMessageId()})
		return
	}
	u.owe(r, o, &messages.Operation{Call: &messages.Operation_AnswerCallback{
		AnswerCallback: &messages.AnswerCallbackCall{CallbackId: o.CallbackId, Key: key, Args: args, Alert: true}}})
}

func (u *user) say(r *storage.User, o *messages.Origin, n *messages.SendNoticeCall) {
	u.owe(r, o, &messages.Operation{Call: &messages.Operation_SendNotice{SendNotice: n}})
}

func (u *user) acknowledge(r *storage.User, o *messages.Origin) {
	if o.GetCallbackId() != "" {
		u.owe(r, o, &messages.Operation{Call: &messages.Operation_AnswerCallback{
			AnswerCallback: &messages.AnswerCallbackCall{CallbackId: o.CallbackId}}})
	}
}

// follow enqueues the pending operations and continues the drafts.
func (u *user) follow() {
	if u.record == nil || u.record.DueAt.IsZero() {
		return
	}
	for _, owed := range u.record.Pending {
		switch owed.Kind {
		case desk.OwedOperation:
			if op, err := desk.OperationOf(owed); err == nil {
				u.offerOnce(owed, op)
			}
		case owedTell:
			u.tellTicket(owed)
		}
	}
	for i := range u.record.Drafts {
		u.goOn(&u.record.Drafts[i])
	}
	u.OfferAgainLater()
}

func (u *user) offerOnce(owed storage.Owed, op *messages.Operation) {
	if _, under := u.offered[op.Id]; under {
		return
	}
	if op.GetSendNotice().GetKey() == messages.NoticePrivateCurrent { // the record keeps it as it keeps any other
		op.SetRef(&messages.OperationRef{Wanted: &messages.OperationRef_CurrentTicket{
			CurrentTicket: &messages.CurrentTicketWord{Id: owed.ID}}})
	}
	op.Attempt = u.tries[op.Id]
	u.offered[op.Id] = op
	u.Offer(op)
}

func (u *user) tellTicket(owed storage.Owed) {
	if !u.once(owedTell, owed.ID) {
		return
	}
	body, err := desk.Unpack(owed.Body)
	m, is := body.(*messages.PersonReachable)
	if err != nil || !is {
		u.Log.Error("what a ticket is to be told can't be read", "id", owed.ID, "error", err)
		return
	}
	to := m.TicketId
	if to == "" { // the release before had it at the end of this id alone
		to = owed.ID[strings.LastIndexByte(owed.ID, '/')+1:]
	}
	u.Tell(messages.KindTicket, to, m)
}

// telling identifies a message to another entity.
type telling struct{ what, id string }

// once says whether a message to another entity is still to be sent, and marks it as sent until the timer of
// onOfferAgain fires.
func (u *user) once(what, id string) bool {
	if u.told[telling{what, id}] {
		return false
	}
	u.told[telling{what, id}] = true
	return true
}

func (u *user) onOfferAgain(entity.OfferAgain) error {
	u.told = map[telling]bool{}
	for _, op := range u.offered {
		u.Offer(op)
	}
	u.follow()
	return nil
}

// onDone removes a finished operation from the record, and pins the notice of the current ticket.
func (u *user) onDone(m *messages.Done) error {
	op := u.offered[m.OperationId]
	if u.record == nil || op == nil || op.Version() != m.Version() {
		return nil
	}
	delete(u.offered, m.OperationId)
	if m.Outcome.GetResult() == messages.Outcome_TRANSIENT {
		u.tries[m.OperationId]++
		return nil // offered again by the timer
	}
	delete(u.tries, m.OperationId)
	return u.settle(m.OperationId, func(r *storage.User) {
		if m.Ref.GetCurrentTicket() != nil && m.Outcome.GetResult() == messages.Outcome_DONE {
			u.pin(r, m.Outcome.MessageId)
		}
	})
}

// onReachableNoted: a ticket has stored whether the person can be reached.
func (u *user) onReachableNoted(m *messages.ReachableNoted) error {
	return u.settle(m.Told, func(*storage.User) {})
}

// settle removes what is done from the record and applies what follows from it. It does nothing when the id is not
// pending.
func (u *user) settle(id string, also func(*storage.User)) error {
	is := func(o storage.Owed) bool { return o.ID == id }
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
		u.owe(r, o, &messages.Operation{Call: &messages.Operation_Unpin{Unpin: &messages.UnpinCall{MessageId: r.PinnedID}}})
	}
	if r.PinnedID = messageID; messageID != 0 {
		u.owe(r, o, &messages.Operation{Call: &messages.Operation_Pin{Pin: &messages.PinCall{MessageId: messageID}}})
	}
}
