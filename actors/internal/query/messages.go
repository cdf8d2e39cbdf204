package query

import (
	"math"

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
