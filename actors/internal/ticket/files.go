package ticket

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/topicdesk/topicdesk/actors/internal/attachment"
	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// Files of a ticket. A message's one write holds what Telegram says of its file. A moment later, with the numbers of the events,
// a record is made of each file, many in one write; filesThrough says up to which message that is done. The records are due
// until their download is over: the sweep finds them, the ticket starts a child for each, a few at once.

// filesDue is a ticket's word to itself to look for files that are due.
type filesDue struct{}

const filesAtOnce = 200

// ticketFiles is what a ticket has in memory about its files. It outlives a reload, as the children do.
type ticketFiles struct {
	unrecorded  []storage.Attachment // whose records are to be made, in order
	downloading map[string]string    // attachment id by the child's PID
	ctx         context.Context      // ends the children
	cancel      context.CancelFunc
	moreDue     bool // there may be more that is due than there are children
}

// attachmentOf is the record of a message's file, or nil when it has none.
func (t *ticket) attachmentOf(m *storage.Message) *storage.Attachment {
	if m.Media == nil || m.Media.FileID == "" || !t.room.Attachments.Keeps() {
		return nil
	}
	unique := m.Media.FileUniqueID
	if unique == "" {
		unique = "0"
	}
	now := t.Now().UTC().Truncate(time.Millisecond)
	a := &storage.Attachment{
		AttachmentID: m.MessageID + "." + unique, TicketID: m.TicketID, MessageID: m.MessageID, Sequence: m.Sequence,
		FileName: t.room.Attachments.CleanName(fileName(m)), FileID: m.Media.FileID, FileUniqueID: m.Media.FileUniqueID,
		FileType: m.Media.Kind, MimeType: m.Media.MimeType, FileSize: m.Media.FileSize, State: storage.FilePending, DueAt: now,
		UploadedBy: desk.Uploader(m.Sender), CreatedAt: now, UpdatedAt: now,
	}
	if m.Protected {
		a.State, a.Reason, a.DueAt = storage.FileRefused, "protected content, which nobody may save", time.Time{}
	}
	return a
}

// fileName is the file's name, or one made of its kind: photos and voices have none.
func fileName(m *storage.Message) string {
	if m.Media.FileName != "" {
		return m.Media.FileName
	}
	extensions := map[string]string{"photo": ".jpg", "voice": ".ogg", "video": ".mp4", "video_note": ".mp4", "animation": ".mp4",
		"sticker": ".webp", "audio": ".mp3", "live_photo": ".mp4"}
	return fmt.Sprintf("%s-%d%s", m.Media.Kind, m.Sequence, extensions[m.Media.Kind])
}

// fileChanged makes the record of a file that an edit brings, before the edit is written: a crash between leaves one too many.
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

// noteDescription remembers the files of the ticket's description. Their records name the ticket in a message's place.
func (t *ticket) noteDescription() {
	if t.record.FilesThrough > 0 {
		return // they were before all messages
	}
	for i := range t.record.Media {
		by := t.record.CreatedBy
		m := &storage.Message{MessageID: t.record.TicketID, TicketID: t.record.TicketID, Media: &t.record.Media[i],
			Sender: storage.Sender{Kind: by.Kind, Name: by.Name, Username: by.Username}}
		if a := t.attachmentOf(m); a != nil {
			a.UploadedBy = by
			t.files.unrecorded = append(t.files.unrecorded, *a)
		}
	}
}

// noteFile remembers a message's file until its record is made.
func (t *ticket) noteFile(m *storage.Message) {
	if a := t.attachmentOf(m); a != nil {
		t.files.unrecorded = append(t.files.unrecorded, *a)
	}
}

// filedThrough is the sequence of the newest message up to which all files have their records.
func (t *ticket) filesThrough() int64 {
	if len(t.files.unrecorded) > 0 {
		return t.files.unrecorded[0].Sequence - 1
	}
	return t.sequence
}

// file makes the records of the oldest files that have none. A record that is there already stays as it is.
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

// startDownloads starts children for files that are due, and owes the warnings about infected ones.
func (t *ticket) startDownloads() error {
	if t.record == nil || !t.room.Attachments.Keeps() || t.Draining() {
		return nil
	}
	pending, err := t.Store.OwedAttachments(t.Ctx, t.record.TicketID, t.Now(), 4*attachment.DownloadsPerTicket)
	if err != nil {
		return fmt.Errorf("read which files are due: %w", err)
	}
	t.files.moreDue = len(pending) == 4*attachment.DownloadsPerTicket
	for i := range pending {
		a := &pending[i]
		switch {
		case a.State == storage.FileInfected:
			if err := t.warn(a); err != nil {
				return err
			}
		case t.isDownloading(a.AttachmentID):
		case len(t.files.downloading) >= attachment.DownloadsPerTicket:
			t.files.moreDue = true
		default:
			t.download(a.AttachmentID)
		}
	}
	return nil
}

func (t *ticket) isDownloading(id string) bool {
	for _, other := range t.files.downloading {
		if other == id {
			return true
		}
	}
	return false
}

func (t *ticket) download(attachmentID string) {
	if t.files.ctx == nil {
		t.files.ctx, t.files.cancel = context.WithCancel(t.IntakeCtx) // a stop cuts downloads: they are taken up again
		t.files.downloading = map[string]string{}
	}
	ctx := t.files.ctx
	pid := t.Spawn(func() actor.Actor { return t.room.Attachments.Download(ctx, attachmentID) })
	t.files.downloading[pid.Id] = attachmentID
}

// onDownloaded hears of the end of a try.
func (t *ticket) onDownloaded(m attachment.Downloaded) error {
	if t.record == nil || m.DueAt.IsZero() {
		return nil
	}
	// The sweep would come to it, too, but not to the second.
	if wait := m.DueAt.Sub(t.Now()); wait <= 2*time.Minute {
		t.After(max(wait, 0), filesDue{})
	}
	return nil
}

// ended hears that a child is gone, whichever way.
func (t *ticket) ChildEnded(child *actor.PID) {
	delete(t.files.downloading, child.Id)
	if t.files.moreDue {
		t.Note(filesDue{})
	}
}

// Stop ends the children that are at work.
func (t *ticket) Stop() {
	if t.files.cancel != nil {
		t.files.cancel()
	}
}

// warn owes every topic a word about an infected file: first in the ticket's record, then the attachment is not due any more.
func (t *ticket) warn(a *storage.Attachment) error {
	id := "infected/" + a.AttachmentID
	if !slices.Contains(t.record.Handled, id) {
		err := t.change(func(r *storage.Ticket) {
			t.notifyAll(r, &messages.Origin{CommandId: id}, messages.NoticeFileInfected,
				map[string]string{"file": a.FileName, "who": a.UploadedBy.Name, "found": messages.CleanLine(a.Reason)}, 0)
			r.Handled = desk.Remember(r.Handled, id, handledByTicket)
		})
		if err != nil {
			return err
		}
		t.reconcile()
		t.flushSoon()
	}
	a.DueAt = time.Time{}
	if err := t.Store.SaveAttachment(t.Ctx, a); err != nil {
		return fmt.Errorf("write that the topics are warned: %w", err)
	}
	return nil
}
