package ticket

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// What programs do to a ticket, through the API. They are in no topic, so a refusal comes back in the Reply, as
// the key of the notice that people would read; nothing of it is stored (docs/decisions.md, D38).

// updating changes what an UpdateTicket sets, in the order that people would take: a closed ticket is reopened
// first; a ticket is closed last.
func (t *ticket) updating(m *messages.UpdateTicket) (effect, error) {
	o := m.Origin
	if stale, err := t.stale(o, m.Expected); stale != nil || err != nil {
		return stale, err
	}
	assignee, had, err := t.toAssign(m)
	if err != nil {
		return nil, err
	}
	if m.ClosesMs != nil { // the notice to the customer names the team's zone
		if _, err := t.readTimes(t.record.GroupID); err != nil {
			return nil, err
		}
	}
	return func(r *desk.Result) {
		status := r.Status
		if m.Status != nil {
			status = *m.Status
		}
		if r.Status == desk.StatusClosed && status != desk.StatusClosed ||
			r.Status == desk.StatusPending && status == desk.StatusOpen {
			t.reopen(r, &messages.ReopenTicket{Origin: o})
		}
		was, shown, changed := *r.Ticket, false, false
		set := func(field, value *string, shows bool) {
			if value != nil && *field != *value {
				*field, changed, shown = *value, true, shown || shows
			}
		}
		if m.Title != nil {
			title := messages.CleanLine(*m.Title)
			if messages.Blank(title) {
				r.Refuse(messages.ReasonNoTitle, nil)
				return
			}
			if title != r.Title {
				retitle(r.Ticket, title)
				changed, shown = true, true
			}
		}
		if m.Description != nil && desk.Redescribe(r.Ticket, m) {
			desk.Lengthen(r.Ticket, *m.Description, m.DescriptionEntities)
			changed, shown = true, true
		}
		if m.Priority != nil && *m.Priority != r.Priority {
			if r.Status == desk.StatusClosed {
				args := map[string]string{"ticket": desk.NameOf(r.Ticket), "command": "priority"}
				r.Refuse(messages.NoticeTicketIsClosed, args)
				return
			}
			set(&r.Priority, m.Priority, true)
		}
		if status == desk.StatusPending && r.Status == desk.StatusOpen {
			set(&r.Status, &status, true)
			staysOpen(r.Ticket)
		}
		if m.Metadata != nil && string(m.Metadata) != string(r.Metadata) {
			r.Metadata, changed = nil, true
			if len(m.Metadata) > 0 {
				r.Metadata = slices.Clone(m.Metadata)
			}
		}
		if changed {
			if shown {
				r.CardRevision++
			}
			t.updated(&was, r.Ticket, o)
		}
		if m.AssigneeId != nil && !t.reassign(r, o, *m.AssigneeId, assignee, had) {
			return
		}
		if m.SnoozedUntilMs != nil && !t.setSnoozed(r, o, *m.SnoozedUntilMs) {
			return
		}
		if m.ClosesMs != nil && !t.setClosing(r, o, *m.ClosesMs) {
			return
		}
		if status == desk.StatusClosed && r.Status != desk.StatusClosed {
			t.close(r, &messages.CloseTicket{Origin: o})
		}
	}, nil
}

// toAssign finds who is to have the ticket, and who has it.
func (t *ticket) toAssign(m *messages.UpdateTicket) (assignee *teamPerson, had *holder, err error) {
	if m.AssigneeId == nil {
		return nil, nil, nil
	}
	if *m.AssigneeId != 0 {
		if assignee, _, err = t.teamPerson(&messages.AssignTicket{Origin: m.Origin, UserId: *m.AssigneeId}); err != nil {
			return nil, nil, err
		}
	}
	had, err = t.holderBut(desk.CreatorOf(m.Origin))
	return assignee, had, err
}

// stale is the refusal of a change that expects another revision of the ticket; nil: it expects this one, or any ("").
func (t *ticket) stale(o *messages.Origin, expected string) (effect, error) {
	if expected == "" {
		return nil, nil
	}
	now, err := t.apiRecord()
	if err != nil || now.Revision == expected {
		return nil, err
	}
	return answer(o, messages.ReasonStale, nil), nil
}

// onSend records a program's message, in one write, and tells the links.
func (t *ticket) onSend(m *messages.SendMessage) (proto.Message, error) {
	o := m.Origin
	if t.record == nil {
		return entity.Answer(messages.Code_NOT_FOUND, "no such ticket"), nil
	}
	if m.Internal {
		return t.onNote(m)
	}
	id := desk.APIMessageID(t.record.TicketID, o.GetCommandId())
	switch _, err := t.Store.Message(t.Ctx, id); {
	case err == nil:
		return &messages.Reply{Code: messages.Code_DUPLICATE, TicketId: t.record.TicketID, MessageId: id}, nil
	case !errors.Is(err, storage.ErrNotFound):
		return nil, fmt.Errorf("read a message: %w", err)
	}
	if t.record.Status == desk.StatusClosed {
		answer := entity.Answer(messages.Code_CONFLICT, messages.NoticeTicketIsClosed)
		answer.Args = map[string]string{"ticket": desk.NameOf(t.record)}
		return answer, nil
	}
	replyTo, err := t.replyTo(m.ReplyTo)
	if err != nil {
		return nil, err
	}
	if m.ReplyTo != "" && replyTo == nil {
		return entity.Answer(messages.Code_CONFLICT, messages.ReasonNoSuchMessage), nil
	}
	if m.AttachmentId != "" {
		media, err := t.attached(m.AttachmentId)
		if err != nil {
			return nil, err
		}
		if media == nil {
			return entity.Answer(messages.Code_CONFLICT, messages.ReasonNoSuchFile), nil
		}
		m.Content = proto.CloneOf(m.Content)
		m.Content.Media = media
	}
	topic, err := t.apiTopicOf(o)
	if err != nil {
		return nil, err
	}
	now := t.now()
	sent := &messages.RecordMessage{Origin: o, Content: m.Content, ReplyTo: replyTo}
	record := recordOf(sent, t.record.TicketID, topic, t.sequence+1, now)
	record.MessageID, record.SentAt = id, now
	if m.AttachmentId != "" {
		record.Attachments = []string{m.AttachmentId}
	}
	claims, err := t.judge(record, o)
	if err != nil {
		return nil, err
	}
	first, err := t.beforeMessage(record, o, claims, false)
	if err != nil {
		return nil, err
	}
	if err := t.prepare(record, first, o); err != nil {
		return nil, err
	}
	heard := t.heard(record)
	noteTurn(record, t.record, heard)
	event, err := t.messageSent(heard, record)
	if err != nil {
		return nil, err
	}
	if err := t.Written(t.Store.InsertMessage(t.Ctx, record)); err != nil {
		return nil, fmt.Errorf("record a message: %w", err)
	}
	t.sequence++
	before := t.record
	t.record, t.lastActivity = heard, now
	t.room.recorded.Inc()
	t.unnumbered = append(t.unnumbered, event)
	t.tellLinks(record, sent, topic)
	switch {
	case first.changes():
		t.reconcile()
	case t.looksAtIcons(before, heard):
		t.icons()
	}
	t.flushSoon()
	return &messages.Reply{Code: messages.Code_OK, TicketId: t.record.TicketID, MessageId: id}, nil
}

// attached is a stored attachment of the ticket as a message carries it; nil if there is none. What came from
// Telegram goes there by its file id; what came from outside goes by its content.
func (t *ticket) attached(id string) (*messages.Media, error) {
	a, err := t.Store.Attachment(t.Ctx, id)
	if errors.Is(err, storage.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read an attachment: %w", err)
	}
	if a.TicketID != t.record.TicketID || a.State != storage.FileStored {
		return nil, nil
	}
	media := &messages.Media{
		Kind: a.FileType, FileId: a.FileID, FileUniqueId: a.FileUniqueID, FileName: a.FileName, MimeType: a.MimeType,
		FileSize: a.FileSize, Width: int32(a.Width), Height: int32(a.Height),
	}
	if a.FileID == "" {
		media.Sha256 = a.SHA256
	}
	return media, nil
}

// previewUnits is how many UTF-16 units of an answered message go with a reply.
const previewUnits = 200

// replyTo describes the message that another one replies to; nil if this ticket has no such message.
func (t *ticket) replyTo(id ids.MessageKey) (*messages.ReplyTo, error) {
	if id == "" {
		return nil, nil
	}
	m, err := t.Store.Message(t.Ctx, id)
	if errors.Is(err, storage.ErrNotFound) || err == nil && m.TicketID != t.record.TicketID {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the message that is replied to: %w", err)
	}
	content := desk.ContentOf(m)
	to := &messages.ReplyTo{Answered: id, MediaKind: content.Media.GetKind()}
	if !m.Hidden() && !m.Protected { // whose words stay where they are
		to.Preview, to.PreviewEntities = desk.Excerpt(content, previewUnits)
	}
	to.ChatId, to.MessageId, _ = messages.ParseMessageKey(id)
	if m.Deleted {
		to = desk.ReplyOf(&storage.Message{ReplyTo: desk.Reworded(desk.ReplyToStore(to), m)})
	}
	return to, nil
}

// apiTopicOf returns the ticket's topic for programs (docs/decisions.md, D37). The first message makes it. The
// same write marks the ticket as due, since a copy is about to be pending; if only the mark is missing, the write
// renews it.
func (t *ticket) apiTopicOf(o *messages.Origin) (*storage.Topic, error) {
	id := t.record.TicketID + desk.APITopic
	link := desk.LinkOf(t.record, id)
	if link != nil && t.isFound() {
		return &link.Topic, nil
	}
	err := t.change(func(r *storage.Ticket) {
		if link == nil {
			r.Links = append(r.Links, storage.Link{
				LinkID: id, Topic: storage.Topic{TopicID: id}, By: desk.CreatorOf(o), CreatedAt: t.now(),
				BeginSequence: t.sequence, SettledSequence: t.sequence,
			})
			r.LinksRevision++
		}
	})
	if err != nil {
		return nil, err
	}
	if link == nil {
		t.finished[id], t.told[id] = t.sequence, t.sequence
	}
	return &desk.LinkOf(t.record, id).Topic, nil
}

// apiRecord is the ticket as the API shows it. Only the alias of its group is not in memory; a cache keeps that.
func (t *ticket) apiRecord() (*messages.TicketRecord, error) {
	return desk.RevisedRecord(t.Ctx, t.Store, t.room.Aliases, t.record)
}

// reassign gives the ticket to whom a program names, or to nobody: 0. If that is refused, it returns false. who is the
// person, as far as the ticket knows them; had is who has it, and hears of it.
func (t *ticket) reassign(r *desk.Result, o *messages.Origin, userID ids.UserID, who *teamPerson, had *holder) bool {
	id, by := "", desk.CreatorOf(o)
	if userID != 0 {
		id = strconv.FormatInt(userID, 10)
	}
	switch {
	case id == r.AssigneeID():
	case r.Status == desk.StatusClosed:
		r.Refuse(messages.NoticeTicketIsClosed,
			map[string]string{"ticket": desk.NameOf(r.Ticket), "command": messages.VerbAssign})
	case userID == 0:
		t.assign(r.Ticket, o.CommandId, &by, nil)
		t.tellHolder(r, o, had, messages.NoticeReleased, map[string]string{"who": desk.Who(o)})
	case who == nil:
		r.Refuse(messages.NoticeAssignUnknown, map[string]string{"given": id})
	case who.asked:
		r.Refuse(messages.ReasonAdminsUnknown, nil)
	case !who.fits:
		r.Refuse(messages.NoticeAssignNotTeam, map[string]string{"name": who.Name})
	default:
		t.assign(r.Ticket, o.CommandId, &by, &who.Creator)
		t.tellAssignee(r, o, who)
		t.tellHolder(r, o, had, messages.NoticeTakenOver, map[string]string{"who": who.Name})
	}
	return r.Refusal == nil
}
