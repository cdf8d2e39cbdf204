package ticket

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// What programs do to a ticket, through the API. They are in no topic: what they are refused comes back in the Reply, as the
// key of the notice that people would read, and nothing of it is stored.

// isAPI says whether a program gave the command.
func isAPI(o *messages.Origin) bool { return o.GetSender().GetKind() == messages.Sender_API_KEY }

// updating changes what an UpdateTicket sets, in the order in which people would: first a closed ticket is opened, last it is
// closed.
func (t *ticket) updating(m *messages.UpdateTicket) (effect, error) {
	o := m.Origin
	if m.Expected != "" {
		now, err := t.apiRecord()
		if err != nil {
			return nil, err
		}
		if now.Revision != m.Expected {
			return answer(o, messages.ReasonStale, nil), nil
		}
	}
	return func(r *result) {
		status := r.Status
		if m.Status != nil {
			status = *m.Status
		}
		if r.Status == desk.StatusClosed && status != desk.StatusClosed || r.Status == desk.StatusPending && status == desk.StatusOpen {
			t.reopen(r, &messages.ReopenTicket{Origin: o})
		}
		shown, changed := false, false
		set := func(field, value *string, shows bool) {
			if value != nil && *field != *value {
				*field, changed, shown = *value, true, shown || shows
			}
		}
		if m.Title != nil {
			title := messages.CleanLine(*m.Title)
			if messages.Blank(title) {
				r.refuse(messages.ReasonNoTitle, nil)
				return
			}
			before := r.Title
			set(&r.Title, &title, true)
			if r.Title != before {
				for _, topic := range desk.TopicsOf(r.Ticket) {
					topic.NamedByHand = false
				}
			}
		}
		if m.Description != nil {
			description := strings.TrimSpace(messages.CleanText(*m.Description))
			set(&r.Description, &description, true)
		}
		if m.Priority != nil && *m.Priority != r.Priority {
			if r.Status == desk.StatusClosed {
				r.refuse(messages.NoticeTicketIsClosed, map[string]string{"ticket": r.TicketID, "command": "priority"})
				return
			}
			set(&r.Priority, m.Priority, true)
		}
		if status == desk.StatusPending && r.Status == desk.StatusOpen {
			set(&r.Status, &status, true)
		}
		if m.Metadata != nil && string(m.Metadata) != string(r.Metadata) {
			r.Metadata, changed = nil, true
			if len(m.Metadata) > 0 {
				r.Metadata = slices.Clone(m.Metadata)
			}
		}
		if changed {
			revision := r.CardRevision
			t.update(r.Ticket, o, func() {})
			if !shown {
				r.CardRevision = revision
			}
		}
		if status == desk.StatusClosed && r.Status != desk.StatusClosed {
			t.close(r, &messages.CloseTicket{Origin: o})
		}
	}, nil
}

// onSend records what a program says, in one write, and tells the links.
func (t *ticket) onSend(m *messages.SendMessage) (proto.Message, error) {
	o := m.Origin
	if t.record == nil {
		return entity.Answer(messages.Code_NOT_FOUND, "no such ticket"), nil
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
		answer.Args = map[string]string{"ticket": t.record.TicketID}
		return answer, nil
	}
	answers, err := t.replyTo(m.ReplyTo)
	if err != nil {
		return nil, err
	}
	if m.ReplyTo != "" && answers == nil {
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
	now := t.Now().UTC().Truncate(time.Millisecond)
	record := recordOf(&messages.RecordMessage{Origin: o, Content: m.Content, ReplyTo: answers}, t.record.TicketID, topic, t.sequence+1, now)
	record.MessageID, record.SentAt = id, now
	if m.AttachmentId != "" {
		record.Attachments = []string{m.AttachmentId}
	}
	if err := t.Store.InsertMessage(t.Ctx, record); err != nil {
		return nil, fmt.Errorf("record a message: %w", err)
	}
	t.sequence++
	t.lastMessageAt = now
	t.room.recorded.Inc()
	t.unnumbered = append(t.unnumbered, messageEvent(record))
	t.tellLinks(&messages.RecordMessage{Origin: o, Content: m.Content, ReplyTo: answers}, topic, id)
	t.flushSoon()
	return &messages.Reply{Code: messages.Code_OK, TicketId: t.record.TicketID, MessageId: id}, nil
}

// attached is a stored attachment of the ticket as a message carries it; nil: there is none. What came from Telegram goes there
// by its file id, what came from outside by its content.
func (t *ticket) attached(id string) (*messages.Media, error) {
	a, err := t.Store.Attachment(t.Ctx, id)
	if errors.Is(err, storage.ErrNotFound) || err == nil && (a.TicketID != t.record.TicketID || a.State != storage.FileStored) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read an attachment: %w", err)
	}
	media := &messages.Media{Kind: a.FileType, FileId: a.FileID, FileUniqueId: a.FileUniqueID, FileName: a.FileName, MimeType: a.MimeType,
		FileSize: a.FileSize, Width: int32(a.Width), Height: int32(a.Height)}
	if a.FileID == "" {
		media.Sha256 = a.SHA256
	}
	return media, nil
}

// answered is what a message says of the one that it answers; nil: there is none in this ticket.
func (t *ticket) replyTo(id string) (*messages.ReplyTo, error) {
	if id == "" {
		return nil, nil
	}
	m, err := t.Store.Message(t.Ctx, id)
	if errors.Is(err, storage.ErrNotFound) || err == nil && m.TicketID != t.record.TicketID {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the answered message: %w", err)
	}
	to := &messages.ReplyTo{Answered: id, Preview: messages.Shorten(m.Text, 200)}
	if m.Media != nil {
		to.MediaKind = m.Media.Kind
	}
	to.ChatId, to.MessageId, _ = messages.ParseMessageKey(id)
	return to, nil
}

// apiTopicOf returns the ticket's topic for programs. It comes with the first message; the mark by which the sweep finds a
// ticket that owes a copy comes with it, or is renewed.
func (t *ticket) apiTopicOf(o *messages.Origin) (*storage.Topic, error) {
	id := t.record.TicketID + desk.APITopic
	link := desk.LinkOf(t.record, id)
	if link != nil && !t.record.DueAt.IsZero() {
		return &link.Topic, nil
	}
	err := t.change(func(r *storage.Ticket) {
		if link == nil {
			r.Links = append(r.Links, storage.Link{LinkID: id, Topic: storage.Topic{TopicID: id}, By: desk.CreatorOf(o), BeginSequence: t.sequence,
				SettledSequence: t.sequence, CreatedAt: t.Now().UTC().Truncate(time.Millisecond)})
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

// apiRecord is the ticket as the API shows it. The alias of its group is the only thing that is not in memory, and that is
// remembered.
func (t *ticket) apiRecord() (*messages.TicketRecord, error) {
	return desk.RevisedRecord(t.Ctx, t.Store, t.room.Aliases, t.record)
}
