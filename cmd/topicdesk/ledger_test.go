package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// ledger is what storage holds: it hears of each durable write, or reads a database. It knows what is pending, and
// which calls have a stored outcome.
type ledger struct {
	mu       sync.Mutex
	tickets  map[string]storage.Ticket
	messages map[string][]storage.Message // by ticket, in order
	copies   map[[2]string]storage.Copy   // by message and topic
	chats    map[string]storage.Chat
	groups   map[string]storage.Group
	events   map[string][]storage.Event // by ticket
}

func newLedger() *ledger {
	return &ledger{tickets: map[string]storage.Ticket{}, messages: map[string][]storage.Message{},
		copies: map[[2]string]storage.Copy{},
		chats:  map[string]storage.Chat{}, groups: map[string]storage.Group{}, events: map[string][]storage.Event{}}
}

// wrote receives a record that was written. Writers never change a record's slices afterwards.
func (l *ledger) wrote(record any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch r := record.(type) {
	case *storage.Ticket:
		if l.tickets[r.TicketID].Version < r.Version {
			l.tickets[r.TicketID] = *r
		}
	case *storage.Message:
		said := l.messages[r.TicketID]
		i := slices.IndexFunc(said, func(x storage.Message) bool { return x.MessageID == r.MessageID })
		switch {
		case i < 0:
			said = append(said, *r)
		case said[i].Version < r.Version:
			said = slices.Clone(said)
			said[i] = *r
		}
		l.messages[r.TicketID] = said
	case *storage.Copy:
		if k := [2]string{r.MessageID, r.TopicID}; l.copies[k].Version < r.Version {
			l.copies[k] = *r
		}
	case *storage.Chat:
		if l.chats[r.ChatID].Version < r.Version {
			l.chats[r.ChatID] = *r
		}
	case *storage.Group:
		if l.groups[r.GroupID].Version < r.Version {
			l.groups[r.GroupID] = *r
		}
	case []storage.Event:
		for _, e := range r {
			if !slices.ContainsFunc(l.events[e.TicketID],
				func(x storage.Event) bool { return x.Number == e.Number }) {
				l.events[e.TicketID] = append(l.events[e.TicketID], e)
			}
		}
	}
}

// at is a copy of the ledger in its current state.
func (l *ledger) at() *ledger {
	l.mu.Lock()
	defer l.mu.Unlock()
	return &ledger{tickets: maps.Clone(l.tickets), messages: maps.Clone(l.messages), copies: maps.Clone(l.copies),
		chats: maps.Clone(l.chats), groups: maps.Clone(l.groups), events: maps.Clone(l.events)}
}

// readLedger reads a database.
func readLedger(ctx context.Context, store storage.Dumper) (*ledger, error) {
	l := newLedger()
	for _, collection := range []string{"groups", "tickets", "messages", "copies", "chats", "events"} {
		for record, err := range store.Dump(ctx, collection, nil) {
			if err != nil {
				return nil, err
			}
			if e, isEvent := record.(*storage.Event); isEvent {
				record = []storage.Event{*e}
			}
			l.wrote(record)
		}
	}
	return l, nil
}

// changePending begins what pending says of a message whose copies may not show its latest change yet.
const changePending = "has a change of "

// pending names one thing that the service still has to do. It is empty if nothing is left but to number events.
func (l *ledger) pending() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, g := range l.groups {
		if len(g.Pending) > 0 {
			return "group " + g.GroupID + " has a pending command or notice"
		}
	}
	for _, c := range l.chats {
		if len(c.Answers) > 0 {
			return "chat " + c.ChatID + " has a pending answer"
		}
	}
	for _, t := range l.tickets {
		if what := l.ticketPending(&t); what != "" {
			return t.TicketID + " " + what
		}
	}
	return ""
}

func (l *ledger) ticketPending(t *storage.Ticket) string {
	if len(t.Pending) > 0 {
		return "has a pending " + t.Pending[0].Kind + " " + t.Pending[0].ID
	}
	topics := []storage.Topic{t.Home}
	for _, link := range t.Links {
		if !link.Ended {
			topics = append(topics, link.Topic)
		}
	}
	for _, topic := range topics {
		name := messages.TopicName(t.Title, t.Number)
		switch {
		case topic.Failure != "":
		case topic.TelegramTopicID == 0, topic.CardMessageID == 0, !topic.Introduced, !topic.Pinned,
			topic.CardMessageID > 0 && topic.CardRevision < t.CardRevision, topic.Closed != (t.Status == "closed"),
			!topic.NamedByHand && topic.Name != name:
			return "has work to do in topic " + topic.TopicID
		}
	}
	for _, m := range l.messages[t.TicketID] {
		if m.Outdated {
			return changePending + m.MessageID + " to show"
		}
		for _, into := range copiesOf(t, &m) {
			if c, found := l.copies[[2]string{m.MessageID, into}]; !found || c.Open() {
				return "has a copy to make of " + m.MessageID + " into " + into
			}
		}
	}
	return ""
}

// copiesOf lists the topics into which a message must be copied.
func copiesOf(t *storage.Ticket, m *storage.Message) (into []string) {
	for _, link := range t.Links {
		switch {
		case m.Internal, m.Sequence <= link.BeginSequence, link.Ended && m.Sequence > link.EndSequence:
		case m.TopicID == link.LinkID:
			into = append(into, "home")
		default:
			into = append(into, link.LinkID)
		}
	}
	return into
}

// numbered reports whether every event has its number, also those of copies that are reported as given up.
func (l *ledger) numbered() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.copies {
		told := ids.EventID(fmt.Sprintf("message.failed/failed/%s/%s/%d", c.MessageID, c.TopicID, c.Tries))
		if c.State == "failed" && c.Reported &&
			!slices.ContainsFunc(l.events[c.TicketID], func(e storage.Event) bool { return e.EventID == told }) {
			return false
		}
	}
	for id, t := range l.tickets {
		if said := l.messages[id]; len(t.Events) > 0 || len(said) > 0 &&
			t.EventsThrough < said[len(said)-1].Sequence {
			return false
		}
	}
	return true
}

// knows reports whether the outcome of a call is stored, so that the call must never be repeated.
func (l *ledger) knows(c call) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch ref := c.ref().GetWanted().(type) {
	case *messages.OperationRef_CopyPart:
		stored, found := l.copies[[2]string{ref.CopyPart.MessageId, ref.CopyPart.TopicId}]
		return found && (len(stored.Parts) > int(ref.CopyPart.Part) || stored.State == "failed")
	case *messages.OperationRef_CopyAlbum:
		stored, found := l.copies[[2]string{ref.CopyAlbum.MessageId, ref.CopyAlbum.TopicId}]
		return found && (len(stored.Parts) > 0 || stored.State == "failed")
	case *messages.OperationRef_TopicStep:
		return l.knowsStep(ref.TopicStep)
	case *messages.OperationRef_Pending:
		return !l.keeps(ref.Pending.Id, c.Place)
	}
	return true // it posts nothing, or nothing that may be lost here
}

// keeps reports whether a record keeps an operation as pending: the chat's, the group's or a ticket's.
func (l *ledger) keeps(id, place string) bool {
	is := func(o storage.Pending) bool { return o.ID == id }
	if slices.ContainsFunc(l.chats[place].Answers, is) || slices.ContainsFunc(l.groups[place].Pending, is) {
		return true
	}
	for _, t := range l.tickets {
		if slices.ContainsFunc(t.Pending, is) {
			return true
		}
	}
	return false
}

func (l *ledger) knowsStep(step *messages.TopicStep) bool {
	t := l.tickets[step.TicketId]
	topic := t.Home
	for _, link := range t.Links {
		if link.LinkID == step.TopicId {
			topic = link.Topic
		}
	}
	switch step.Kind {
	case messages.TopicStep_CREATE:
		return topic.TelegramTopicID != 0 || topic.Failure != ""
	case messages.TopicStep_CARD:
		return topic.CardMessageID != 0
	case messages.TopicStep_CONTEXT:
		return topic.Introduced
	case messages.TopicStep_MEDIUM:
		return topic.MediaShown > int(step.Medium)
	}
	return true
}

// gaps lists what is wrong with events. Their numbers must be 1, 2, 3 …; each event has one, and an id that no other
// event of any ticket has; and every message has its event.
func (l *ledger) gaps() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []error
	seen := map[string]bool{}
	for id, t := range l.tickets {
		events := slices.SortedFunc(slices.Values(l.events[id]),
			func(a, b storage.Event) int { return int(a.Number - b.Number) })
		sequence := int64(0)
		for i, e := range events {
			if e.Number != int64(i)+1 {
				all = append(all, fmt.Errorf("%s: event %d has number %d", id, i+1, e.Number))
			}
			if seen[e.EventID] {
				all = append(all, fmt.Errorf("%s: event %s is there twice", id, e.EventID))
			}
			seen[e.EventID] = true
			if e.Sequence > 0 {
				if e.Sequence != sequence+1 {
					all = append(all, fmt.Errorf("%s: the event of message %d follows that of message %d",
						id, e.Sequence, sequence))
				}
				sequence = e.Sequence
			}
		}
		if int(sequence) != len(l.messages[id]) {
			all = append(all, fmt.Errorf("%s: %d messages and events up to message %d",
				id, len(l.messages[id]), sequence))
		}
		if t.EventNumber != int64(len(events)) {
			all = append(all, fmt.Errorf("%s: %d events, of which the ticket knows %d",
				id, len(events), t.EventNumber))
		}
	}
	return errors.Join(all...)
}
