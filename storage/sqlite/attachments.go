package sqlite

import (
	"context"
	"time"

	"github.com/topicdesk/topicdesk/storage"
)

var (
	insertAttachment = define(`
		INSERT INTO attachments (attachment_id, ticket_id, message_id, sequence, sha256, due_at, version, doc)
		VALUES (?, ?, ?, ?, ?, ?, 1, ?) ON CONFLICT DO NOTHING`)
	updateAttachment = define(`
		UPDATE attachments SET ticket_id = ?2, message_id = ?3, sequence = ?4, sha256 = ?5, due_at = ?6,
			version = version + 1, doc = ?7
		WHERE attachment_id = ?1 AND version = ?8`)
	readAttachment    = define(`SELECT doc FROM attachments WHERE attachment_id = ?`)
	attachmentsOf     = define(`SELECT doc FROM attachments WHERE message_id = ? ORDER BY attachment_id`)
	ticketAttachments = define(`
		SELECT doc FROM attachments WHERE ticket_id = ? AND (sequence, attachment_id) > (?, ?)
		ORDER BY sequence, attachment_id LIMIT ?`)
	attachmentsWith    = define(`SELECT doc FROM attachments WHERE sha256 = ? ORDER BY attachment_id LIMIT ?`)
	attachmentsAfter   = define(`SELECT doc FROM attachments WHERE attachment_id > ? ORDER BY attachment_id LIMIT ?`)
	pendingAttachments = define(`
		SELECT doc FROM attachments WHERE ticket_id = ? AND due_at <= ? ORDER BY due_at, attachment_id LIMIT ?`)
	dueAttachments = define(`
		SELECT attachment_id, due_at, ticket_id FROM attachments WHERE (due_at, attachment_id) > (?, ?) AND due_at <= ?
		ORDER BY due_at, attachment_id LIMIT ?`)
)

func validAttachment(a *storage.Attachment) error {
	return validID("attachment, ticket or message id", a.AttachmentID, a.TicketID, a.MessageID)
}

func attachmentColumns(a *storage.Attachment, doc string) []any {
	return []any{a.AttachmentID, a.TicketID, a.MessageID, a.Sequence, orNull(a.SHA256), dueAt(a.DueAt), doc}
}

// InsertAttachments implements storage.Attachments. It stores all of them or none.
func (s *Store) InsertAttachments(ctx context.Context, all []storage.Attachment) error {
	if len(all) == 0 {
		return ctx.Err()
	}
	rows := make([][]any, len(all))
	for i := range all {
		record := all[i].Kept()
		record.Version = 1
		if err := validAttachment(&record); err != nil {
			return err
		}
		doc, err := encode(&record)
		if err != nil {
			return err
		}
		rows[i] = attachmentColumns(&record, doc)
	}
	return s.write(ctx, func(w *writer) error {
		insertAll := func() error {
			for _, columns := range rows {
				if _, err := w.exec(insertAttachment, columns...); err != nil {
					return err
				}
			}
			return nil
		}
		if len(rows) == 1 {
			return insertAll()
		}
		return w.atomically(insertAll)
	})
}

// SaveAttachment implements storage.Attachments.
func (s *Store) SaveAttachment(ctx context.Context, a *storage.Attachment) error {
	if err := validAttachment(a); err != nil {
		return err
	}
	record, old := a.Kept(), a.Version
	record.Version++
	doc, err := encode(&record)
	if err != nil {
		return err
	}
	columns := attachmentColumns(&record, doc)
	err = s.write(ctx, func(w *writer) error {
		if old == 0 {
			return w.one(exists("attachment", record.AttachmentID), insertAttachment, columns...)
		}
		return w.one(conflict("attachment", record.AttachmentID), updateAttachment, append(columns, old)...)
	})
	if err == nil {
		a.Version = record.Version
	}
	return err
}

// Attachment implements storage.Attachments.
func (s *Store) Attachment(ctx context.Context, attachmentID string) (*storage.Attachment, error) {
	return readOne[storage.Attachment](ctx, s, "attachment", readAttachment, attachmentID)
}

// AttachmentsOf implements storage.Attachments.
func (s *Store) AttachmentsOf(ctx context.Context, messageID string) ([]storage.Attachment, error) {
	return readAll[storage.Attachment](ctx, s, attachmentsOf, messageID)
}

// TicketAttachments implements storage.Attachments.
func (s *Store) TicketAttachments(
	ctx context.Context, ticketID string, sequence int64, after string, limit int,
) ([]storage.Attachment, error) {
	return readAll[storage.Attachment](ctx, s, ticketAttachments, ticketID, sequence, after, atMost(limit))
}

// AttachmentsWith implements storage.Attachments.
func (s *Store) AttachmentsWith(ctx context.Context, sha256 string, limit int) ([]storage.Attachment, error) {
	return readAll[storage.Attachment](ctx, s, attachmentsWith, sha256, atMost(limit))
}

// AttachmentsAfter implements storage.Attachments.
func (s *Store) AttachmentsAfter(ctx context.Context, after string, limit int) ([]storage.Attachment, error) {
	return readAll[storage.Attachment](ctx, s, attachmentsAfter, after, atMost(limit))
}

// PendingAttachments implements storage.Attachments.
func (s *Store) PendingAttachments(
	ctx context.Context, ticketID string, now time.Time, limit int,
) ([]storage.Attachment, error) {
	return readAll[storage.Attachment](ctx, s, pendingAttachments, ticketID, millis(now), atMost(limit))
}

// DueAttachments implements storage.Attachments.
func (s *Store) DueAttachments(
	ctx context.Context, now time.Time, after storage.Due, limit int,
) (page []storage.DueAttachment, err error) {
	err = s.read(ctx, func(c *conn) error {
		return c.query(dueAttachments, func(r row) error {
			due := storage.Due{ID: r.text(0), At: time.UnixMilli(r.int(1)).UTC()}
			page = append(page, storage.DueAttachment{Due: due, TicketID: r.text(2)})
			return nil
		}, millis(after.At), after.ID, millis(now), atMost(limit))
	})
	return page, err
}
