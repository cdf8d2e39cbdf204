package desk

import (
	"encoding/json"
	"strconv"
	"time"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// PartitionOf is the identity of the log's partition that has the events of an entity.
func PartitionOf(id string) string { return strconv.Itoa(storage.PartitionOf(id)) }

// AppendEvents gives the events of an entity to the log. numbered is the number up to which the entity knows that its
// events are there.
func AppendEvents(kind, id string, numbered int64, events []storage.Event) *messages.AppendEvents {
	m := &messages.AppendEvents{OwnerKind: kind, OwnerId: id, Numbered: numbered, Events: make([]*messages.LoggedEvent, len(events))}
	for i := range events {
		m.Events[i] = LoggedEvent(&events[i])
	}
	return m
}

// LoggedEvent is an event as a message.
func LoggedEvent(e *storage.Event) *messages.LoggedEvent {
	return &messages.LoggedEvent{
		EventId: e.EventID, TicketId: e.TicketID, Number: e.Number, Partition: int32(e.Partition), Position: e.Position,
		Type: e.Type, Sequence: e.Sequence, AtMs: e.At.UnixMilli(), GroupId: e.GroupID, Internal: e.Internal, Data: e.Data,
		Traceparent: e.Traceparent, NoteGroupId: e.NoteGroupID,
	}
}

// EventToStore is the record of an event that came as a message.
func EventToStore(e *messages.LoggedEvent) storage.Event {
	return storage.Event{
		EventID: e.EventId, TicketID: e.TicketId, Number: e.Number, Partition: int(e.Partition), Position: e.Position,
		Type: e.Type, Sequence: e.Sequence, At: time.UnixMilli(e.AtMs).UTC(), GroupID: e.GroupId, Internal: e.Internal, Data: e.Data,
		Traceparent: e.Traceparent, NoteGroupID: e.NoteGroupId,
	}
}

// AboutNote marks an event as one about a message if that is an internal note.
func AboutNote(e *storage.Event, m *storage.Message) {
	if e.Internal = m.Internal; m.Internal {
		e.NoteGroupID = m.GroupID
	}
}

// IsNoteElsewhere reports whether an event is about an internal note that was written in another group than this one. Older
// events don't name the group (docs/decisions.md, D246): such a note is one of the home group if its data say so, else elsewhere.
func IsNoteElsewhere(e *storage.Event, groupID string) bool {
	if !e.Internal || e.NoteGroupID != "" {
		return e.Internal && e.NoteGroupID != groupID
	}
	var data struct {
		Message struct {
			Topic struct {
				TopicID string `json:"topicId"`
			} `json:"topic"`
		} `json:"message"`
	}
	return json.Unmarshal(e.Data, &data) != nil || data.Message.Topic.TopicID != HomeTopic || e.GroupID != groupID
}
