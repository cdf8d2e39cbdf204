package mongodb

import (
	"context"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/topicdesk/topicdesk/storage"
)

var (
	readAttachment = byID("attachments")
	attachmentsOf  = define("attachments", "message", bson.D{e("messageId", arg(0))}, bson.D{e("_id", 1)}, nil)
	// The remaining attachments of the message at which a page ended, and those of the messages after it.
	ticketAttachmentsThen = define("attachments", "ticket",
		bson.D{e("ticketId", arg(0)), e("sequence", arg(1)), e("_id", bson.D{e("$gt", arg(2))})}, bson.D{e("_id", 1)}, nil)
	ticketAttachments = define("attachments", "ticket",
		bson.D{e("ticketId", arg(0)), e("sequence", bson.D{e("$gt", arg(1))})}, bson.D{e("sequence", 1), e("_id", 1)}, nil)
	attachmentsWith = define("attachments", "sha256",
		bson.D{e("index.content.sha256", arg(0))}, bson.D{e("index.content.id", 1)}, nil)
	attachmentsAfter   = dumpByID("attachments")
	pendingAttachments = define("attachments", "owed",
		bson.D{e("index.due.ticket", arg(0)), e("index.due.at", bson.D{e("$lte", arg(1))})}, dueOrder, nil)
	dueAttachments = define("attachments", "due",
		bson.D{e("index.due.at", bson.D{e("$gt", arg(0)), e("$lte", arg(1))})}, dueOrder, dueFields)
	dueAttachmentsThen = define("attachments", "due",
		bson.D{e("index.due.at", arg(0)), e("index.due.id", bson.D{e("$gt", arg(1))})}, dueOrder, dueFields)
)

func attachmentDocument(a *storage.Attachment) (bson.Raw, bson.ObjectID, error) {
	if err := validID("attachment, ticket or message id", a.AttachmentID, a.TicketID, a.MessageID); err != nil {
		return nil, bson.ObjectID{}, err
	}
	var on []bson.E
	if a.SHA256 != "" {
		on = append(on, e("content", bson.D{e("sha256", a.SHA256), e("id", a.AttachmentID)}))
	}
	if !a.DueAt.IsZero() {
		on = append(on, e("due", bson.D{e("at", milli(a.DueAt)), e("id", a.AttachmentID), e("ticket", a.TicketID)}))
	}
	return encode(a.AttachmentID, a.Kept(), on...)
}

// InsertAttachments implements storage.Attachments. Each attachment is a write of its own, in order.
func (s *Store) InsertAttachments(ctx context.Context, all []storage.Attachment) error {
	if len(all) == 0 {
		return ctx.Err()
	}
	docs := make([]any, len(all))
	for i := range all {
		record := all[i]
		record.Version = 1
		doc, _, err := attachmentDocument(&record)
		if err != nil {
			return err
		}
		docs[i] = doc
	}
	// Only the id is unique, so a duplicate is this attachment.
	return s.insertEach(ctx, "attachments", docs, func(context.Context, int) error { return nil })
}

// SaveAttachment implements storage.Attachments.
func (s *Store) SaveAttachment(ctx context.Context, a *storage.Attachment) error {
	record, old := a.Kept(), a.Version
	record.Version++
	doc, writeID, err := attachmentDocument(&record)
	if err != nil {
		return err
	}
	err = s.save(ctx, &write{
		collection: "attachments", what: "attachment", id: record.AttachmentID, old: old, doc: doc, writeID: writeID,
	})
	if err == nil {
		a.Version = record.Version
	}
	return err
}

// Attachment implements storage.Attachments.
func (s *Store) Attachment(ctx context.Context, attachmentID string) (*storage.Attachment, error) {
	return get[storage.Attachment](ctx, s, "attachment", readAttachment, attachmentID)
}

// AttachmentsOf implements storage.Attachments.
func (s *Store) AttachmentsOf(ctx context.Context, messageID string) ([]storage.Attachment, error) {
	return find[storage.Attachment](ctx, s, attachmentsOf, many, messageID)
}

// TicketAttachments implements storage.Attachments.
func (s *Store) TicketAttachments(
	ctx context.Context, ticketID string, sequence int64, after string, limit int,
) ([]storage.Attachment, error) {
	page, err := find[storage.Attachment](ctx, s, ticketAttachmentsThen, limit, ticketID, sequence, after)
	if err != nil {
		return nil, err
	}
	rest, err := find[storage.Attachment](ctx, s, ticketAttachments, limit-len(page), ticketID, sequence)
	if err != nil {
		return nil, err
	}
	return append(page, rest...), nil
}

// AttachmentsWith implements storage.Attachments.
func (s *Store) AttachmentsWith(ctx context.Context, sha256 string, limit int) ([]storage.Attachment, error) {
	return find[storage.Attachment](ctx, s, attachmentsWith, limit, sha256)
}

// AttachmentsAfter implements storage.Attachments.
func (s *Store) AttachmentsAfter(ctx context.Context, after string, limit int) ([]storage.Attachment, error) {
	return find[storage.Attachment](ctx, s, attachmentsAfter, limit, after)
}

// PendingAttachments implements storage.Attachments.
func (s *Store) PendingAttachments(
	ctx context.Context, ticketID string, now time.Time, limit int,
) ([]storage.Attachment, error) {
	return find[storage.Attachment](ctx, s, pendingAttachments, limit, ticketID, milli(now))
}

// DueAttachments implements storage.Attachments.
func (s *Store) DueAttachments(
	ctx context.Context, now time.Time, after storage.Due, limit int,
) (page []storage.DueAttachment, err error) {
	if !after.At.IsZero() && !after.At.After(now) {
		if page, err = s.findDueAttachments(ctx, dueAttachmentsThen, limit, milli(after.At), after.ID); err != nil {
			return nil, err
		}
	}
	rest, err := s.findDueAttachments(ctx, dueAttachments, limit-len(page), milli(after.At), milli(now))
	if err != nil {
		return nil, err
	}
	return append(page, rest...), nil
}

func (s *Store) findDueAttachments(
	ctx context.Context, q *query, limit int, args ...any,
) ([]storage.DueAttachment, error) {
	found, err := find[dues](ctx, s, q, limit, args...)
	if err != nil {
		return nil, err
	}
	page := make([]storage.DueAttachment, len(found))
	for i, d := range found {
		due := d.Index.Due
		page[i] = storage.DueAttachment{Due: storage.Due{ID: due.ID, At: due.At.Time().UTC()}, TicketID: due.Ticket}
	}
	return page, nil
}
