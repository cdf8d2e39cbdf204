package actors

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

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
	title := cleanLine(m.Title)
	if messages.Blank(title) {
		return answered(messages.Code_CONFLICT, messages.ReasonNoTitle), nil
	}
	r := &storage.Ticket{
		TicketID: t.key.identity, ShortID: shortID, Title: title, Description: cleanText(m.Description),
		Status: statusOpen, Priority: priorityNormal, CreatedBy: creatorOf(o), GroupID: m.GroupId, Language: o.GetLang(),
		CreatedAt: now, UpdatedAt: now, CardRevision: 1, LinksRevision: 1, DueAt: now.Add(owedFor),
		ExternalID: m.ExternalId, Metadata: m.Metadata,
		Home:    storage.Topic{TopicID: homeTopic, GroupID: m.GroupId, Name: messages.TopicName(title, shortID)},
		Handled: []string{o.GetCommandId()},
	}
	if m.Priority != "" {
		r.Priority = m.Priority
	}
	if isPrivate(o.GetPlace()) {
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
func (t *ticket) onCommand(m command) (proto.Message, error) {
	if t.record == nil {
		return answered(messages.Code_NOT_FOUND, "no such ticket"), nil
	}
	o := m.GetOrigin()
	if slices.Contains(t.record.Handled, o.GetCommandId()) {
		return duplicate(), nil
	}
	if isAPI(o) {
		return t.onAPICommand(m)
	}
	if _, joins := m.(*messages.LinkTopic); !joins && t.topicAt(o.GetPlace(), o.GetThreadId()) == nil {
		if o.GetCallbackId() == "" {
			return answered(messages.Code_WRONG_TOPIC, "the topic is not the ticket's"), nil
		}
		return t.accept(m, func(r *storage.Ticket) { respond(r, o, messages.NoticeButtonStale, nil) })
	}
	may, ask, err := t.may(m)
	if err != nil {
		return nil, err
	}
	if may == unknown && len(t.record.Owed) >= 2*owedAnswersLimit {
		t.tooMany(o) // and most of them wait for Telegram's word
		return ok(), nil
	}
	if may == unknown {
		body, err := pack(m)
		if err != nil {
			return nil, err
		}
		answer, err := t.accept(m, func(r *storage.Ticket) {
			r.Owed = append(r.Owed, storage.Owed{ID: o.GetCommandId(), Kind: owedCommand, Body: body})
		})
		if err == nil {
			t.ask(o, ask)
		}
		return answer, err
	}
	effect, err := t.effect(m, may == yes)
	if err != nil {
		return nil, err
	}
	return t.accept(m, effect)
}

// accept writes a command's effect, remembers its id, and goes on with what follows.
func (t *ticket) accept(m command, effect func(*storage.Ticket)) (proto.Message, error) {
	o := m.GetOrigin()
	handled := func(r *storage.Ticket) { r.Handled = remember(r.Handled, o.GetCommandId(), handledByTicket) }
	err := t.carryOut(o, handled, t.sparing(o, effect))
	if isAPI(o) && errors.Is(err, storage.ErrTopicTaken) {
		return answered(messages.Code_CONFLICT, messages.NoticeLinkOther), nil
	}
	if err != nil {
		return nil, err
	}
	t.afterChange()
	return &messages.Reply{Code: messages.Code_OK, TicketId: t.record.TicketID}, nil
}

// carryOut writes what is noted about a command and its effect. If somebody joined the topic to another ticket in this
// moment, a word on that takes the effect's place; for a program, which is refused and owed no word, nothing is written.
func (t *ticket) carryOut(o *messages.Origin, note, effect func(*storage.Ticket)) error {
	err := t.change(func(r *storage.Ticket) { note(r); effect(r) })
	if !errors.Is(err, storage.ErrTopicTaken) || isAPI(o) {
		return err
	}
	args := map[string]string{}
	id, err := t.store.TicketByTopic(t.ctx, o.GetPlace(), o.GetThreadId())
	if err != nil {
		return fmt.Errorf("find the other ticket: %w", err)
	}
	if other, err := t.store.Ticket(t.ctx, id); err == nil {
		args["ticket"], args["title"] = other.TicketID, other.Title
	}
	return t.change(func(r *storage.Ticket) { note(r); respond(r, o, messages.NoticeLinkOther, args) })
}

// afterChange lets everything follow from the new state.
func (t *ticket) afterChange() {
	t.tellRevision()
	t.reconcile()
	t.settleSoon()
}

// effect works out what a command does to the record. Reads happen here; the returned function only changes the record.
func (t *ticket) effect(m command, allowed bool) (func(*storage.Ticket), error) {
	o := m.GetOrigin()
	if !allowed {
		key, args := refusal(t.record, m)
		return func(r *storage.Ticket) { respond(r, o, key, args) }, nil
	}
	if isPrivate(o.GetPlace()) && !fitsPrivately(m) {
		return func(r *storage.Ticket) { respond(r, o, messages.NoticeButtonStale, nil) }, nil
	}
	switch m := m.(type) {
	case *messages.CloseTicket:
		return t.closing(m), nil
	case *messages.ReopenTicket:
		return t.reopening(m), nil
	case *messages.SetPending:
		return t.pending(m), nil
	case *messages.SetPriority:
		return t.prioritising(m), nil
	case *messages.ShowTicket:
		return t.showing(m)
	case *messages.TopicRenamed:
		return t.renaming(m), nil
	case *messages.Mention:
		return t.mentioning(m)
	case *messages.ShowMentionPage:
		return t.turning(m)
	case *messages.LinkTopic:
		return t.linking(m)
	case *messages.UnlinkTopic:
		return t.unlinking(m)
	case *messages.UpdateTicket:
		return t.updating(m), nil
	case *messages.PersonReachable:
		return t.reachable(m), nil
	}
	return nil, fmt.Errorf("a ticket does not understand %s", typeName(m))
}

func (t *ticket) closing(m *messages.CloseTicket) func(*storage.Ticket) {
	o := m.Origin
	return func(r *storage.Ticket) {
		here := topicAt(r, o.Place, o.ThreadId)
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
		reason := cleanText(m.Reason)
		cause(r, messages.EventTicketClosed, o.CommandId, now, map[string]any{"by": creatorOf(o), "reason": reason})
		t.tellAll(r, o, messages.NoticeTicketClosed,
			map[string]string{"who": who(o), "reason": reason, "ticket": r.TicketID, "title": r.Title}, t.sequence)
		acknowledge(r, o)
	}
}

func (t *ticket) reopening(m *messages.ReopenTicket) func(*storage.Ticket) {
	o := m.Origin
	return func(r *storage.Ticket) {
		here := topicAt(r, o.Place, o.ThreadId)
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
		tryHomeAgain(r, o)
		cause(r, messages.EventTicketReopened, o.CommandId, now, map[string]any{"by": creatorOf(o)})
		t.tellAll(r, o, messages.NoticeTicketReopened, map[string]string{"who": who(o), "ticket": r.TicketID, "title": r.Title}, 0)
		acknowledge(r, o)
	}
}

func (t *ticket) pending(m *messages.SetPending) func(*storage.Ticket) {
	o := m.Origin
	return func(r *storage.Ticket) {
		switch r.Status {
		case statusClosed:
			respond(r, o, messages.NoticeTicketIsClosed, map[string]string{"ticket": r.TicketID, "command": "/pending"})
		case statusPending:
			respond(r, o, messages.NoticeAlreadyPending, map[string]string{"ticket": r.TicketID})
		default:
			t.update(r, o, func() { r.Status = statusPending })
			respondOpenly(r, o, messages.NoticePendingSet, map[string]string{"who": who(o), "ticket": r.TicketID})
		}
	}
}

// priorities are those that a ticket can have, lowest first.
var priorities = []string{"low", priorityNormal, "high", "urgent"}

func (t *ticket) prioritising(m *messages.SetPriority) func(*storage.Ticket) {
	o, wanted := m.Origin, strings.ToLower(strings.TrimSpace(m.Priority))
	return func(r *storage.Ticket) {
		switch {
		case r.Status == statusClosed:
			respond(r, o, messages.NoticeTicketIsClosed, map[string]string{"ticket": r.TicketID, "command": "/priority"})
		case wanted == "":
			respondKeyboard(r, o, messages.NoticePriorityChoose, priorityKeyboard(r.TicketID))
		case !slices.Contains(priorities, wanted):
			respond(r, o, messages.NoticePriorityUsage, map[string]string{"given": m.Priority})
		case r.Priority == wanted:
			respond(r, o, messages.NoticePrioritySame, map[string]string{"priority": wanted})
		default:
			t.update(r, o, func() { r.Priority = wanted })
			respondOpenly(r, o, messages.NoticePrioritySet,
				map[string]string{"who": who(o), "priority": wanted, "ticket": r.TicketID})
		}
	}
}

// update changes what the cards show and causes ticket.updated.
func (t *ticket) update(r *storage.Ticket, o *messages.Origin, f func()) {
	now := t.now().UTC().Truncate(time.Millisecond)
	f()
	r.UpdatedAt = now
	r.CardRevision++
	cause(r, messages.EventTicketUpdated, o.CommandId, now, map[string]any{"by": creatorOf(o)})
}

func (t *ticket) showing(m *messages.ShowTicket) (func(*storage.Ticket), error) {
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
	return func(r *storage.Ticket) {
		op := operationTo(o)
		op.Call = &messages.Operation_SendCard{SendCard: &messages.SendCardCall{Ticket: view, ReplyTo: o.MessageId}}
		owe(r, o.CommandId, op, 0)
		acknowledge(r, o)
	}, nil
}

func (t *ticket) renaming(m *messages.TopicRenamed) func(*storage.Ticket) {
	o := m.Origin
	return func(r *storage.Ticket) {
		here := topicAt(r, o.Place, o.ThreadId)
		name := cleanLine(m.Name)
		if here == nil || name == "" || here.Name == name {
			return
		}
		for _, topic := range topicsOf(r) {
			topic.NamedByHand = false
		}
		here.Name, here.NamedByHand = name, true
		title := strings.TrimSpace(strings.TrimSuffix(name, " · "+r.ShortID))
		if title == "" || title == r.Title {
			return
		}
		t.update(r, o, func() { r.Title = title })
	}
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

// cleanLine makes one line of a text: runs of blanks become one, control characters go.
func cleanLine(s string) string { return strings.Join(strings.Fields(cleanText(s)), " ") }

// cleanText takes away control characters other than line breaks and tabs, and what is not UTF-8.
func cleanText(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || !unicode.IsControl(r) {
			return r
		}
		return -1
	}, strings.ToValidUTF8(s, "\uFFFD"))
	return strings.TrimSpace(s)
}
