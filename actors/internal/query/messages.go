package query

import (
	"errors"
	"math"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/ids"
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
		v, err := q.messageRecord(ticket, &page[i])
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

func (q *query) messageRecord(ticket *storage.Ticket, m *storage.Message) (*messages.MessageRecord, error) {
	topic := desk.TopicOf(ticket, m.TopicID)
	if topic == nil {
		topic = &storage.Topic{TopicID: m.TopicID, GroupID: m.GroupID}
	}
	at, err := desk.TopicRecord(q.env.Ctx, q.env.Store, q.aliases, topic)
	if err != nil {
		return nil, err
	}
	v := &messages.MessageRecord{
		Code: messages.Code_OK, MessageId: m.MessageID, Sequence: m.Sequence, Sender: desk.SenderRecord(&m.Sender),
		Topic: at, Content: desk.ContentOf(m), Internal: m.Internal,
		SentMs: desk.MillisOf(m.SentAt), EditedMs: desk.MillisOf(m.EditedAt), Deleted: m.Deleted,
	}
	if m.ReplyTo != nil {
		if v.ReplyTo, err = q.repliedTo(m.TicketID, m.ReplyTo); err != nil {
			return nil, err
		}
		v.ReplyPreview = m.ReplyTo.Preview
	}
	v.Reference = referenceOf(m)
	v.AttachmentIds = m.Attachments
	if m.Media != nil && len(m.Attachments) == 0 {
		files, err := q.env.Store.AttachmentsOf(q.env.Ctx, m.MessageID)
		if err != nil {
			return nil, err
		}
		for i := range files {
			v.AttachmentIds = append(v.AttachmentIds, files[i].AttachmentID)
		}
	}
	copies, err := q.env.Store.CopiesOf(q.env.Ctx, m.MessageID)
	if err != nil {
		return nil, err
	}
	v.Deliveries, err = q.deliveries(ticket, m, copies)
	return v, err
}

// repliedTo is the id of the message that a reply in Telegram replies to. In Telegram that may be a copy; the id is the
// original's.
func (q *query) repliedTo(ticketID ids.TicketID, r *storage.ReplyTo) (ids.MessageKey, error) {
	if r.Answered != "" || r.MessageID == 0 {
		return r.Answered, nil
	}
	copies, err := q.env.Store.CopiesAt(q.env.Ctx, r.ChatID, r.MessageID)
	if err != nil {
		return "", err
	}
	for i := range slices.Backward(copies) {
		if copies[i].TicketID == ticketID {
			return copies[i].MessageID, nil
		}
	}
	if r.Origin != nil {
		return q.knownElsewhere(ticketID, r)
	}
	return messages.MessageKey(r.ChatID, r.MessageID), nil
}

// knownElsewhere is the id of an answered message in another chat or topic, "" when the ticket has no such message.
func (q *query) knownElsewhere(ticketID ids.TicketID, r *storage.ReplyTo) (ids.MessageKey, error) {
	m, err := q.env.Store.Message(q.env.Ctx, messages.MessageKey(r.ChatID, r.MessageID))
	switch {
	case errors.Is(err, storage.ErrNotFound) || err == nil && m.TicketID != ticketID:
		return "", nil
	case err != nil:
		return "", err
	}
	return m.MessageID, nil
}

// deliveries are what became of a message in each topic that it has to go into.
func (q *query) deliveries(
	ticket *storage.Ticket, m *storage.Message, copies []storage.Copy,
) (all []*messages.Delivery, err error) {
	if m.Internal {
		return nil, nil
	}
	var topics []*storage.Topic
	covers := func(l *storage.Link) bool {
		return m.Sequence > l.BeginSequence && (!l.Ended || m.Sequence <= l.EndSequence)
	}
	if own := desk.LinkOf(ticket, m.TopicID); own != nil && covers(own) {
		topics = append(topics, &ticket.Home)
	}
	for i := range ticket.Links {
		if l := &ticket.Links[i]; l.LinkID != m.TopicID && !desk.IsAPILink(l) && covers(l) {
			topics = append(topics, &l.Topic)
		}
	}
	for _, topic := range topics {
		d, err := q.delivery(topic, copies)
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, nil
}

// delivery is what became of a message in one topic. Its state is sent, failed or pending.
func (q *query) delivery(topic *storage.Topic, copies []storage.Copy) (*messages.Delivery, error) {
	at, err := desk.TopicRecord(q.env.Ctx, q.env.Store, q.aliases, topic)
	if err != nil {
		return nil, err
	}
	d := &messages.Delivery{Topic: at, State: "pending"}
	for i := range copies {
		c := &copies[i]
		if c.TopicID != topic.TopicID {
			continue
		}
		d.TelegramMessageIds, d.SentMs = c.Parts, desk.MillisOf(c.SentAt)
		switch c.State {
		case desk.CopySent:
			d.State = "sent"
		case desk.CopyFailed:
			d.State, d.Reason = "failed", c.Reason
		}
	}
	if d.State == "pending" && topic.Failure != "" {
		d.State, d.Reason = "failed", topic.Failure
	}
	return d, nil
}

// referenceOf is what a message answers, as far as Telegram shows it; nil: nothing, or nothing that may be told.
func referenceOf(m *storage.Message) *messages.ReplyTo {
	c := desk.ReplyOf(m)
	if c == nil || c.Preview == "" && c.MediaKind == "" && c.Origin == nil && c.Item == "" {
		return nil
	}
	return c
}
