package view

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/topicdesk/topicdesk/messages"
)

// Envelope is an event as subscribers get it: in a webhook, in the feed, in a ticket's list.
type Envelope struct {
	ID        string          `json:"id" doc:"The event's id. It is opaque. The same cause has the same id for ever, so an id that was seen before is a repetition." example:"evt_a5kt2mmmwfx5ttk4mzdkzc2d3q"`
	Type      string          `json:"type" doc:"What happened. More types may come: skip those that you do not know." example:"ticket.created"`
	Timestamp string          `json:"timestamp" format:"date-time" doc:"When it happened, in UTC, with milliseconds." example:"2026-03-01T09:00:00.000Z"`
	TicketID  *string         `json:"ticketId" doc:"The ticket that it happened to. null for events of no ticket." example:"TICK-MWWK9D73-FBC14E0C"`
	Number    *int64          `json:"number" doc:"The event's number within the ticket: 1, 2, 3 …, without gaps. Whoever filters sees the numbers of what they asked for. null for events of no ticket." example:"1"`
	Data      json.RawMessage `json:"data" doc:"What happened; the fields depend on the type."`
}

// EnvelopeOf is an event of a ticket, or of none if ticketID is "".
func EnvelopeOf(ticketID string, e *messages.EventRecord) Envelope {
	v := Envelope{ID: e.EventId, Type: e.Type, Timestamp: Timestamp(time.UnixMilli(e.AtMs)), Data: e.Data}
	if ticketID != "" {
		v.TicketID, v.Number = &ticketID, &e.Number
	}
	return v
}

// AppendJSON appends the envelope as JSON, with the data byte by byte as they are stored: the same event always has the
// same bytes. Data that are not there are {}.
func (e *Envelope) AppendJSON(b []byte) []byte {
	b = appendField(append(b, '{'), "id", e.ID)
	b = appendField(append(b, ','), "type", e.Type)
	b = appendField(append(b, ','), "timestamp", e.Timestamp)
	if e.TicketID == nil {
		b = append(b, `,"ticketId":null`...)
	} else {
		b = appendField(append(b, ','), "ticketId", *e.TicketID)
	}
	if e.Number == nil {
		b = append(b, `,"number":null`...)
	} else {
		b = strconv.AppendInt(append(b, `,"number":`...), *e.Number, 10)
	}
	b = append(b, `,"data":`...)
	if len(e.Data) == 0 {
		return append(b, "{}}"...)
	}
	return append(append(b, e.Data...), '}')
}

// MarshalJSON is AppendJSON.
func (e Envelope) MarshalJSON() ([]byte, error) {
	return e.AppendJSON(make([]byte, 0, len(e.Data)+256)), nil
}

// appendField appends a field of a name and a text that JSON takes as they are, or escaped if it does not.
func appendField(b []byte, name, text string) []byte {
	b = append(append(append(b, '"'), name...), `":`...)
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || strings.IndexByte(`"\<>&`, c) >= 0 {
			quoted, _ := json.Marshal(text) // of a string: it can't fail
			return append(b, quoted...)
		}
	}
	return append(append(append(b, '"'), text...), '"')
}

// Timestamp is a time as envelopes have it: RFC 3339, in UTC, with milliseconds.
func Timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
