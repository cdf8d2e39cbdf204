package actors

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// command is what people ask of a ticket.
type command interface {
	proto.Message
	GetOrigin() *messages.Origin
}

// handledByTicket is how many ids of commands a ticket remembers, to know a repeated one.
const handledByTicket = 100

// onOpen makes the ticket. The topic, its card and the answer are owed from then on.
func (t *ticket) onOpen(m *messages.OpenTicket) (proto.Message, error) {
	if t.record != nil {
		return duplicate(), nil
	}
	o, now := m.Origin, t.now().UTC().Truncate(time.Millisecond)
	shortID := t.key.identity[strings.LastIndexByte(t.key.identity, '-')+1:]
	title := messages.CleanLine(m.Title)
	if messages.Blank(title) {
		return answered(messages.Code_CONFLICT, messages.ReasonNoTitle), nil
	}
	r := &storage.Ticket{
		TicketID: t.key.identity, ShortID: shortID, Title: title, Description: strings.TrimSpace(messages.CleanText(m.Description)),
		Status: statusOpen, Priority: priorityNormal, CreatedBy: creatorOf(o), GroupID: m.GroupId, Language: o.GetLang(),
		CreatedAt: now, UpdatedAt: now, CardRevision: 1, LinksRevision: 1, DueAt: now.Add(owedFor),
		ExternalID: m.ExternalId, Metadata: m.Metadata,
		Home:    storage.Topic{TopicID: homeTopic, GroupID: m.GroupId, Name: messages.TopicName(title, shortID)},
		Handled: []string{o.GetCommandId()},
	}
	if m.Priority != "" {
		r.Priority = m.Priority
	}
	if messages.IsPrivate(o.GetPlace()) {
		standIn(r, o)
	}
	for _, media := range m.Media {
		r.Media = append(r.Media, *mediaToStore(media))
	}
	cause(r, messages.EventTicketCreated, o.GetCommandId(), now, map[string]any{"createdBy": r.CreatedBy, "description": r.Description})
	await(r, homeTopic, o)
	err := t.save(r)
	if errors.Is(err, storage.ErrExternalIDTaken) {
		return answered(messages.Code_CONFLICT, messages.ReasonExternalIDTaken), nil
	}
	if errors.Is(err, storage.ErrExists) {
		return nil, fmt.Errorf("%w: %w", storage.ErrConflict, err) // another activation made it: read it
	}
	if err != nil {
		return nil, err
	}
	t.noteDescription()
	t.reconcile()
	t.settleSoon()
	return &messages.Reply{Code: messages.Code_OK, TicketId: r.TicketID}, nil
}

// onCommand carries a command out, refuses it with a word, or puts it off until Telegram has said who administers a group.
// Of a program the edge has looked at the rights.
func (t *ticket) onCommand(m command) (proto.Message, error) {
	if t.record == nil {
		return answered(messages.Code_NOT_FOUND, "no such ticket"), nil
	}
	o := m.GetOrigin()
	if slices.Contains(t.record.Handled, o.GetCommandId()) {
		return duplicate(), nil
	}
	row, known := requestOf(m)
	if !known || row.effect == nil {
		t.log.Error("refused: a ticket can't be asked that", "message", typeName(m), "command", o.GetCommandId())
		return answered(messages.Code_CONFLICT, "a ticket does not understand "+typeName(m)), nil
	}
	may, ask := yes, []string(nil)
	if !isAPI(o) {
		if !row.joins && t.topicAt(o.GetPlace(), o.GetThreadId()) == nil {
			if o.GetCallbackId() == "" {
				return answered(messages.Code_WRONG_TOPIC, "the topic is not the ticket's"), nil
			}
			return t.accept(m, answer(o, messages.NoticeButtonStale, nil))
		}
		var err error
		if may, ask, err = t.may(m); err != nil {
			return nil, err
		}
	}
	if may == unknown {
		return t.putOff(m, ask)
	}
	do, err := row.of(t, m, may == yes)
	if err != nil {
		return nil, err
	}
	return t.accept(m, do)
}

// putOff keeps a command until Telegram has said who administers the groups.
func (t *ticket) putOff(m command, ask []string) (proto.Message, error) {
	o := m.GetOrigin()
	if len(t.record.Owed) >= 2*owedAnswersLimit {
		t.tooMany(o) // and most of them wait for Telegram's word
		return ok(), nil
	}
	body, err := pack(m)
	if err != nil {
		return nil, err
	}
	answer, err := t.accept(m, func(r *result) {
		r.Owed = append(r.Owed, storage.Owed{ID: o.GetCommandId(), Kind: owedCommand, Body: body})
	})
	if err == nil {
		t.ask(o, ask)
	}
	return answer, err
}

// accept writes a command's effect, remembers its id, and goes on with what follows. A refusal is the answer.
func (t *ticket) accept(m command, do effect) (proto.Message, error) {
	o, links := m.GetOrigin(), len(t.record.Links)
	handled := func(r *storage.Ticket) { r.Handled = remember(r.Handled, o.GetCommandId(), handledByTicket) }
	refusal, err := t.carryOut(o, handled, t.sparing(o, do))
	if isAPI(o) && errors.Is(err, storage.ErrTopicTaken) {
		return answered(messages.Code_CONFLICT, messages.NoticeLinkOther), nil
	}
	if err != nil {
		return nil, err
	}
	if refusal != nil {
		return refusal, nil
	}
	t.afterChange()
	reply := &messages.Reply{Code: messages.Code_OK, TicketId: t.record.TicketID}
	if isAPI(o) && len(t.record.Links) > links {
		reply.LinkId = t.record.Links[links].LinkID
	}
	return reply, nil
}

// carryOut writes what is noted about a command and its effect; nothing when that is a refusal. If somebody joined the topic
// to another ticket in this moment, a word on that takes the effect's place; for a program, which is refused and owed no
// word, nothing is written.
func (t *ticket) carryOut(o *messages.Origin, note func(*storage.Ticket), do effect) (*messages.Reply, error) {
	next := &result{Ticket: cloneTicket(t.record)}
	note(next.Ticket)
	if do(next); next.refusal != nil {
		return next.refusal, nil
	}
	err := t.keep(next.Ticket)
	if !errors.Is(err, storage.ErrTopicTaken) || isAPI(o) {
		return nil, err
	}
	args := map[string]string{}
	id, err := t.store.TicketByTopic(t.ctx, o.GetPlace(), o.GetThreadId())
	if err != nil {
		return nil, fmt.Errorf("find the other ticket: %w", err)
	}
	if other, err := t.store.Ticket(t.ctx, id); err == nil {
		args["ticket"], args["title"] = other.TicketID, other.Title
	}
	return nil, t.change(func(r *storage.Ticket) {
		note(r)
		respond(&result{Ticket: r}, o, messages.NoticeLinkOther, args)
	})
}

// afterChange lets everything follow from the new state.
func (t *ticket) afterChange() {
	t.tellRevision()
	t.reconcile()
	t.settleSoon()
}

func (t *ticket) closing(m *messages.CloseTicket) (effect, error) {
	return func(r *result) { t.close(r, m) }, nil
}

func (t *ticket) close(r *result, m *messages.CloseTicket) {
	o := m.Origin
	here := topicAt(r.Ticket, o.Place, o.ThreadId)
	if m.ByHand && here != nil {
		here.Closed, here.Unsure = true, false
	}
	if r.Status == statusClosed {
		if !m.ByHand {
			respond(r, o, messages.NoticeAlreadyClosed, map[string]string{"ticket": r.TicketID})
		}
		return
	}
	now := t.now().UTC().Truncate(time.Millisecond)
	r.Status, r.ClosedAt, r.UpdatedAt, r.ClosedAfter = statusClosed, now, now, t.sequence
	r.CardRevision++
	reason := strings.TrimSpace(messages.CleanText(m.Reason))
	cause(r.Ticket, messages.EventTicketClosed, o.CommandId, now, map[string]any{"by": creatorOf(o), "reason": reason})
	t.tellAll(r.Ticket, o, messages.NoticeTicketClosed,
		map[string]string{"who": who(o), "reason": reason, "ticket": r.TicketID, "title": r.Title}, t.sequence)
	acknowledge(r, o)
}

func (t *ticket) reopening(m *messages.ReopenTicket) (effect, error) {
	return func(r *result) { t.reopen(r, m) }, nil
}

func (t *ticket) reopen(r *result, m *messages.ReopenTicket) {
	o := m.Origin
	here := topicAt(r.Ticket, o.Place, o.ThreadId)
	if m.ByHand && here != nil {
		here.Closed, here.Unsure = false, false
	}
	if r.Status == statusOpen && !m.ByHand {
		respond(r, o, messages.NoticeAlreadyOpen, map[string]string{"ticket": r.TicketID})
	}
	if r.Status == statusOpen || m.ByHand && r.Status == statusPending {
		return
	}
	now := t.now().UTC().Truncate(time.Millisecond)
	r.Status, r.ClosedAt, r.UpdatedAt, r.ClosedAfter = statusOpen, time.Time{}, now, 0
	r.CardRevision++
	tryHomeAgain(r.Ticket, o)
	cause(r.Ticket, messages.EventTicketReopened, o.CommandId, now, map[string]any{"by": creatorOf(o)})
	t.tellAll(r.Ticket, o, messages.NoticeTicketReopened,
		map[string]string{"who": who(o), "ticket": r.TicketID, "title": r.Title}, 0)
	acknowledge(r, o)
}

func (t *ticket) pending(m *messages.SetPending) (effect, error) {
	o := m.Origin
	return func(r *result) {
		switch r.Status {
		case statusClosed:
			respond(r, o, messages.NoticeTicketIsClosed,
				map[string]string{"ticket": r.TicketID, "command": slash(messages.VerbPending)})
		case statusPending:
			respond(r, o, messages.NoticeAlreadyPending, map[string]string{"ticket": r.TicketID})
		default:
			t.update(r.Ticket, o, func() { r.Status = statusPending })
			respondOpenly(r, o, messages.NoticePendingSet, map[string]string{"who": who(o), "ticket": r.TicketID})
		}
	}, nil
}

// priorities are those that a ticket can have, lowest first.
var priorities = []string{"low", priorityNormal, "high", "urgent"}

func (t *ticket) prioritising(m *messages.SetPriority) (effect, error) {
	o, wanted := m.Origin, strings.ToLower(strings.TrimSpace(m.Priority))
	return func(r *result) {
		switch {
		case r.Status == statusClosed:
			respond(r, o, messages.NoticeTicketIsClosed,
				map[string]string{"ticket": r.TicketID, "command": slash(messages.VerbPriority)})
		case wanted == "":
			respondKeyboard(r, o, messages.NoticePriorityChoose, priorityKeyboard(r.TicketID))
		case !slices.Contains(priorities, wanted):
			respond(r, o, messages.NoticePriorityUsage, map[string]string{"given": m.Priority})
		case r.Priority == wanted:
			respond(r, o, messages.NoticePrioritySame, map[string]string{"priority": wanted})
		default:
			t.update(r.Ticket, o, func() { r.Priority = wanted })
			respondOpenly(r, o, messages.NoticePrioritySet,
				map[string]string{"who": who(o), "priority": wanted, "ticket": r.TicketID})
		}
	}, nil
}

// update changes what the cards show and causes ticket.updated.
func (t *ticket) update(r *storage.Ticket, o *messages.Origin, f func()) {
	now := t.now().UTC().Truncate(time.Millisecond)
	f()
	r.UpdatedAt = now
	r.CardRevision++
	cause(r, messages.EventTicketUpdated, o.CommandId, now, map[string]any{"by": creatorOf(o)})
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
	return func(r *result) {
		op := operationTo(o)
		op.Call = &messages.Operation_SendCard{SendCard: &messages.SendCardCall{Ticket: view, ReplyTo: o.MessageId}}
		owe(r.Ticket, o.CommandId, op, 0)
		acknowledge(r, o)
	}, nil
}

func (t *ticket) renaming(m *messages.TopicRenamed) (effect, error) {
	o := m.Origin
	return func(r *result) {
		here := topicAt(r.Ticket, o.Place, o.ThreadId)
		name := messages.CleanLine(m.Name)
		if here == nil || name == "" || here.Name == name {
			return
		}
		for _, topic := range topicsOf(r.Ticket) {
			topic.NamedByHand = false
		}
		here.Name, here.NamedByHand = name, true
		title := strings.TrimSpace(strings.TrimSuffix(name, " · "+r.ShortID))
		if title == "" || title == r.Title {
			return
		}
		t.update(r.Ticket, o, func() { r.Title = title })
	}, nil
}

func pack(m proto.Message) ([]byte, error) {
	packed, err := anypb.New(m)
	if err != nil {
		return nil, fmt.Errorf("pack a command: %w", err)
	}
	return proto.Marshal(packed)
}

func unpack(body []byte) (proto.Message, error) {
	var packed anypb.Any
	if err := proto.Unmarshal(body, &packed); err != nil {
		return nil, fmt.Errorf("unpack a command: %w", err)
	}
	return packed.UnmarshalNew()
}

func creatorOf(o *messages.Origin) storage.Creator {
	if s := o.GetSender(); s.GetKind() == messages.Sender_API_KEY {
		return storage.Creator{Kind: "apiKey", ID: s.KeyId, Name: s.Name}
	}
	if k := o.GetSender().GetKind(); k == messages.Sender_GROUP || k == messages.Sender_CHANNEL {
		// Telegram shows one and the same bot for everybody who writes as a group or a channel.
		return storage.Creator{Kind: strings.ToLower(k.String()), ID: strconv.FormatInt(o.GetSender().GetId(), 10), Name: who(o)}
	}
	return storage.Creator{Kind: "user", ID: strconv.FormatInt(o.GetFrom().GetId(), 10), Name: who(o), Username: o.GetFrom().GetUsername()}
}

// who is the name under which somebody acts.
func who(o *messages.Origin) string {
	if n := o.GetSender().GetName(); n != "" {
		return n
	}
	return personName(o.GetFrom().GetFirstName(), o.GetFrom().GetLastName(), o.GetFrom().GetUsername(), o.GetFrom().GetId())
}

func personName(first, last, username string, id int64) string {
	if name := strings.TrimSpace(first + " " + last); name != "" {
		return name
	}
	if username != "" {
		return "@" + username
	}
	return strconv.FormatInt(id, 10)
}
