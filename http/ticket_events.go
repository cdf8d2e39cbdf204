package httpedge

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/view"
)

func (a *API) eventOperations() {
	register(a, op{
		id: "listEvents", method: http.MethodGet, path: "/tickets/{id}/events",
		tag: tagTickets, summary: "List the events of a ticket", scope: "tickets:read",
		description: "Lists the ticket's history, oldest first, as long as events are kept (`EVENTS_RETENTION`). Events are numbered " +
			"without gaps, within a second of what caused them. A key without the scope `messages:read` gets no events of internal notes, so it " +
			"finds gaps, and of the events of messages and files only ids, enumerations and times." + aboutTickets + aboutNotes,
		answer: exampleList(Event{
			EventID: messages.EventTicketCreated + "/-1001234567890:42", Number: 1, Type: messages.EventTicketCreated,
			At: view.ExampleTime, Data: map[string]any{"ticketId": "TICK-MWWK9D73-FBC14E0C", "title": "Printer is on fire",
				"status": "open", "priority": "high"}}),
	}, a.listEvents)
}

// Event is a fact that happened to a ticket.
type Event struct {
	EventID string         `json:"eventId" doc:"The event's id. The same cause always makes the same id."`
	Number  int64          `json:"number" doc:"The event's number within the ticket: 1, 2, 3 …, without gaps." example:"1"`
	Type    string         `json:"type" example:"ticket.created"`
	At      view.Time      `json:"at"`
	Data    map[string]any `json:"data" doc:"What happened; the fields depend on the type."`
}

type listEventsInput struct {
	TicketPath
	PageInput
}

type eventListOutput struct {
	Body List[Event]
}

func (a *API) listEvents(ctx context.Context, c *call, in *listEventsInput) (*eventListOutput, error) {
	record, err := a.seen(ctx, c, in.ID)
	if err != nil {
		return nil, err
	}
	m := &messages.ListEventRecords{TicketId: record.TicketId, Limit: int32(in.Limit + 1), NotesOf: c.key.GroupId,
		Words: messages.ScopeAllows(c.key.Scopes, scopeMessagesRead)}
	list := "events/" + record.TicketId
	if in.Cursor != "" {
		if err := readCursor(list, in.Cursor, &m.After); err != nil {
			return nil, err
		}
	}
	found, err := ask[*messages.EventRecords](ctx, a, messages.KindQuery, "", m)
	if err != nil {
		return nil, err
	}
	key := func(e *messages.EventRecord) any { return e.Number }
	return &eventListOutput{Body: listOf(found.Events, in.Limit, list, key, eventOf)}, nil
}

func eventOf(e *messages.EventRecord) Event {
	v := Event{EventID: e.EventId, Number: e.Number, Type: e.Type, At: view.At(e.AtMs)}
	in := json.NewDecoder(bytes.NewReader(e.Data))
	in.UseNumber() // metadata may have integers that a float64 rounds
	if in.Decode(&v.Data) != nil || v.Data == nil {
		v.Data = map[string]any{}
	}
	return v
}
