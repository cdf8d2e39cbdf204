package ticket

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/view"
)

// refusalsKept is how many refusals a ticket keeps for pages that ask again.
const refusalsKept = 20

// handledByTicket is how many ids of commands a ticket remembers, to recognise a repeated one.
const handledByTicket = 100

// reasonsRemembered is how many reasons a ticket remembers for which it was closed.
const reasonsRemembered = 20

// reasonKept is what a ticket remembers of a reason.
func reasonKept(reason string) string {
	return messages.Shorten(strings.TrimSpace(messages.CleanText(reason)), 100)
}

// reasonOf is the reason that a command has told everybody on the ticket; "": none that the ticket remembers.
func (t *ticket) reasonOf(commandID string) string {
	for _, told := range t.record.ReasonsTold {
		if told.CommandID == commandID {
			return told.Reason
		}
	}
	return ""
}

// onOpen makes the ticket. From then on its topic, its card and the answer are pending.
func (t *ticket) onOpen(m *messages.OpenTicket) (proto.Message, error) {
	if t.record != nil {
		return entity.Duplicate(), nil
	}
	o, now := m.Origin, t.now()
	shortID := t.ID[strings.LastIndexByte(t.ID, '-')+1:]
	title := messages.CleanLine(m.Title)
	if messages.Blank(title) {
		return entity.Answer(messages.Code_CONFLICT, messages.ReasonNoTitle), nil
	}
	number, err := t.room.numbers.take(t.Env)
	if err != nil {
		return nil, fmt.Errorf("take a number: %w", err)
	}
	r := &storage.Ticket{
		TicketID: t.ID, ShortID: shortID, Number: number,
		Title:  title,
		Status: desk.StatusOpen, Priority: priorityNormal, CreatedBy: desk.CreatorOf(o),
		GroupID: m.GroupId, Language: o.GetLang(),
		CreatedAt: now, UpdatedAt: now, LastMessageAt: now, WaitingFor: storage.WaitsForDesk, WaitingSince: now, CardRevision: 1, LinksRevision: 1, DueAt: now.Add(desk.PendingFor),
		ExternalID: m.ExternalId, Metadata: m.Metadata, Forwarded: desk.ForwardToStore(m.Forward),
		Home:    storage.Topic{TopicID: desk.HomeTopic, GroupID: m.GroupId, Name: messages.TopicName(title, number)},
		Handled: []string{o.GetCommandId()},
	}
	if err := t.keepCustomer(r, m); err != nil {
		return nil, err
	}
	if m.Follows != "" {
		if err := t.goOnFrom(r, m.Follows); err != nil {
			return nil, err
		}
	}
	desk.Describe(r, m.Description, m.DescriptionEntities)
	if m.Priority != "" {
		r.Priority = m.Priority
	}
	if messages.IsPrivate(o.GetPlace()) {
		standIn(r, o)
	}
	r.Enclosures = desk.LongDescription(m.Description, m.DescriptionEntities)
	desk.KeepSources(r, m.Sources)
	desk.AddEnclosures(r, m.Enclosures)
	if err := t.retime(r); err != nil {
		return nil, err
	}
	t.cause(r, messages.EventTicketCreated, o.GetCommandId(), now, &r.CreatedBy, &view.TicketData{})
	awaitTopic(r, desk.HomeTopic, o)
	err = t.save(r)
	if errors.Is(err, storage.ErrExternalIDTaken) || errors.Is(err, storage.ErrExists) {
		t.room.numbers.giveBack(number)
	}
	if errors.Is(err, storage.ErrExternalIDTaken) {
		return entity.Answer(messages.Code_CONFLICT, messages.ReasonExternalIDTaken), nil
	}
	if errors.Is(err, storage.ErrExists) {
		return nil, fmt.Errorf("%w: %w", storage.ErrConflict, err) // another activation made it: load that one
	}
	if err != nil {
		return nil, err
	}
	t.noteDescription()
	t.reconcile()
	t.flushSoon()
	return &messages.Reply{Code: messages.Code_OK, TicketId: r.TicketID}, nil
}

// onCommand carries a command out, refuses it with a notice, or defers it until Telegram has said who administers
// a group. The API checks the rights of programs before their commands get here.
func (t *ticket) onCommand(m desk.Command) (proto.Message, error) {
	if t.record == nil {
		return entity.Answer(messages.Code_NOT_FOUND, "no such ticket"), nil
	}
	o := m.GetOrigin()
	if slices.Contains(t.record.Handled, o.GetCommandId()) {
		return t.decided(o), nil
	}
	row, known := requestOf(m)
	if !known || row.effect == nil {
		return t.RefuseUnknown(messages.KindTicket, t.ID, m), nil
	}
	may, ask := yes, []ids.Place(nil)
	if !desk.IsAPI(o) {
		if !row.joins && t.topicAt(o.GetPlace(), o.GetThreadId()) == nil {
			if o.GetCallbackId() == "" {
				return entity.Answer(messages.Code_WRONG_TOPIC, "the topic is not the ticket's"), nil
			}
			return t.accept(m, answer(o, messages.NoticeButtonStale, nil))
		}
		var err error
		if may, ask, err = t.may(m); err != nil {
			return nil, err
		}
	}
	if may == unknown {
		return t.deferCommand(m, ask)
	}
	do, err := row.of(t, m, may == yes)
	if err != nil {
		return nil, err
	}
	return t.accept(m, do)
}

// decided replies to a repeated command. A page of the web desk repeats one that waits for Telegram's word, to hear what came of it.
func (t *ticket) decided(o *messages.Origin) *messages.Reply {
	if refusal, ok := t.refusals.Get(o.GetCommandId()); ok {
		return refusal
	}
	reply := entity.Duplicate()
	waits := func(p storage.Pending) bool { return p.Kind == desk.PendingCommand && p.ID == o.GetCommandId() }
	if slices.ContainsFunc(t.record.Pending, waits) {
		reply.Reason = messages.ReasonAsking
	}
	return reply
}

// deferCommand keeps a command as pending until Telegram has said who administers the groups.
func (t *ticket) deferCommand(m desk.Command, ask []ids.Place) (proto.Message, error) {
	o := m.GetOrigin()
	if len(t.record.Pending) >= 2*desk.PendingAnswersLimit {
		if o.GetWeb() {
			return entity.Answer(messages.Code_CONFLICT, messages.NoticeCannotAsk), nil
		}
		t.noteUnanswered(o) // most of what is pending waits for Telegram's answer
		return entity.OK(), nil
	}
	body, err := desk.Pack(m)
	if err != nil {
		return nil, err
	}
	answer, err := t.accept(m, func(r *desk.Result) {
		r.Pending = append(r.Pending, storage.Pending{ID: o.GetCommandId(), Kind: desk.PendingCommand, Body: body})
	})
	if err != nil {
		return nil, err
	}
	t.ask(o, ask)
	if reply, ok := answer.(*messages.Reply); ok && o.GetWeb() {
		reply.Reason = messages.ReasonAsking
	}
	return answer, nil
}

// accept writes a command's effect, remembers the command's id, and starts what follows. It returns the refusal if
// there is one.
func (t *ticket) accept(m desk.Command, do effect) (proto.Message, error) {
	o, links := m.GetOrigin(), len(t.record.Links)
	handled := func(r *storage.Ticket) { r.Handled = desk.Remember(r.Handled, o.GetCommandId(), handledByTicket) }
	refusal, err := t.carryOut(o, handled, t.limitAnswers(o, do))
	if desk.IsAPI(o) && errors.Is(err, storage.ErrTopicTaken) {
		return entity.Answer(messages.Code_CONFLICT, messages.NoticeLinkOther), nil
	}
	if err != nil {
		return nil, err
	}
	if refusal != nil {
		return refusal, nil
	}
	t.afterChange()
	reply := &messages.Reply{Code: messages.Code_OK, TicketId: t.record.TicketID}
	if desk.IsAPI(o) && len(t.record.Links) > links {
		reply.LinkId = t.record.Links[links].LinkID
	}
	return reply, nil
}

// carryOut writes a command's effect, and what note records about the command. A refusal is returned, and nothing
// is written. If the topic was linked to another ticket at the same moment, a notice that says so replaces the
// effect. A program gets no notices: storage.ErrTopicTaken is returned to it, and nothing is written.
func (t *ticket) carryOut(
	o *messages.Origin, note func(*storage.Ticket), do effect,
) (refusal *messages.Reply, err error) {
	next := &desk.Result{Ticket: desk.CloneTicket(t.record)}
	note(next.Ticket)
	if do(next); next.Refusal != nil {
		t.unmade = nil // with what was not made, too
		return next.Refusal, nil
	}
	err = t.saveDue(next.Ticket)
	if !errors.Is(err, storage.ErrTopicTaken) || desk.IsAPI(o) {
		return nil, err
	}
	args := map[string]string{}
	id, err := t.Store.TicketByTopic(t.Ctx, o.GetPlace(), o.GetThreadId())
	if err != nil {
		return nil, fmt.Errorf("find the other ticket: %w", err)
	}
	if other, err := t.Store.Ticket(t.Ctx, id); err == nil {
		args["ticket"], args["title"] = other.TicketID, other.Title
	}
	return nil, t.change(func(r *storage.Ticket) {
		note(r)
		desk.Respond(&desk.Result{Ticket: r}, o, messages.NoticeLinkOther, args)
	})
}

// answerNow writes a notice down, with what it is remembered by, and has it sent.
func (t *ticket) answerNow(o *messages.Origin, told func(*storage.Ticket), notice effect) error {
	if _, err := t.carryOut(o, told, notice); err != nil {
		return err
	}
	t.afterChange()
	return nil
}

// afterChange starts everything that follows from a new state.
func (t *ticket) afterChange() {
	t.tellRevision()
	t.reconcile()
	t.flushSoon()
}

func (t *ticket) closing(m *messages.CloseTicket) (effect, error) {
	if stale, err := t.stale(m.Origin, m.Expected); stale != nil || err != nil {
		return stale, err
	}
	if do, later, err := t.planning(m); later || err != nil {
		return do, err
	}
	return func(r *desk.Result) { t.close(r, m) }, nil
}

// close closes the ticket, or says that it is closed. Its topics close once all copies of what was sent before
// have arrived.
func (t *ticket) close(r *desk.Result, m *messages.CloseTicket) {
	o := m.Origin
	here := desk.TopicAt(r.Ticket, o.Place, o.ThreadId)
	if m.ByHand && here != nil {
		here.Closed, here.Unsure = true, false
	}
	if r.Status == desk.StatusClosed {
		if !m.ByHand {
			desk.Respond(r, o, messages.NoticeAlreadyClosed, map[string]string{"ticket": t.nameFor(o)})
		}
		return
	}
	now := t.now()
	t.closed(r.Ticket, now)
	reason := strings.TrimSpace(messages.CleanText(m.Reason))
	if reason != "" && o.GetMessageId() != 0 {
		told := append(slices.Clone(r.ReasonsTold), storage.ReasonTold{CommandID: o.CommandId, Reason: reasonKept(reason)})
		r.ReasonsTold = told[max(0, len(told)-reasonsRemembered):]
	}
	t.cause(r.Ticket, messages.EventTicketClosed, o.CommandId, now, creatorOf(o), &view.TicketClosedData{Reason: reason})
	desk.NotifyAll(r.Ticket, o, messages.NoticeTicketClosed,
		map[string]string{"who": desk.Who(o), "reason": reason, "ticket": desk.NameOf(r.Ticket)}, t.sequence)
	if m.Solved {
		dropKeyboard(r, o)
	}
	desk.Acknowledge(r, o)
}

func (t *ticket) reopening(m *messages.ReopenTicket) (effect, error) {
	if stale, err := t.stale(m.Origin, m.Expected); stale != nil || err != nil {
		return stale, err
	}
	return func(r *desk.Result) { t.reopen(r, m) }, nil
}

// reopen opens the ticket again, or says that it is open. It also ends pending (docs/decisions.md, D12).
func (t *ticket) reopen(r *desk.Result, m *messages.ReopenTicket) {
	o := m.Origin
	here := desk.TopicAt(r.Ticket, o.Place, o.ThreadId)
	if m.ByHand && here != nil {
		here.Closed, here.Unsure = false, false
	}
	if r.Status == desk.StatusOpen && !m.ByHand {
		desk.Respond(r, o, messages.NoticeAlreadyOpen, map[string]string{"ticket": t.nameFor(o)})
	}
	if r.Status == desk.StatusOpen || m.ByHand && r.Status == desk.StatusPending {
		return
	}
	now, notice := t.now(), messages.NoticeTicketContinued
	if r.Status == desk.StatusClosed {
		r.WaitingFor, r.WaitingSince, notice = storage.WaitsForDesk, now, messages.NoticeTicketReopened
	}
	goesOn(r.Ticket, now)
	tryHomeAgain(r.Ticket, o)
	t.cause(r.Ticket, messages.EventTicketReopened, o.CommandId, now, creatorOf(o), &view.TicketData{})
	desk.NotifyAll(r.Ticket, o, notice,
		map[string]string{"who": desk.Who(o), "ticket": desk.NameOf(r.Ticket)}, 0)
	desk.Acknowledge(r, o)
}

// goesOn writes that the ticket is open again, or no longer pending.
func goesOn(r *storage.Ticket, now time.Time) {
	r.Status, r.ClosedAt, r.UpdatedAt, r.ClosedAfter = desk.StatusOpen, time.Time{}, now, 0
	r.Timers.QuietSince = now
	r.CardRevision++
}

func (t *ticket) pending(m *messages.SetPending) (effect, error) {
	o := m.Origin
	return func(r *desk.Result) {
		switch r.Status {
		case desk.StatusClosed:
			desk.Respond(r, o, messages.NoticeTicketIsClosed,
				map[string]string{"ticket": t.nameFor(o), "command": slash(messages.VerbPending)})
		case desk.StatusPending:
			desk.Respond(r, o, messages.NoticeAlreadyPending, map[string]string{"ticket": t.nameFor(o)})
		default:
			t.update(r.Ticket, o, func() { r.Status = desk.StatusPending })
			staysOpen(r.Ticket)
			desk.NotifyAll(r.Ticket, o, messages.NoticePendingSet,
				map[string]string{"who": desk.Who(o), "ticket": desk.NameOf(r.Ticket)}, 0)
			desk.Acknowledge(r, o)
		}
	}, nil
}

// priorities are those that a ticket can have, lowest first.
var priorities = []string{"low", priorityNormal, "high", "urgent"}

func (t *ticket) prioritising(m *messages.SetPriority) (effect, error) {
	o, wanted := m.Origin, strings.ToLower(strings.TrimSpace(m.Priority))
	return func(r *desk.Result) {
		switch {
		case r.Status == desk.StatusClosed:
			desk.Respond(r, o, messages.NoticeTicketIsClosed,
				map[string]string{"ticket": t.nameFor(o), "command": slash(messages.VerbPriority)})
		case wanted == "":
			desk.RespondKeyboard(r, o, messages.NoticePriorityChoose, nil, priorityKeyboard(r.TicketID))
		case !slices.Contains(priorities, wanted):
			desk.Respond(r, o, messages.NoticePriorityUsage, map[string]string{"given": m.Priority})
		case r.Priority == wanted:
			desk.Respond(r, o, messages.NoticePrioritySame, map[string]string{"priority": wanted})
		default:
			t.update(r.Ticket, o, func() { r.Priority = wanted })
			dropKeyboard(r, o)
			t.respondToTeam(r, o, messages.NoticePrioritySet, map[string]string{"who": desk.Who(o), "priority": wanted})
		}
	}, nil
}

// update makes a change that the cards show, and causes ticket.updated.
func (t *ticket) update(r *storage.Ticket, o *messages.Origin, f func()) {
	was := *r
	f()
	r.CardRevision++
	t.updated(&was, r, o)
}

// updated causes ticket.updated, with the fields that differ from those that the ticket had before.
func (t *ticket) updated(was, r *storage.Ticket, o *messages.Origin) {
	r.UpdatedAt = t.now()
	t.cause(r, messages.EventTicketUpdated, o.CommandId, r.UpdatedAt, creatorOf(o),
		&view.TicketUpdatedData{Changes: desk.ChangesOf(was, r)})
}

func (t *ticket) showing(m *messages.ShowTicket) (effect, error) {
	o, at := m.Origin, ""
	if topic := t.topicAt(o.Place, o.ThreadId); topic != nil {
		at = topic.TopicID
	}
	view, err := t.view(at)
	if err != nil {
		return nil, err
	}
	if err := t.showLag(view); err != nil {
		return nil, err
	}
	return func(r *desk.Result) {
		op := desk.OperationTo(o)
		op.Call = &messages.Operation_SendCard{SendCard: &messages.SendCardCall{Ticket: view, ReplyTo: o.MessageId}}
		desk.AddPending(r.Ticket, o.CommandId, op, 0)
		desk.Acknowledge(r, o)
	}, nil
}
