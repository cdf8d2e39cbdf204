package attachment

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// What a bot may upload to Telegram, whatever our settings allow (Bot API, Sending files and sendPhoto).
const (
	uploadLimit      = 50 << 20 // bytes
	uploadPhotoLimit = 10 << 20 // bytes
	photoSides       = 10_000   // width and height together, in pixels
	photoRatio       = 20       // of the longer side to the shorter
)

// ErrUploadDiffers says that the same command has uploaded another file before.
var ErrUploadDiffers = errors.New("the same request has uploaded another file before")

// UploadRefusedError says which rule refuses a file: in words, and as a storage.RefusedError has it for who words it otherwise.
type UploadRefusedError struct {
	Reason      string
	Rule, Value string // "": none of those rules
}

func (e *UploadRefusedError) Error() string { return e.Reason }

// Upload is a file for a message that a program is about to write in a ticket.
type Upload struct {
	TicketID ids.TicketID
	Origin   *messages.Origin // of the SendMessage that will follow: the same command id
	Kind     string           // photo, document …; "": a photo if it is fit to be one, else a document
	Name     string
	Size     int64 // in bytes, as the sender says; 0: does not say
	From     io.Reader
}

// Take receives a file, checks it as it checks downloads, and keeps it as an attachment. The returned medium goes
// into the content of the SendMessage with the same origin. The links post it in every topic: with its bytes in the
// first call of a process, then by its file id (docs/decisions.md, D30). To repeat Take with the same file changes
// nothing. Errors: *UploadRefusedError, ErrUploadDiffers; any other one may pass.
//
// Take is no command of the ticket's entity, since bytes do not travel in messages and nobody else writes the record.
func (k *Keeper) Take(ctx context.Context, u Upload) (*messages.Media, error) {
	if k.files == nil {
		return nil, &UploadRefusedError{Reason: "attachments are not kept here"}
	}
	limit := int64(uploadLimit)
	if u.Kind == messages.MediaPhoto {
		limit = uploadPhotoLimit
	}
	kind := u.Kind
	if kind == "" {
		kind = messages.MediaDocument
	}
	most := fmt.Sprintf("%d MB", limit>>20)
	tooLarge := &UploadRefusedError{Reason: "larger than " + most, Rule: storage.RuleSize, Value: most}
	if u.Size > limit {
		return nil, tooLarge
	}
	capped := &io.LimitedReader{R: u.From, N: limit + 1}
	received, err := k.files.Receive(ctx, storage.FileClaim{Kind: kind, Name: u.Name, Size: u.Size}, capped)
	if refused := storage.AsRefused(err); refused != nil {
		return nil, &UploadRefusedError{refused.Reason, refused.Rule, refused.Value}
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
		return nil, &UploadRefusedError{Reason: "infected: " + facts.Infected}
	case u.Kind == messages.MediaPhoto && !fitForPhoto(facts):
		return nil, &UploadRefusedError{Reason: "not fit to be sent as a photo: send it as a document"}
	case u.Kind == "" && fitForPhoto(facts):
		kind = messages.MediaPhoto
		// It was received within the limit of documents.
		if refused := k.files.Refuses(storage.FileClaim{Kind: kind, Size: facts.Size}); refused != nil {
			return nil, &UploadRefusedError{refused.Reason + ", the limit of photos", refused.Rule, refused.Value}
		}
	}
	a := k.uploaded(u, kind, facts)
	if err := k.keepUpload(ctx, a, received); err != nil {
		return nil, err
	}
	return &messages.Media{
		Kind: a.FileType, FileName: a.FileName, MimeType: a.MimeType, FileSize: a.FileSize, Sha256: a.SHA256,
		Width: int32(a.Width), Height: int32(a.Height),
	}, nil
}

// fitForPhoto says whether Telegram takes an image as a photo. One without a thumbnail could not be decoded.
func fitForPhoto(f storage.FileFacts) bool {
	isPhoto := (f.MimeType == "image/jpeg" || f.MimeType == "image/png") && f.Thumbnail
	fits := f.Width+f.Height <= photoSides && max(f.Width, f.Height) <= photoRatio*min(f.Width, f.Height)
	return isPhoto && fits && f.Size <= uploadPhotoLimit
}

// messageID is the id of the message that will have the file.
func (u Upload) messageID() ids.MessageKey {
	return desk.APIMessageID(u.TicketID, u.Origin.GetCommandId())
}

// attachmentID is the id of the file's record. A message has at most one upload.
func (u Upload) attachmentID() string { return u.messageID() + ".upload" }

// uploaded is the record of an uploaded file.
func (k *Keeper) uploaded(u Upload, kind string, f storage.FileFacts) *storage.Attachment {
	now := k.env.Now().UTC().Truncate(time.Millisecond)
	return &storage.Attachment{
		AttachmentID: u.attachmentID(), TicketID: u.TicketID, MessageID: u.messageID(),
		FileName: k.files.CleanName(u.Name), FileType: kind, MimeType: f.MimeType, FileSize: f.Size, SHA256: f.SHA256,
		Width: f.Width, Height: f.Height, Thumbnail: f.Thumbnail, State: storage.FileStored,
		UploadedBy: desk.Uploader(desk.SenderOf(u.Origin)), CreatedAt: now, UpdatedAt: now,
		DueAt: now, // the ticket has to tell
	}
}

// keepUpload names the content in a record, then keeps it. This order protects the content from a clean-up that runs
// beside (docs/decisions.md, D27).
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
	k.env.Tell(messages.KindTicket, a.TicketID, &messages.FilesDue{})
	k.metrics.downloads.WithLabelValues("uploaded").Inc()
	return nil
}

// Add is Take, but returns the record of the attachment.
func (k *Keeper) Add(ctx context.Context, u Upload) (*messages.AttachmentRecord, error) {
	if _, err := k.Take(ctx, u); err != nil {
		return nil, err
	}
	a, err := k.env.Store.Attachment(ctx, u.attachmentID())
	if err != nil {
		return nil, err
	}
	return desk.AttachmentRecord(a), nil
}
