package storagetest

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/topicdesk/topicdesk/storage"
)

func (m *model) InsertAttachments(ctx context.Context, all []storage.Attachment) error {
	for i := range all {
		a := unsaved(all[i])
		err := modelSave(ctx, m, m.attachments, a.AttachmentID, &a, a, attachmentVersion, nil)
		if err != nil && kind(err) != storage.ErrExists {
			return err
		}
	}
	return ctx.Err()
}

func unsaved(a storage.Attachment) storage.Attachment {
	a.Version = 0
	return a.Kept()
}

func (m *model) Attachment(ctx context.Context, id string) (*storage.Attachment, error) {
	return modelGet(ctx, m, m.attachments, id)
}

func (m *model) SaveAttachment(ctx context.Context, a *storage.Attachment) error {
	return modelSave(ctx, m, m.attachments, a.AttachmentID, a, a.Kept(), attachmentVersion, nil)
}

func (m *model) listAttachments(
	ctx context.Context, limit int, order func(a, b storage.Attachment) int, want func(storage.Attachment) bool,
) ([]storage.Attachment, error) {
	sort := func(page []storage.Attachment) { slices.SortFunc(page, order) }
	return modelList(ctx, m, m.attachments, want, sort, 0, limit)
}

func (m *model) AttachmentsOf(ctx context.Context, messageID string) ([]storage.Attachment, error) {
	return m.listAttachments(ctx, 1<<30, byAttachment, func(a storage.Attachment) bool {
		return a.MessageID == messageID
	})
}

func (m *model) TicketAttachments(
	ctx context.Context, ticketID string, sequence int64, after string, limit int,
) ([]storage.Attachment, error) {
	return m.listAttachments(ctx, limit, bySequenceThenAttachment, func(a storage.Attachment) bool {
		return a.TicketID == ticketID && (a.Sequence > sequence || a.Sequence == sequence && a.AttachmentID > after)
	})
}

func (m *model) AttachmentsWith(ctx context.Context, sha256 string, limit int) ([]storage.Attachment, error) {
	return m.listAttachments(ctx, limit, byAttachment, func(a storage.Attachment) bool { return a.SHA256 == sha256 })
}

func (m *model) AttachmentsAfter(ctx context.Context, after string, limit int) ([]storage.Attachment, error) {
	return m.listAttachments(ctx, limit, byAttachment, func(a storage.Attachment) bool {
		return strings.Compare(a.AttachmentID, after) > 0
	})
}

func (m *model) PendingAttachments(
	ctx context.Context, ticketID string, now time.Time, limit int,
) ([]storage.Attachment, error) {
	return m.listAttachments(ctx, limit, byDueThenAttachment, func(a storage.Attachment) bool {
		return a.TicketID == ticketID && !a.DueAt.IsZero() && !a.DueAt.After(storage.Kept(now))
	})
}

func (m *model) DueAttachments(
	ctx context.Context, now time.Time, after storage.Due, limit int,
) ([]storage.DueAttachment, error) {
	page, err := m.listAttachments(ctx, limit, byDueThenAttachment, func(a storage.Attachment) bool {
		return !a.DueAt.IsZero() && !a.DueAt.After(storage.Kept(now)) &&
			(a.DueAt.After(after.At) || a.DueAt.Equal(after.At) && a.AttachmentID > after.ID)
	})
	var due []storage.DueAttachment
	for _, a := range page {
		due = append(due, storage.DueAttachment{Due: storage.Due{ID: a.AttachmentID, At: a.DueAt}, TicketID: a.TicketID})
	}
	return due, err
}
