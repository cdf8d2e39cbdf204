package ticket

import (
	"slices"
	"strings"
	"time"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/view"
)

// How events are made. Each is part of the write that it is about.

// cause adds an event to a record, with the ticket as the effect has left it so far. id is that of the command that
// caused it, or another that no event of this kind has in any other ticket. by is who did it; nil: nobody. If the event
// can't be made, because storage can't be read, the record is not written either: save returns the error.
func (t *ticket) cause(
	r *storage.Ticket, kind, id string, at time.Time, by *storage.Creator, data view.OfTicket,
) {
	event, err := t.seen().TicketEvent(t.Ctx, r, kind, id, at, by, data)
	if err != nil {
		t.unmade = err
		return
	}
	r.Events = append(r.Events, event)
	t.commands = append(t.commands, causedEvent{event.EventID, id})
}

// causedEvent is an event that is not written yet, and the command that caused it.
type causedEvent struct{ event, command string }

// logCaused logs the events that the record was written with, one line each: who follows a ticket by its id finds there what
// happened to it, and by which command. What is said on it is not there: that is counted, and traced.
func (t *ticket) logCaused(events []storage.Event, caused []causedEvent) {
	for i := range events {
		e := &events[i]
		if strings.HasPrefix(e.Type, "attachment.") { // as many as messages
			continue
		}
		about := []any{"event", e.Type, "eventId", e.EventID, "ticketNumber", t.record.Number} // its own number comes with its place
		at := slices.IndexFunc(caused, func(c causedEvent) bool { return c.event == e.EventID })
		if at >= 0 {
			about = append(about, "command", caused[at].command)
		}
		t.Log.Info("a ticket's event", about...)
	}
}

// topicRef is a topic as the data of an event name it. It fails as cause does.
func (t *ticket) topicRef(topic *storage.Topic) view.TopicRef {
	v, err := t.seen().Topic(t.Ctx, topic)
	if err != nil {
		t.unmade = err
	}
	return v
}

// messageSent makes the event of a message: the same one, by its id, whenever it is made. r is the ticket after it.
func (t *ticket) messageSent(r *storage.Ticket, m *storage.Message) (storage.Event, error) {
	file := ""
	if a := t.attachmentOf(desk.AsSent(m)); a != nil {
		file = a.AttachmentID
	}
	return t.seen().MessageSent(t.Ctx, r, m, file)
}

// told is what an event tells of a change of a message, beside the message itself.
type told struct {
	kind string
	by   *storage.Creator // nil: nobody
	data view.OfMessage
}

// messageChanged makes the event of a change of a message. id is that of the command that changed it.
func (t *ticket) messageChanged(m *storage.Message, id string, tell *told) (storage.Event, error) {
	shown, err := t.seen().Message(t.Ctx, t.record, m)
	if err != nil {
		return storage.Event{}, err
	}
	tell.data.Says(shown)
	e, err := t.seen().TicketEvent(t.Ctx, t.record, tell.kind, id, t.now(), tell.by, tell.data)
	desk.AboutNote(&e, m)
	return e, err
}

func (t *ticket) seen() desk.Seen { return desk.Seen{Store: t.Store, Aliases: t.room.Aliases} }

// creatorOf is who gave a command.
func creatorOf(o *messages.Origin) *storage.Creator {
	by := desk.CreatorOf(o)
	return &by
}
