package desk

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/tracing"
	"github.com/topicdesk/topicdesk/view"
)

// EventsSince lists the events of next that are not in previous. Both are in order, and next only appends.
func EventsSince(previous, next []storage.Event) []storage.Event {
	known := make(map[string]bool, len(previous))
	for _, e := range previous {
		known[EventID(e.EventID)] = true
	}
	var fresh []storage.Event
	for _, e := range next {
		if !known[EventID(e.EventID)] {
			fresh = append(fresh, e)
		}
	}
	return fresh
}

// EventID is the id of an event as it is today. Until release 1.0.2 an id was the type, a slash and the id of the cause
// (docs/decisions.md, D87); one of today stays as it is.
func EventID(stored string) string {
	if strings.Contains(stored, "/") {
		return ids.EventID(stored)
	}
	return stored
}

// Seen is where and how events are made: what the ticket's view needs beside its record.
type Seen struct {
	Store   storage.Store
	Aliases *Aliases
}

// TicketEvent makes an event of a ticket as its record r is: with the ticket and who did it in the data. cause is the
// id of what caused it, and at is when. by is nil where nobody did it. It reads storage only where an alias is not
// cached.
func (s Seen) TicketEvent(
	ctx context.Context, r *storage.Ticket, kind, cause string, at time.Time, by *storage.Creator, data view.OfTicket,
) (storage.Event, error) {
	fail := func(err error) (storage.Event, error) { return storage.Event{}, fmt.Errorf("make %s: %w", kind, err) }
	record, err := TicketRecord(ctx, s.Store, s.Aliases, r)
	if err != nil {
		return fail(err)
	}
	var actor *view.Creator
	if by != nil {
		actor = &view.Creator{Kind: by.Kind, ID: by.ID, Name: by.Name}
	}
	data.About(view.TicketOf(record), actor)
	raw, err := json.Marshal(data)
	if err != nil {
		return fail(err)
	}
	return storage.Event{
		EventID: ids.EventID(kind + "/" + cause), TicketID: r.TicketID, GroupID: r.GroupID, Type: kind,
		At: at.UTC().Truncate(time.Millisecond), Data: raw, Traceparent: tracing.MarkOf(ctx).Traceparent(),
	}, nil
}

// MessageSent makes the event of a message of a ticket: of how it was sent, whatever happened to it since.
// attachmentID names the file that it brings; "" for none.
func (s Seen) MessageSent(
	ctx context.Context, r *storage.Ticket, m *storage.Message, attachmentID string,
) (storage.Event, error) {
	record, err := SentRecord(ctx, s.Store, s.Aliases, r, m, attachmentID)
	if err != nil {
		return storage.Event{}, fmt.Errorf("make message.sent: %w", err)
	}
	by := Uploader(m.Sender)
	e, err := s.TicketEvent(ctx, r, messages.EventMessageSent, m.MessageID, m.RecordedAt, &by,
		&view.MessageData{Message: view.MessageOf(record)})
	e.Sequence = m.Sequence
	if e.Internal = record.Internal; e.Internal {
		e.NoteGroupID = m.GroupID
	}
	return e, err
}

// Message is a message as events show it.
func (s Seen) Message(ctx context.Context, r *storage.Ticket, m *storage.Message) (view.Message, error) {
	record, err := MessageRecord(ctx, s.Store, s.Aliases, r, m)
	if err != nil {
		return view.Message{}, err
	}
	return view.MessageOf(record), nil
}

// Topic is a topic as events show it.
func (s Seen) Topic(ctx context.Context, t *storage.Topic) (view.TopicRef, error) {
	record, err := TopicRecord(ctx, s.Store, s.Aliases, t)
	if err != nil {
		return view.TopicRef{}, err
	}
	return view.TopicOf(record), nil
}

// PreviousOf is what a message said before an edit. It is nil if that was an internal note and the message no longer
// is, so that nobody who hears no notes hears what it said.
func PreviousOf(was, is *storage.Message) *view.PreviousContent {
	if was.Internal && !is.Internal {
		return nil
	}
	v := &view.PreviousContent{Text: was.Text, Entities: view.EntitiesOf(EntitiesOf(was.Entities))}
	if was.Media != nil {
		v.Media = &was.Media.Kind
	}
	return v
}

// ReactionOf is a reaction as events show it.
func ReactionOf(r storage.Reaction) view.Reaction {
	v := view.Reaction{TopicID: r.TopicID}
	if r.Emoji != "" {
		v.Emoji = &r.Emoji
	}
	if r.CustomEmojiID != "" {
		v.CustomEmojiID = &r.CustomEmojiID
	}
	return v
}

// ChangesOf are the fields of a ticket that differ.
func ChangesOf(was, is *storage.Ticket) (c view.Changes) {
	changed := func(was, is string) *view.Change[string] {
		if was == is {
			return nil
		}
		return &view.Change[string]{Before: was, After: is}
	}
	c.Title, c.Description = changed(was.Title, is.Title), changed(was.Description, is.Description)
	c.Status, c.Priority = changed(was.Status, is.Status), changed(was.Priority, is.Priority)
	if !slices.Equal(was.DescriptionEntities, is.DescriptionEntities) {
		c.DescriptionEntities = &view.Change[[]view.TextEntity]{
			Before: view.EntitiesOf(EntitiesOf(was.DescriptionEntities)),
			After:  view.EntitiesOf(EntitiesOf(is.DescriptionEntities)),
		}
	}
	if string(was.Metadata) != string(is.Metadata) {
		c.Metadata = &view.Change[view.Metadata]{Before: view.Metadata(was.Metadata), After: view.Metadata(is.Metadata)}
	}
	return c
}
