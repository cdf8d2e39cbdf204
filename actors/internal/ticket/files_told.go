package ticket

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/view"
)

// What the ticket tells of its files once they are finished. A finished attachment stays due until that is written in
// the ticket's record; so it is told once, whenever a process ends (docs/decisions.md, D88).

// tellFiles causes the events of finished files, and makes pending what people are told of those that are infected or not
// kept, in one write. Then the attachments are no longer due.
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
	groupID   ids.Place    // where it was written
	topicID   ids.TopicKey // where it was written; "": by a program, or nowhere
	protected bool
}

func (t *ticket) sourceOf(a *storage.Attachment) (fileSource, error) {
	if a.MessageID == t.record.TicketID {
		return fileSource{topicID: openerAt(t.record).TopicID}, nil
	}
	m, err := t.Store.Message(t.Ctx, a.MessageID)
	if errors.Is(err, storage.ErrNotFound) {
		return fileSource{}, nil // uploaded, and not sent
	}
	if err != nil {
		return fileSource{}, fmt.Errorf("read the message of a file: %w", err)
	}
	return fileSource{&m.MessageID, m.Internal, m.GroupID, m.TopicID, m.Protected}, nil
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
	if a.State == storage.FileRefused || a.State == storage.FileFailed {
		t.tellSender(r, a, of)
	}
	t.cause(r, kind, id, t.now(), nil, &view.AttachmentData{
		Attachment: view.AttachmentOf(desk.AttachmentRecord(a)), MessageID: of.messageID})
	if of.internal && t.unmade == nil {
		told := &r.Events[len(r.Events)-1]
		told.Internal, told.NoteGroupID = true, of.groupID
	}
	r.Handled = desk.Remember(r.Handled, id, handledByTicket)
}

// tellSender tells whoever sent a file that it is not kept, since in Telegram it looks as if it was. Of a protected one
// they hear already, as of a copy, where it would have been copied.
func (t *ticket) tellSender(r *storage.Ticket, a *storage.Attachment, of fileSource) {
	topic := desk.TopicOf(r, of.topicID)
	if topic == nil || strings.HasSuffix(of.topicID, desk.APITopic) || of.protected && len(desk.TopicsOf(r)) > 1 {
		return
	}
	replyTo := int64(0)
	if of.messageID != nil {
		replyTo = desk.TelegramID(*of.messageID)
	}
	notice := &messages.SendNoticeCall{Key: messages.NoticeFileNotKept, ReplyTo: replyTo,
		Args: map[string]string{"file": a.FileName, "why": messages.CleanLine(a.Reason)}}
	if said, ok := ruleNotices[a.Rule]; ok {
		notice.Key, notice.Args = said.key, map[string]string{"file": a.FileName}
		// A type without an extension (application/x-executable) says nothing to people.
		if a.RuleValue != "" && !(a.Rule == storage.RuleType && strings.Contains(a.RuleValue, "/")) {
			notice.Args[said.arg] = a.RuleValue
		}
	}
	tellTrouble(r, topic, fileTold(a), notice)
}

// ruleNotices are the notices for the rules by which files are refused, with the argument for what the rule says.
var ruleNotices = map[string]struct{ key, arg string }{
	storage.RuleSize:  {messages.NoticeFileTooLarge, "limit"},
	storage.RuleType:  {messages.NoticeFileType, "type"},
	storage.RuleEmpty: {key: messages.NoticeFileEmpty},
	storage.RuleImage: {messages.NoticeFileImage, "pixels"},
}

// tellMediumFailed tells whoever opened the ticket that a topic does not show something of its description.
func (t *ticket) tellMediumFailed(r *storage.Ticket, s *step, at *storage.Topic, why string) {
	title, err := desk.GroupTitle(t.Ctx, t.Store, at.GroupID)
	if err != nil {
		t.Log.Error("cannot read a group's title", "group", at.GroupID, "error", err)
		title = at.GroupID
	}
	opener, args := openerAt(r), map[string]string{"group": title, "why": why}
	if messages.IsPrivate(opener.GroupID) && at.GroupID != r.GroupID && at.GroupID != opener.GroupID {
		delete(args, "group") // it is a colleagues' group
	}
	tellTrouble(r, opener, s.op.Id, &messages.SendNoticeCall{Key: messages.NoticeMediumFailed, Args: args})
}

// tellPostStays tells whoever took something out of the description in which group a post still shows it, each command once
// for a group.
func (t *ticket) tellPostStays(r *storage.Ticket, s *step, at *storage.Topic, why string) {
	o, medium := &messages.Origin{}, int(s.ref.Medium)
	if medium >= len(r.Enclosures) || len(r.Enclosures[medium].Asked) == 0 || proto.Unmarshal(r.Enclosures[medium].Asked, o) != nil {
		return
	}
	told := o.CommandId + ":stays:" + at.TopicID
	if desk.IsAPI(o) || slices.Contains(r.Handled, told) {
		return
	}
	title, err := desk.GroupTitle(t.Ctx, t.Store, at.GroupID)
	if err != nil {
		t.Log.Error("cannot read a group's title", "group", at.GroupID, "error", err)
		title = at.GroupID
	}
	r.Handled = desk.Remember(r.Handled, told, handledByTicket)
	op := desk.OperationTo(o)
	args := namedTo(o, []string{title})
	args["ticket"], args["why"] = t.nameAt(o.GetPlace()), why
	op.Call = &messages.Operation_SendNotice{SendNotice: &messages.SendNoticeCall{
		Key: messages.NoticeSourceStays, ReplyTo: o.MessageId, Args: args}}
	desk.AddPending(r, told, op, 0)
}

// openerAt is the topic where whoever opened the ticket reads: their private chat, or the home topic.
func openerAt(r *storage.Ticket) *storage.Topic {
	if link := desk.PrivateLink(r, ""); link != nil {
		return &link.Topic
	}
	return &r.Home
}

// tellTrouble makes a notice pending in a topic. It names the ticket where other tickets are spoken of, too.
func tellTrouble(r *storage.Ticket, topic *storage.Topic, id string, notice *messages.SendNoticeCall) {
	if !desk.IsOpened(topic) {
		return
	}
	if notice.Args["ticket"] = ""; messages.IsPrivate(topic.GroupID) && !topic.Threaded {
		notice.Args["ticket"] = desk.NameOf(r)
	}
	op := desk.OperationIn(r, topic)
	op.Call = &messages.Operation_SendNotice{SendNotice: notice}
	desk.AddPending(r, id, op, 0)
}
