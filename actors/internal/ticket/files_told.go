package ticket

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/view"
)

// What the ticket tells of its files once they are finished. A finished attachment stays due until that is written in
// the ticket's record; so it is told once, whenever a process ends (docs/decisions.md, D88).

// tellFiles causes the events of finished files, and makes the warnings about infected ones pending, in one write. Then
// the attachments are no longer due.
func (t *ticket) tellFiles(finished []*storage.Attachment) error {
	fresh := slices.DeleteFunc(slices.Clone(finished), func(a *storage.Attachment) bool {
		return a.State == storage.FileRemoved || slices.Contains(t.record.Handled, fileTold(a))
	})
	sources := make([]fileSource, len(fresh))
	for i, a := range fresh {
		var err error
		if sources[i], err = t.sourceOf(a); err != nil {
			return err
		}
	}
	if len(fresh) > 0 {
		err := t.change(func(r *storage.Ticket) {
			forgetFiles(r, finished)
			for i, a := range fresh {
				t.tellFile(r, a, sources[i])
			}
		})
		if err != nil {
			return err
		}
		t.reconcile()
		t.flushSoon()
	}
	for _, a := range finished {
		a.DueAt = time.Time{}
		if err := t.Store.SaveAttachment(t.Ctx, a); err != nil {
			return fmt.Errorf("write that the end of a file is told: %w", err)
		}
	}
	return nil
}

// fileTold is the id by which the ticket remembers that it told of a file, for as long as the file is due.
func fileTold(a *storage.Attachment) string { return a.State + "/" + a.AttachmentID }

// forgetFiles forgets what was told of other files than these. They are no longer due, and a hundred photos must not
// push out the ids of commands, which may be delivered again.
func forgetFiles(r *storage.Ticket, except []*storage.Attachment) {
	r.Handled = slices.DeleteFunc(r.Handled, func(id string) bool {
		state, _, found := strings.Cut(id, "/")
		of := storage.Attachment{State: state}
		isFile := found && of.Finished()
		return isFile && !slices.ContainsFunc(except, func(a *storage.Attachment) bool { return fileTold(a) == id })
	})
}

// fileSource is the message that a file belongs to.
type fileSource struct {
	messageID *string // nil: none, as for a file of the description
	internal  bool
}

func (t *ticket) sourceOf(a *storage.Attachment) (fileSource, error) {
	if a.MessageID == t.record.TicketID {
		return fileSource{}, nil
	}
	m, err := t.Store.Message(t.Ctx, a.MessageID)
	if errors.Is(err, storage.ErrNotFound) {
		return fileSource{}, nil // uploaded, and not sent
	}
	if err != nil {
		return fileSource{}, fmt.Errorf("read the message of a file: %w", err)
	}
	return fileSource{&m.MessageID, m.Internal}, nil
}

func (t *ticket) tellFile(r *storage.Ticket, a *storage.Attachment, of fileSource) {
	id, kind := fileTold(a), messages.EventAttachmentRefused
	switch a.State {
	case storage.FileStored:
		kind = messages.EventAttachmentStored
	case storage.FileInfected:
		desk.NotifyAll(r, &messages.Origin{CommandId: id}, messages.NoticeFileInfected,
			map[string]string{"file": a.FileName, "who": a.UploadedBy.Name, "found": messages.CleanLine(a.Reason)}, 0)
	}
	t.cause(r, kind, id, t.now(), nil, &view.AttachmentData{
		Attachment: view.AttachmentOf(desk.AttachmentRecord(a)), MessageID: of.messageID})
	if of.internal && t.unmade == nil {
		r.Events[len(r.Events)-1].Internal = true
	}
	r.Handled = desk.Remember(r.Handled, id, handledByTicket)
}
