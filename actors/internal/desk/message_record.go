package desk

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// Messages as the API and events show them.

// MessageRecord is a message of a ticket as it is now.
func MessageRecord(
	ctx context.Context, store storage.Store, aliases *Aliases, ticket *storage.Ticket, m *storage.Message,
) (*messages.MessageRecord, error) {
	copies, err := store.CopiesOf(ctx, m.MessageID)
	if err != nil {
		return nil, err
	}
	v, err := messageRecord(ctx, store, aliases, ticket, m, copies)
	if err != nil {
		return nil, err
	}
	if m.Media != nil && len(m.Attachments) == 0 {
		files, err := store.AttachmentsOf(ctx, m.MessageID)
		if err != nil {
			return nil, err
		}
		for i := range files {
			v.AttachmentIds = append(v.AttachmentIds, files[i].AttachmentID)
		}
	}
	return v, nil
}

// SentRecord is a message as it was when it was sent: before any edit, with every copy pending. Of a message that
// answers nothing it needs no look into storage. attachmentID names the file that it brings; "" for none.
func SentRecord(
	ctx context.Context, store storage.Store, aliases *Aliases, ticket *storage.Ticket, m *storage.Message,
	attachmentID string,
) (*messages.MessageRecord, error) {
	v, err := messageRecord(ctx, store, aliases, ticket, AsSent(m), nil)
	if err == nil && attachmentID != "" && len(m.Attachments) == 0 {
		v.AttachmentIds = []string{attachmentID}
	}
	return v, err
}

// AsSent is a message as it was before anything happened to it.
func AsSent(m *storage.Message) *storage.Message {
	if m.Revision == 0 {
		return m
	}
	first := *m
	first.Deleted, first.EditedAt = false, time.Time{}
	if len(m.Former) > 0 {
		was := &m.Former[0]
		first.Text, first.Entities, first.Media = was.Text, was.Entities, was.Media
		first.LinkPreview, first.Internal = was.LinkPreview, was.Internal
	}
	return &first
}

// messageRecord is a message with the given copies and the attachments that its record names.
func messageRecord(
	ctx context.Context, store storage.Store, aliases *Aliases, ticket *storage.Ticket, m *storage.Message,
	copies []storage.Copy,
) (*messages.MessageRecord, error) {
	topic := TopicOf(ticket, m.TopicID)
	if topic == nil {
		topic = &storage.Topic{TopicID: m.TopicID, GroupID: m.GroupID}
	}
	at, err := TopicRecord(ctx, store, aliases, topic)
	if err != nil {
		return nil, err
	}
	v := &messages.MessageRecord{
		Code: messages.Code_OK, MessageId: m.MessageID, Sequence: m.Sequence, Sender: SenderRecord(&m.Sender),
		Topic: at, Content: ContentOf(m), Internal: m.Internal,
		SentMs: MillisOf(m.SentAt), EditedMs: MillisOf(m.EditedAt), Deleted: m.Deleted,
		Reference: referenceOf(m), AttachmentIds: m.Attachments,
	}
	if m.ReplyTo != nil {
		if v.ReplyTo, err = repliedTo(ctx, store, m.TicketID, m.ReplyTo); err != nil {
			return nil, err
		}
		v.ReplyPreview = m.ReplyTo.Preview
	}
	v.Deliveries, err = deliveries(ctx, store, aliases, ticket, m, copies)
	return v, err
}

// repliedTo is the id of the message that a reply replies to; "" if that is not one of the ticket's, whose readers may
// not know where another ticket's messages are. In Telegram it may be a copy; the id is the original's.
func repliedTo(
	ctx context.Context, store storage.Store, ticketID ids.TicketID, r *storage.ReplyTo,
) (ids.MessageKey, error) {
	switch {
	case r.Answered != "":
		return ownMessage(ctx, store, ticketID, r.Answered, true)
	case r.MessageID == 0:
		return "", nil
	}
	copies, err := store.CopiesAt(ctx, r.ChatID, r.MessageID)
	if err != nil {
		return "", err
	}
	for i := range slices.Backward(copies) {
		if copies[i].TicketID == ticketID {
			return copies[i].MessageID, nil
		}
	}
	return ownMessage(ctx, store, ticketID, messages.MessageKey(r.ChatID, r.MessageID), r.Origin != nil)
}

// ownMessage is the id of a message, "" if it is another ticket's. One that the desk does not have is told unless it is
// elsewhere: then it stands in the ticket's own topic.
func ownMessage(
	ctx context.Context, store storage.Store, ticketID ids.TicketID, id ids.MessageKey, elsewhere bool,
) (ids.MessageKey, error) {
	m, err := store.Message(ctx, id)
	switch {
	case errors.Is(err, storage.ErrNotFound) && elsewhere, err == nil && m.TicketID != ticketID:
		return "", nil
	case err != nil && !errors.Is(err, storage.ErrNotFound):
		return "", err
	}
	return id, nil
}

// deliveries are what became of a message in each topic that it has to go into.
func deliveries(
	ctx context.Context, store storage.Store, aliases *Aliases, ticket *storage.Ticket, m *storage.Message,
	copies []storage.Copy,
) (all []*messages.Delivery, err error) {
	if m.Internal {
		return nil, nil
	}
	var topics []*storage.Topic
	covers := func(l *storage.Link) bool {
		return m.Sequence > l.BeginSequence && (!l.Ended || m.Sequence <= l.EndSequence)
	}
	if own := LinkOf(ticket, m.TopicID); own != nil && covers(own) {
		topics = append(topics, &ticket.Home)
	}
	for i := range ticket.Links {
		if l := &ticket.Links[i]; l.LinkID != m.TopicID && !IsAPILink(l) && covers(l) {
			topics = append(topics, &l.Topic)
		}
	}
	for _, topic := range topics {
		d, err := delivery(ctx, store, aliases, topic, copies)
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, nil
}

// delivery is what became of a message in one topic. Its state is sent, failed or pending.
func delivery(
	ctx context.Context, store storage.Store, aliases *Aliases, topic *storage.Topic, copies []storage.Copy,
) (*messages.Delivery, error) {
	at, err := TopicRecord(ctx, store, aliases, topic)
	if err != nil {
		return nil, err
	}
	d := &messages.Delivery{Topic: at, State: "pending"}
	for i := range copies {
		c := &copies[i]
		if c.TopicID != topic.TopicID {
			continue
		}
		d.TelegramMessageIds, d.SentMs = c.Parts, MillisOf(c.SentAt)
		switch c.State {
		case CopySent:
			d.State = "sent"
		case CopyFailed:
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
	c := ReplyOf(m)
	if c == nil || c.Preview == "" && c.MediaKind == "" && c.Origin == nil && c.Item == "" {
		return nil
	}
	return c
}
