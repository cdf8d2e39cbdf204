package storage

import (
	"context"
	"errors"
	"io"
	"time"
)

// Attachment is a file of a message: what is known of it, and what became of it. The bytes are with Files, under SHA256.
type Attachment struct {
	AttachmentID string    `json:"attachmentId"` // <message id>.<file unique id>
	TicketID     string    `json:"ticketId"`
	MessageID    string    `json:"messageId"`
	Sequence     int64     `json:"sequence"`     // of the message
	FileName     string    `json:"fileName"`     // cleaned: safe as a name in any file system
	FileID       string    `json:"fileId"`       // Telegram's, for this bot; empty: never sent to Telegram
	FileUniqueID string    `json:"fileUniqueId"` // Telegram's, the same for every bot
	FileType     string    `json:"fileType"`     // photo | document | video | animation | audio | voice | video_note | sticker
	MimeType     string    `json:"mimeType"`     // once stored by its content, before that what the sender says
	FileSize     int64     `json:"fileSize"`     // bytes; once stored what was counted, before that what the sender says, or 0
	SHA256       string    `json:"sha256,omitempty"`
	Width        int       `json:"width,omitempty"` // of images that could be read
	Height       int       `json:"height,omitempty"`
	Thumbnail    bool      `json:"thumbnail,omitempty"` // there is one
	State        string    `json:"state"`               // FilePending …
	Reason       string    `json:"reason,omitempty"`    // why it is refused, failed, infected or removed, or why the last try failed
	Tries        int64     `json:"tries"`
	DueAt        time.Time `json:"dueAt,omitzero"` // zero: nothing is owed
	UploadedBy   Creator   `json:"uploadedBy"`
	CreatedAt    time.Time `json:"createdAt"`
	UpdatedAt    time.Time `json:"updatedAt"`
	Version      int64     `json:"version"`
}

// The states of an attachment.
const (
	FilePending     = "pending"     // owed, and nobody at work on it
	FileDownloading = "downloading" // somebody is at work on it, or was when the process ended
	FileStored      = "stored"
	FileRefused     = "refused"  // by a rule, for ever
	FileFailed      = "failed"   // could not be had
	FileInfected    = "infected" // kept apart; while it is due, the ticket's topics are to be told
	FileRemoved     = "removed"  // stored once, and cleaned up
)

// Kept returns the record with its times as they are kept.
func (a Attachment) Kept() Attachment {
	a.DueAt, a.CreatedAt, a.UpdatedAt = Kept(a.DueAt), Kept(a.CreatedAt), Kept(a.UpdatedAt)
	return a
}

// Attachments keeps what is known of files.
type Attachments interface {
	// InsertAttachments stores new records, in order, with version 1. One whose id is stored already is left as it is. When it
	// fails, the first of them may be stored; it may be called again.
	InsertAttachments(ctx context.Context, all []Attachment) error
	Attachment(ctx context.Context, attachmentID string) (*Attachment, error)
	// SaveAttachment updates (ErrConflict); Version 0 inserts (ErrExists).
	SaveAttachment(ctx context.Context, a *Attachment) error
	// AttachmentsOf lists the attachments of a message, ordered by id.
	AttachmentsOf(ctx context.Context, messageID string) ([]Attachment, error)
	// TicketAttachments lists the attachments of a ticket, ordered by (sequence, id), after that place.
	TicketAttachments(ctx context.Context, ticketID string, sequence int64, after string, limit int) ([]Attachment, error)
	// AttachmentsWith lists those whose content it is, ordered by id.
	AttachmentsWith(ctx context.Context, sha256 string, limit int) ([]Attachment, error)
	// AttachmentsAfter lists all, ordered by id, after the given one ("" = from the first).
	AttachmentsAfter(ctx context.Context, after string, limit int) ([]Attachment, error)
	// OwedAttachments lists those of a ticket whose DueAt is set and not after now, ordered by (DueAt, id).
	OwedAttachments(ctx context.Context, ticketID string, now time.Time, limit int) ([]Attachment, error)
	// DueAttachments lists those of all tickets, ordered by (DueAt, id), after the given one.
	DueAttachments(ctx context.Context, now time.Time, after Due, limit int) ([]DueAttachment, error)
}

// DueAttachment names an attachment that is due, and its ticket.
type DueAttachment struct {
	Due
	TicketID string
}

// Files keeps the bytes of files, by their content. Package files implements it. Errors: ErrNotFound and *RefusedError; anything
// else may pass.
type Files interface {
	// Receive reads a file to its end, into a temporary place, and checks it; what a rule does not let in is *RefusedError.
	// The caller must end it with Keep or Discard.
	Receive(ctx context.Context, claim FileClaim, from io.Reader) (ReceivedFile, error)
	// CleanName makes of what a sender calls a file a name that is safe everywhere.
	CleanName(name string) string
	// Refuses says why a file would be refused for what is claimed of it, before a byte of it is read; nil: it may be tried.
	Refuses(claim FileClaim) *RefusedError
	// Open returns the content with that SHA-256 (hex), and its size.
	Open(ctx context.Context, sha256 string) (io.ReadCloser, int64, error)
	// OpenThumbnail returns the JPEG thumbnail of that content.
	OpenThumbnail(ctx context.Context, sha256 string) (io.ReadCloser, int64, error)
}

// FileClaim is what the sender says of a file. Nothing of it is believed.
type FileClaim struct {
	Kind string // photo, document …: for the limits
	Name string
	Size int64 // 0: not said
}

// ReceivedFile is a file that is here and checked, but not kept yet.
type ReceivedFile interface {
	Facts() FileFacts
	// Keep makes the content durable under its SHA-256, or apart from all others when it is infected. Nothing happens when the
	// same content is kept already.
	Keep(ctx context.Context) error
	// Discard lets go of what Keep did not keep. It may always be called.
	Discard()
}

// FileFacts is what was found out about a file.
type FileFacts struct {
	SHA256        string // hex
	Size          int64
	MimeType      string // by its content
	Width, Height int    // of an image that could be read
	Thumbnail     bool
	Infected      string // the name of what was found in it; empty: nothing
}

// RefusedError says which rule does not let a file in.
type RefusedError struct{ Reason string }

func (e *RefusedError) Error() string { return "the file is refused: " + e.Reason }

// AsRefused returns the refusal that err is, or nil.
func AsRefused(err error) *RefusedError {
	var refused *RefusedError
	errors.As(err, &refused)
	return refused
}
