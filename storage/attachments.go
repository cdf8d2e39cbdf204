package storage

import (
	"context"
	"errors"
	"io"
	"time"
)

// Attachment describes a file of a message and what became of it. Files keeps its bytes, under SHA256.
type Attachment struct {
	AttachmentID string `json:"attachmentId"` // <message id>.<file unique id>
	TicketID     string `json:"ticketId"`
	MessageID    string `json:"messageId"`
	Sequence     int64  `json:"sequence"`     // of the message
	FileName     string `json:"fileName"`     // safe as a name in any file system
	FileID       string `json:"fileId"`       // Telegram's, for this bot; empty: never sent to Telegram
	FileUniqueID string `json:"fileUniqueId"` // Telegram's, the same for every bot
	// FileType is photo, document, video, animation, audio, voice, video_note or sticker.
	FileType string `json:"fileType"`
	// MimeType and FileSize (bytes) are what the sender claims; once the file is stored, what was found. FileSize 0:
	// unknown.
	MimeType  string `json:"mimeType"`
	FileSize  int64  `json:"fileSize"`
	SHA256    string `json:"sha256,omitempty"`
	Width     int    `json:"width,omitempty"` // pixels, of images that could be read
	Height    int    `json:"height,omitempty"`
	Thumbnail bool   `json:"thumbnail,omitempty"` // there is one
	State     string `json:"state"`               // FilePending …
	// Reason says why the file is refused, failed, infected or removed, or why the last attempt failed.
	Reason     string    `json:"reason,omitempty"`
	Rule       string    `json:"rule,omitempty"`      // RuleSize …, by which it is refused; "": by none of these
	RuleValue  string    `json:"ruleValue,omitempty"` // what that rule says (RefusedError.Value)
	Tries      int64     `json:"tries"`
	DueAt      time.Time `json:"dueAt,omitzero"` // zero: nothing is pending; of a finished one: the ticket has to tell
	UploadedBy Creator   `json:"uploadedBy"`
	CreatedAt  time.Time `json:"createdAt"`
	UpdatedAt  time.Time `json:"updatedAt"`
	Version    int64     `json:"version"`
}

// The states of an attachment.
const (
	FilePending     = "pending"     // to be downloaded
	FileDownloading = "downloading" // being downloaded, or it was when the process ended
	FileStored      = "stored"
	FileRefused     = "refused"  // by a rule, forever
	FileFailed      = "failed"   // could not be downloaded
	FileInfected    = "infected" // quarantined
	FileRemoved     = "removed"  // was stored, and was cleaned up
)

// The rules by which files are refused.
const (
	RuleSize  = "size"  // too large; its value is the largest size, such as 50 MB
	RuleType  = "type"  // not allowed; its value is the type, or an extension such as .bat
	RuleEmpty = "empty" // no file at all
	RuleImage = "image" // an image that takes too much to decode; its value is its size in pixels
)

// Finished says whether no attempt to download it follows. While a finished one is due, its ticket has yet to cause the
// event, and to warn its topics of an infected one.
func (a *Attachment) Finished() bool {
	switch a.State {
	case FileStored, FileRefused, FileFailed, FileInfected, FileRemoved:
		return true
	}
	return false
}

// Kept returns the record with its times as they are kept.
func (a Attachment) Kept() Attachment {
	a.DueAt, a.CreatedAt, a.UpdatedAt = Kept(a.DueAt), Kept(a.CreatedAt), Kept(a.UpdatedAt)
	return a
}

// Attachments keeps the records of files.
type Attachments interface {
	// InsertAttachments stores new records, in order, with version 1. A record whose id is stored already is left as it
	// is. When it fails, the first of the records may be stored; the call may be repeated.
	InsertAttachments(ctx context.Context, all []Attachment) error
	Attachment(ctx context.Context, attachmentID string) (*Attachment, error)
	// SaveAttachment updates (ErrConflict); Version 0 inserts (ErrExists).
	SaveAttachment(ctx context.Context, a *Attachment) error
	// AttachmentsOf lists the attachments of a message, ordered by id.
	AttachmentsOf(ctx context.Context, messageID string) ([]Attachment, error)
	// TicketAttachments lists the attachments of a ticket, ordered by (sequence, id), after the given (sequence, after).
	TicketAttachments(
		ctx context.Context, ticketID string, sequence int64, after string, limit int,
	) ([]Attachment, error)
	// AttachmentsWith lists the attachments with that content, ordered by id.
	AttachmentsWith(ctx context.Context, sha256 string, limit int) ([]Attachment, error)
	// AttachmentsAfter lists all attachments, ordered by id, after the given one ("" = from the first).
	AttachmentsAfter(ctx context.Context, after string, limit int) ([]Attachment, error)
	// PendingAttachments lists the attachments of a ticket whose DueAt is set and not after now, ordered by (DueAt, id).
	PendingAttachments(ctx context.Context, ticketID string, now time.Time, limit int) ([]Attachment, error)
	// DueAttachments lists the due attachments of all tickets, ordered by (DueAt, id), after the given one.
	DueAttachments(ctx context.Context, now time.Time, after Due, limit int) ([]DueAttachment, error)
}

// DueAttachment names an attachment that is due, and its ticket.
type DueAttachment struct {
	Due
	TicketID string
}

// Files keeps the bytes of files, addressed by their content. Package files implements it. Errors: ErrNotFound and
// *RefusedError are final; after any other error the same call may succeed later.
type Files interface {
	// Receive reads a file to its end into a temporary file and checks it. A file that a rule refuses is *RefusedError.
	// The caller must call Keep or Discard on the result.
	Receive(ctx context.Context, claim FileClaim, from io.Reader) (ReceivedFile, error)
	// CleanName turns a sender's file name into one that is safe everywhere.
	CleanName(name string) string
	// Refuses says why a file with that claim would be refused, before a byte of it is read. Nil: it may be received.
	Refuses(claim FileClaim) *RefusedError
	// Open returns the content with that SHA-256 (hex), and its size.
	Open(ctx context.Context, sha256 string) (io.ReadCloser, int64, error)
	// OpenThumbnail returns the JPEG thumbnail of that content.
	OpenThumbnail(ctx context.Context, sha256 string) (io.ReadCloser, int64, error)
}

// FileClaim is what the sender claims about a file. All of it is checked.
type FileClaim struct {
	Kind string // photo, document …: selects the size limit
	Name string
	Size int64 // bytes; 0: unknown
}

// ReceivedFile is a file that was received and checked, but is not kept yet.
type ReceivedFile interface {
	Facts() FileFacts
	// Keep makes the content durable under its SHA-256, or in quarantine when it is infected. It does nothing when the
	// same content is kept already.
	Keep(ctx context.Context) error
	// Discard removes what Keep did not keep. It may always be called.
	Discard()
}

// FileFacts is what checking a file has found.
type FileFacts struct {
	SHA256        string // hex
	Size          int64  // bytes
	MimeType      string // by its content
	Width, Height int    // pixels, of an image that could be read
	Thumbnail     bool   // there is one
	Infected      string // name of the virus; empty: none was found
}

// RefusedError says which rule refuses a file: in words, and for who words it otherwise.
type RefusedError struct {
	Reason string
	Rule   string // RuleSize …
	Value  string // what the rule says: the largest size, or the type that is not allowed; "": nothing
}

func (e *RefusedError) Error() string { return "the file is refused: " + e.Reason }

// AsRefused returns the refusal that err is, or nil.
func AsRefused(err error) *RefusedError {
	var refused *RefusedError
	errors.As(err, &refused)
	return refused
}
