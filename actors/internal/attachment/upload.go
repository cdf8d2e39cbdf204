package attachment

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// The largest files that a bot may bring to Telegram (Bot API, Sending files), whatever the settings allow.
const (
	uploadLimit      = 50 << 20
	uploadPhotoLimit = 10 << 20
	photoSides       = 10_000 // width and height together
	photoRatio       = 20
)

// ErrUploadDiffers says that the same command has brought another file before.
var ErrUploadDiffers = errors.New("the same request has brought another file before")

// UploadRefusedError says which rule does not let a file in.
type UploadRefusedError struct{ Reason string }

func (e *UploadRefusedError) Error() string { return e.Reason }

// Upload is a file from outside, for a message that a program is about to say in a ticket.
type Upload struct {
	TicketID string
	Origin   *messages.Origin // of the SendMessage that will follow: the same command id
	Kind     string           // photo, document …; empty: a photo if it is fit to be one, else a document
	Name     string
	Size     int64 // as the sender says, 0: does not say
	From     io.Reader
}

// Take takes a file in, with the same checks as those of Telegram, and makes an attachment of it. What it returns goes into
// the content of the SendMessage with the same origin; the links bring it to every topic, in the first call of each life with the
// bytes, then by file id. To repeat it with the same file changes nothing. Errors: *UploadRefusedError, ErrUploadDiffers, and what
// may pass.
//
// It is no command of the ticket's entity: bytes don't travel in messages, and the record is nobody else's.
func (k *Keeper) Take(ctx context.Context, u Upload) (*messages.Media, error) {
	if k.files == nil {
		return nil, &UploadRefusedError{"attachments are not kept here"}
	}
	limit := int64(uploadLimit)
	if u.Kind == messages.MediaPhoto {
		limit = uploadPhotoLimit
	}
	kind := u.Kind
	if kind == "" {
		kind = messages.MediaDocument
	}
	tooLarge := &UploadRefusedError{fmt.Sprintf("larger than %d MB", limit>>20)}
	if u.Size > limit {
		return nil, tooLarge
	}
	capped := &io.LimitedReader{R: u.From, N: limit + 1}
	received, err := k.files.Receive(ctx, storage.FileClaim{Kind: kind, Name: u.Name, Size: u.Size}, capped)
	if refused := storage.AsRefused(err); refused != nil {
		return nil, &UploadRefusedError{refused.Reason}
	}
	if err != nil {
		return nil, err
	}
	defer received.Discard()
	facts := received.Facts()
	switch {
	case facts.Size > limit:
		return nil, tooLarge
	case facts.Infected != "":
		return nil, &UploadRefusedError{"infected: " + facts.Infected}
	case u.Kind == messages.MediaPhoto && !fitForPhoto(facts):
		return nil, &UploadRefusedError{"not fit to be sent as a photo: send it as a document"}
	case u.Kind == "" && fitForPhoto(facts):
		kind = messages.MediaPhoto
	}
	a := k.uploaded(u, kind, facts)
	if err := k.keepUpload(ctx, a, received); err != nil {
		return nil, err
	}
	return &messages.Media{Kind: a.FileType, FileName: a.FileName, MimeType: a.MimeType, FileSize: a.FileSize, Sha256: a.SHA256,
		Width: int32(a.Width), Height: int32(a.Height)}, nil
}

func fitForPhoto(f storage.FileFacts) bool {
	return (f.MimeType == "image/jpeg" || f.MimeType == "image/png") && f.Size <= uploadPhotoLimit && f.Thumbnail &&
		f.Width+f.Height <= photoSides && max(f.Width, f.Height) <= photoRatio*min(f.Width, f.Height)
}

// uploaded is the record of a file from outside.
func (k *Keeper) uploaded(u Upload, kind string, f storage.FileFacts) *storage.Attachment {
	message, now := desk.APIMessageID(u.TicketID, u.Origin.GetCommandId()), k.env.Now().UTC().Truncate(time.Millisecond)
	return &storage.Attachment{
		AttachmentID: message + ".upload", TicketID: u.TicketID, MessageID: message, FileName: k.files.CleanName(u.Name),
		FileType: kind, MimeType: f.MimeType, FileSize: f.Size, SHA256: f.SHA256, Width: f.Width, Height: f.Height,
		Thumbnail: f.Thumbnail, State: storage.FileStored, UploadedBy: desk.Uploader(desk.SenderOf(u.Origin)), CreatedAt: now, UpdatedAt: now,
	}
}

// keepUpload names the content in a record, then keeps it: in this order, for the sake of those who clean up meanwhile.
func (k *Keeper) keepUpload(ctx context.Context, a *storage.Attachment, received storage.ReceivedFile) error {
	err := k.env.Store.SaveAttachment(ctx, a)
	if errors.Is(err, storage.ErrExists) {
		known, readErr := k.env.Store.Attachment(ctx, a.AttachmentID)
		if readErr != nil {
			return readErr
		}
		if known.SHA256 != a.SHA256 {
			return ErrUploadDiffers
		}
		err = nil
	}
	if err != nil {
		return fmt.Errorf("write the attachment: %w", err)
	}
	if err := received.Keep(ctx); err != nil {
		return fmt.Errorf("keep the file: %w", err)
	}
	k.metrics.downloads.WithLabelValues("uploaded").Inc()
	return nil
}

// open opens the content of an attachment for whoever may read it: what is not stored is storage.ErrNotFound.
func (k *Keeper) open(ctx context.Context, attachmentID string, thumbnail bool) (io.ReadCloser, *storage.Attachment, error) {
	a, err := k.env.Store.Attachment(ctx, attachmentID)
	if err != nil {
		return nil, nil, err
	}
	if k.files == nil || a.State != storage.FileStored || thumbnail && !a.Thumbnail {
		return nil, a, fmt.Errorf("attachment %s is %s: %w", attachmentID, a.State, storage.ErrNotFound)
	}
	open := k.files.Open
	if thumbnail {
		open = k.files.OpenThumbnail
	}
	r, _, err := open(ctx, a.SHA256)
	return r, a, err
}

// Add is Take, with the record of what was taken in.
func (k *Keeper) Add(ctx context.Context, u Upload) (*messages.AttachmentRecord, error) {
	if _, err := k.Take(ctx, u); err != nil {
		return nil, err
	}
	a, err := k.env.Store.Attachment(ctx, desk.APIMessageID(u.TicketID, u.Origin.GetCommandId())+".upload")
	if err != nil {
		return nil, err
	}
	return desk.AttachmentRecord(a), nil
}

// Content opens the bytes of an attachment, or its thumbnail, and says how many they are: -1 for a thumbnail. An error means that
// there is nothing to be had.
func (k *Keeper) Content(ctx context.Context, attachmentID string, thumbnail bool) (io.ReadCloser, int64, error) {
	r, a, err := k.open(ctx, attachmentID, thumbnail)
	if err != nil {
		return nil, 0, err
	}
	if thumbnail {
		return r, -1, nil
	}
	return r, a.FileSize, nil
}
