package query

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/delivery"
	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// What the API reads of tickets, their events and attachments.

func (q *query) ticketRecord(m *messages.GetTicket) proto.Message {
	r, err := q.env.Store.Ticket(q.env.Ctx, m.TicketId)
	if err != nil {
		return &messages.TicketRecord{Code: q.code(m, err)}
	}
	if err := desk.CatchUp(q.env.Ctx, q.env.Store, r); err != nil {
		return &messages.TicketRecord{Code: q.code(m, err)}
	}
	v, err := desk.RevisedRecord(q.env.Ctx, q.env.Store, q.aliases, r)
	if err != nil {
		return &messages.TicketRecord{Code: q.code(m, err)}
	}
	return v
}

func (q *query) ticketRecords(m *messages.ListTicketRecords) proto.Message {
	page, err := q.env.Store.ListTickets(q.env.Ctx, storage.TicketQuery{
		Statuses: m.Statuses, Priorities: m.Priorities, GroupID: m.GroupId,
		Creator:    storage.CreatorKey{Kind: m.CreatorKind, ID: m.CreatorId},
		ExternalID: m.ExternalId, Text: m.Text, WaitingFor: m.WaitingFor, Assignee: m.Assignee, By: storage.TicketTime(m.By), OldestFirst: m.OldestFirst,
		From: desk.TimeOf(m.FromMs), To: desk.TimeOf(m.ToMs), After: cursorOf(m.After), Limit: int(m.Limit),
	})
	refused := func(reason string) proto.Message {
		return &messages.TicketRecords{Code: messages.Code_CONFLICT, Reason: reason, Detail: err.Error()}
	}
	switch {
	case errors.Is(err, storage.ErrNoIndex):
		return refused(messages.ReasonListNotServed)
	case errors.Is(err, storage.ErrSearch):
		return refused(messages.ReasonSearchTooShort)
	}
	reply := &messages.TicketRecords{Code: q.code(m, err)}
	for i := range page.Tickets {
		v, err := desk.TicketRecord(q.env.Ctx, q.env.Store, q.aliases, &page.Tickets[i])
		if err != nil {
			return &messages.TicketRecords{Code: q.code(m, err)}
		}
		reply.Tickets = append(reply.Tickets, v)
	}
	if page.Next != nil {
		reply.Next = &messages.Place{AtMs: page.Next.At.UnixMilli(), Id: page.Next.ID}
	}
	return reply
}

// cursorOf is the end of the page before; nil: the first page is asked for.
func cursorOf(c *messages.Place) *storage.Cursor {
	if c == nil {
		return nil
	}
	return &storage.Cursor{At: time.UnixMilli(c.AtMs).UTC(), ID: c.Id}
}

func (q *query) eventRecords(m *messages.ListEventRecords) proto.Message {
	page, err := q.shownEvents(m)
	reply := &messages.EventRecords{Code: q.code(m, err)}
	for _, e := range page {
		data, err := q.showGroup(e.Data)
		if err == nil && !m.Words && saysSomething(e.Type) {
			data, err = delivery.WithoutWords(data)
		}
		if err != nil {
			return &messages.EventRecords{Code: q.code(m, err)}
		}
		reply.Events = append(reply.Events, &messages.EventRecord{
			EventId: e.EventID, Number: e.Number, Type: e.Type, AtMs: desk.MillisOf(e.At), Data: data,
		})
	}
	return reply
}

// shownEvents is a page of a ticket's events without those of internal notes that the reader may not see.
func (q *query) shownEvents(m *messages.ListEventRecords) (shown []storage.Event, err error) {
	for after := m.After; ; {
		page, err := q.env.Store.EventsAfter(q.env.Ctx, m.TicketId, after, int(m.Limit))
		if err != nil {
			return nil, fmt.Errorf("read the events of a ticket: %w", err)
		}
		for i := range page {
			e := &page[i]
			after = e.Number
			hidden := e.Internal && (!m.Words || m.NotesOf != "" && desk.IsNoteElsewhere(e, m.NotesOf))
			if !hidden && len(shown) < int(m.Limit) {
				shown = append(shown, *e)
			}
		}
		if len(page) < int(m.Limit) || len(shown) == int(m.Limit) {
			return shown, nil
		}
	}
}

// saysSomething reports whether events of a type tell what somebody says in a ticket, or which files they send.
func saysSomething(kind string) bool {
	return strings.HasPrefix(kind, "message.") || strings.HasPrefix(kind, "attachment.")
}

// showGroup replaces the internal id of the group in an event, which nobody outside knows, by today's Telegram id.
func (q *query) showGroup(data []byte) ([]byte, error) {
	var fields map[string]json.RawMessage
	if json.Unmarshal(data, &fields) != nil || fields["groupId"] == nil {
		return data, nil
	}
	var group ids.Place
	if json.Unmarshal(fields["groupId"], &group) != nil {
		return data, nil
	}
	chat, err := desk.ChatOf(q.env.Ctx, q.env.Store, group)
	if err != nil {
		return nil, err
	}
	delete(fields, "groupId")
	if chat != 0 { // a private chat has no group
		fields["groupId"] = json.RawMessage(strconv.FormatInt(chat, 10))
	}
	return json.Marshal(fields)
}

func (q *query) attachment(m *messages.GetAttachment) proto.Message {
	a, err := q.env.Store.Attachment(q.env.Ctx, m.AttachmentId)
	if err != nil {
		return &messages.AttachmentRecord{Code: q.code(m, err)}
	}
	ticket, err := q.env.Store.Ticket(q.env.Ctx, a.TicketID)
	if err != nil {
		return &messages.AttachmentRecord{Code: q.code(m, err)}
	}
	hidden, err := q.isOfNoteElsewhere(a, m.NotesOf)
	if err != nil {
		return &messages.AttachmentRecord{Code: q.code(m, err)}
	}
	if hidden || desk.IsRetracted(ticket, a) {
		return &messages.AttachmentRecord{Code: messages.Code_NOT_FOUND}
	}
	v := desk.AttachmentRecord(a)
	v.GroupId = ticket.GroupID
	return v
}

// isOfNoteElsewhere reports whether a file came with an internal note that was written in another group than this one; ""
// is every group.
func (q *query) isOfNoteElsewhere(a *storage.Attachment, groupID string) (bool, error) {
	if groupID == "" {
		return false, nil
	}
	m, err := q.env.Store.Message(q.env.Ctx, a.MessageID)
	if errors.Is(err, storage.ErrNotFound) { // of the description, or uploaded and not sent
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read the message of a file: %w", err)
	}
	return m.Internal && m.GroupID != groupID, nil
}
