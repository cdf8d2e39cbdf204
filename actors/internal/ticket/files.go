package ticket

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/topicdesk/topicdesk/actors/internal/attachment"
	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// The files of a ticket. A message's own write holds what Telegram says about its file. A moment later, when the
// events get their numbers, each file gets a record, many in one write; FilesThrough says up to which message that
// is done (docs/decisions.md, D25). A record is due until its download is over. The sweep finds the due ones, and
// the ticket starts a child for each, a few at a time (D26).

// filesDue makes a ticket look for files that are due. The ticket sends it to itself.
type filesDue struct{}

const filesAtOnce = 200

// ticketFiles is what a ticket has in memory about its files. The downloads outlive a reload, and so does what is
// known about them.
type ticketFiles struct {
	unrecorded  []storage.Attachment // records still to be made, in order
	downloading map[string]string    // by the child's PID: attachment id
	ctx         context.Context      // its end cancels the children
	cancel      context.CancelFunc
	moreDue     bool // more files may be due than there are children
}

// attachmentOf makes the record of a message's file; nil if it has none.
func (t *ticket) attachmentOf(m *storage.Message) *storage.Attachment {
	if m.Media == nil || m.Media.FileID == "" || !t.room.Attachments.Keeps() {
		return nil
	}
	unique := m.Media.FileUniqueID
	if unique == "" {
		unique = "0"
	}
	now := t.now()
	a := &storage.Attachment{
		AttachmentID: m.MessageID + "." + unique, TicketID: m.TicketID, MessageID: m.MessageID, Sequence: m.Sequence,
		FileName: t.room.Attachments.CleanName(desk.FileName(m)), FileID: m.Media.FileID, FileUniqueID: m.Media.FileUniqueID,
		FileType: m.Media.Kind, MimeType: m.Media.MimeType, FileSize: m.Media.FileSize,
		UploadedBy: desk.Uploader(m.Sender), CreatedAt: now, UpdatedAt: now,
		State: storage.FilePending, DueAt: now,
	}
	if m.Protected {
		a.State, a.Reason = storage.FileRefused, "protected content, which nobody may save"
	}
	return a
}

// recordChangedFile makes the record of a file that an edit brings, before the edit is written. A crash in between
// leaves a record too many, which does no harm.
func (t *ticket) recordChangedFile(original, next *storage.Message) error {
	a := t.attachmentOf(next)
	if a == nil || original.Media != nil && original.Media.FileUniqueID == next.Media.FileUniqueID {
		return nil
	}
	if err := t.Store.InsertAttachments(t.Ctx, []storage.Attachment{*a}); err != nil {
		return fmt.Errorf("make the record of a file: %w", err)
	}
	t.Note(filesDue{})
	return nil
}

// noteDescription remembers the files of the ticket's description. Their records name the ticket instead of a
// message.
func (t *ticket) noteDescription() {
	if t.record.FilesThrough > 0 {
		return // these files come before all messages
	}
	t.files.unrecorded = append(t.files.unrecorded, t.attachmentsOf(t.record, t.record.Enclosures)...)
}

// attachmentsOf makes the records of files of a ticket's description. One without a name is called by its place in the
// description: photo-description-2.jpg.
func (t *ticket) attachmentsOf(r *storage.Ticket, enclosures []storage.Enclosure) (files []storage.Attachment) {
	for i := range enclosures {
		by := t.record.CreatedBy
		m := &storage.Message{MessageID: t.record.TicketID, TicketID: t.record.TicketID, Media: &enclosures[i].Media,
			Protected: enclosures[i].Protected,
			Sender:    storage.Sender{Kind: by.Kind, Name: by.Name, Username: by.Username}}
		at := 1 + slices.IndexFunc(r.Enclosures, func(e storage.Enclosure) bool {
			return e.FileUniqueID == m.Media.FileUniqueID && e.MessageID == enclosures[i].MessageID
		})
		if a := t.attachmentOf(m); a != nil {
			a.UploadedBy, a.FileName = by, t.room.Attachments.CleanName(desk.FileNameAt(m, "description-"+strconv.Itoa(at)))
			files = append(files, *a)
		}
	}
	return files
}

// noteFile remembers a message's file until its record is made.
func (t *ticket) noteFile(m *storage.Message) {
	if a := t.attachmentOf(m); a != nil {
		t.files.unrecorded = append(t.files.unrecorded, *a)
	}
}

// filesThrough is the sequence of the newest message up to which all files have their records.
func (t *ticket) filesThrough() int64 {
	if len(t.files.unrecorded) > 0 {
		return t.files.unrecorded[0].Sequence - 1
	}
	return t.sequence
}

// recordFiles makes the records of the oldest files that have none. A record that exists stays as it is.
func (t *ticket) recordFiles() error {
	if len(t.files.unrecorded) == 0 {
		return nil
	}
	batch := t.files.unrecorded[:min(len(t.files.unrecorded), filesAtOnce)]
	if err := t.Store.InsertAttachments(t.Ctx, batch); err != nil {
		return fmt.Errorf("make records of files: %w", err)
	}
	t.files.unrecorded = slices.Clone(t.files.unrecorded[len(batch):])
	return t.startDownloads()
}

func (t *ticket) onLookForFiles(filesDue) error { return t.startDownloads() }

func (t *ticket) onFilesDue(*messages.FilesDue) error { return t.startDownloads() }

// startDownloads starts children for the files that are due, and tells how others ended.
func (t *ticket) startDownloads() error {
	if t.record == nil || !t.room.Attachments.Keeps() || t.Draining() {
		return nil
	}
	due, err := t.Store.PendingAttachments(t.Ctx, t.record.TicketID, t.Now(), 4*attachment.DownloadsPerTicket)
	if err != nil {
		return fmt.Errorf("read which files are due: %w", err)
	}
	t.files.moreDue = len(due) == 4*attachment.DownloadsPerTicket
	var finished []*storage.Attachment
	for i := range due {
		a := &due[i]
		switch {
		case a.Finished():
			finished = append(finished, a)
		case t.isDownloading(a.AttachmentID):
		case len(t.files.downloading) >= attachment.DownloadsPerTicket:
			t.files.moreDue = true
		default:
			t.download(a.AttachmentID)
		}
	}
	if err := t.tellFiles(finished); err != nil || !t.files.moreDue || len(finished) == 0 {
		return err
	}
	t.Note(filesDue{})
	return nil
}

func (t *ticket) isDownloading(attachmentID string) bool {
	for _, other := range t.files.downloading {
		if other == attachmentID {
			return true
		}
	}
	return false
}

func (t *ticket) download(attachmentID string) {
	if t.files.ctx == nil {
		// A stop cancels downloads: they start again later.
		t.files.ctx, t.files.cancel = context.WithCancel(t.IntakeCtx)
		t.files.downloading = map[string]string{}
	}
	ctx := t.files.ctx
	pid := t.Spawn(func() actor.Actor { return t.room.Attachments.Download(ctx, attachmentID) })
	t.files.downloading[pid.Id] = attachmentID
}

// onDownloaded learns how an attempt to download a file ended.
func (t *ticket) onDownloaded(m attachment.Downloaded) error {
	if t.record == nil || m.DueAt.IsZero() {
		return nil
	}
	// The sweep would start the next attempt too, but up to a minute late.
	if wait := m.DueAt.Sub(t.Now()); wait <= 2*time.Minute {
		t.After(max(wait, 0), filesDue{})
	}
	return nil
}

// ChildEnded learns that a child has ended, for whatever reason.
func (t *ticket) ChildEnded(child *actor.PID) {
	delete(t.files.downloading, child.Id)
	if t.files.moreDue {
		t.Note(filesDue{})
	}
}

// Stop cancels the children that are at work.
func (t *ticket) Stop() {
	if t.files.cancel != nil {
		t.files.cancel()
	}
}
