package query

import (
	"math"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// What the API reads of a ticket's messages.

func (q *query) messageRecords(m *messages.ListMessageRecords) proto.Message {
	fail := func(err error) proto.Message { return &messages.MessageRecords{Code: q.code(m, err)} }
	ticket, err := q.env.Store.Ticket(q.env.Ctx, m.TicketId)
	if err != nil {
		return fail(err)
	}
	page, err := q.messagePage(m)
	if m.NotesOf != "" && err == nil {
		page, err = q.withoutNotesElsewhere(m, page)
	}
	if err != nil {
		return fail(err)
	}
	reply := &messages.MessageRecords{Code: messages.Code_OK}
	for i := range page {
		v, err := desk.MessageRecord(q.env.Ctx, q.env.Store, q.aliases, ticket, &page[i])
		if err != nil {
			return fail(err)
		}
		reply.Messages = append(reply.Messages, v)
	}
	return reply
}

// messagePage is a page of a ticket's messages; with a message id, a page of at most one.
func (q *query) messagePage(m *messages.ListMessageRecords) ([]storage.Message, error) {
	s, ctx := q.env.Store, q.env.Ctx
	switch {
	case m.MessageId != "":
		one, err := s.Message(ctx, m.MessageId)
		if err != nil || one.TicketID != m.TicketId {
			return nil, err
		}
		return []storage.Message{*one}, nil
	case m.NewestFirst && m.After > 0:
		return s.MessagesBefore(ctx, m.TicketId, m.After, int(m.Limit))
	case m.NewestFirst:
		return s.MessagesBefore(ctx, m.TicketId, math.MaxInt64, int(m.Limit))
	}
	return s.MessagesAfter(ctx, m.TicketId, m.After, int(m.Limit))
}

// withoutNotesElsewhere leaves out the internal notes that were written in other groups than the asked one, and reads on
// until the page is full again.
func (q *query) withoutNotesElsewhere(m *messages.ListMessageRecords, page []storage.Message) ([]storage.Message, error) {
	elsewhere := func(x storage.Message) bool { return x.Internal && x.GroupID != m.NotesOf }
	next := proto.CloneOf(m)
	var kept []storage.Message
	for {
		full := len(page) == int(m.Limit)
		if full {
			next.After = page[len(page)-1].Sequence
		}
		kept = append(kept, slices.DeleteFunc(page, elsewhere)...)
		if !full || m.MessageId != "" || len(kept) >= int(m.Limit) {
			return kept[:min(len(kept), int(m.Limit))], nil
		}
		var err error
		if page, err = q.messagePage(next); err != nil {
			return nil, err
		}
	}
}
