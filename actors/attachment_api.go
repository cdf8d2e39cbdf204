package actors

import (
	"context"
	"io"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// Files as the API takes and gives them. Their bytes do not travel in messages.

// AddFile is TakeUpload, with the record of what was taken in.
func (s *System) AddFile(ctx context.Context, u Upload) (*messages.AttachmentRecord, error) {
	if _, err := s.TakeUpload(ctx, u); err != nil {
		return nil, err
	}
	a, err := s.store.Attachment(ctx, apiMessageID(u.TicketID, u.Origin.GetCommandId())+".upload")
	if err != nil {
		return nil, err
	}
	return attachmentRecord(a), nil
}

// FileContent opens the bytes of an attachment, or its thumbnail, and says how many they are: -1 for a thumbnail. An error means
// that there is nothing to be had.
func (s *System) FileContent(ctx context.Context, attachmentID string, thumbnail bool) (io.ReadCloser, int64, error) {
	r, a, err := s.OpenFile(ctx, attachmentID, thumbnail)
	if err != nil {
		return nil, 0, err
	}
	if thumbnail {
		return r, -1, nil
	}
	return r, a.FileSize, nil
}

func (q *query) attachment(m *messages.GetAttachment) proto.Message {
	a, err := q.system.store.Attachment(q.system.ctx, m.AttachmentId)
	if err != nil {
		return &messages.AttachmentRecord{Code: q.code(m, err)}
	}
	ticket, err := q.system.store.Ticket(q.system.ctx, a.TicketID)
	if err != nil {
		return &messages.AttachmentRecord{Code: q.code(m, err)}
	}
	v := attachmentRecord(a)
	v.GroupId = ticket.GroupID
	return v
}

func attachmentRecord(a *storage.Attachment) *messages.AttachmentRecord {
	return &messages.AttachmentRecord{Code: messages.Code_OK, AttachmentId: a.AttachmentID, TicketId: a.TicketID, MessageId: a.MessageID,
		FileName: a.FileName, FileType: a.FileType, MimeType: a.MimeType, FileSize: a.FileSize, Width: int64(a.Width), Height: int64(a.Height),
		Thumbnail: a.Thumbnail, State: a.State, Reason: a.Reason, UploadedBy: creatorRecord(a.UploadedBy), CreatedMs: millisOf(a.CreatedAt), Sha256: a.SHA256}
}
