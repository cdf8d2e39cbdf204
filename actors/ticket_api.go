package actors

import (
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

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
		if r.Status == statusClosed && status != statusClosed || r.Status == statusPending && status == statusOpen {
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
				for _, topic := range topicsOf(r.Ticket) {
					topic.NamedByHand = false
				}
			}
		}
		if m.Description != nil {
			description := strings.TrimSpace(messages.CleanText(*m.Description))
			set(&r.Description, &description, true)
		}
		if m.Priority != nil && *m.Priority != r.Priority {
			if r.Status == statusClosed {
				r.refuse(messages.NoticeTicketIsClosed, map[string]string{"ticket": r.TicketID, "command": "priority"})
				return
			}
			set(&r.Priority, m.Priority, true)
		}
		if status == statusPending && r.Status == statusOpen {
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
		if status == statusClosed && r.Status != statusClosed {
			t.close(r, &messages.CloseTicket{Origin: o})
		}
	}, nil
}

// apiTopic is the topic of a ticket in which programs write. It is that of a link of its own, which copies only into home;
// the other links copy what is said in it as they do what is said in any other.
const apiTopic = ":api"

func isAPILink(l *storage.Link) bool { return strings.HasSuffix(l.LinkID, apiTopic) }

// onSend records what a program says, in one write, and tells the links.
func (t *ticket) onSend(m *messages.SendMessage) (proto.Message, error) {
	o := m.Origin
	if t.record == nil {
		return answered(messages.Code_NOT_FOUND, "no such ticket"), nil
	}
	id := apiMessageID(t.record.TicketID, o.GetCommandId())
	switch _, err := t.store.Message(t.ctx, id); {
	case err == nil:
		return &messages.Reply{Code: messages.Code_DUPLICATE, TicketId: t.record.TicketID, MessageId: id}, nil
	case !errors.Is(err, storage.ErrNotFound):
		return nil, fmt.Errorf("read a message: %w", err)
	}
	if t.record.Status == statusClosed {
		answer := answered(messages.Code_CONFLICT, messages.NoticeTicketIsClosed)
		answer.Args = map[string]string{"ticket": t.record.TicketID}
		return answer, nil
	}
	answers, err := t.answered(m.ReplyTo)
	if err != nil {
		return nil, err
	}
	if m.ReplyTo != "" && answers == nil {
		return answered(messages.Code_CONFLICT, messages.ReasonNoSuchMessage), nil
	}
	if m.AttachmentId != "" {
		media, err := t.attached(m.AttachmentId)
		if err != nil {
			return nil, err
		}
		if media == nil {
			return answered(messages.Code_CONFLICT, messages.ReasonNoSuchFile), nil
		}
		m.Content = proto.CloneOf(m.Content)
		m.Content.Media = media
	}
	topic, err := t.apiTopicOf(o)
	if err != nil {
		return nil, err
	}
	now := t.now().UTC().Truncate(time.Millisecond)
	record := recordOf(&messages.RecordMessage{Origin: o, Content: m.Content, ReplyTo: answers}, t.record.TicketID, topic, t.sequence+1, now)
	record.MessageID, record.SentAt = id, now
	if m.AttachmentId != "" {
		record.Attachments = []string{m.AttachmentId}
	}
	if err := t.store.InsertMessage(t.ctx, record); err != nil {
		return nil, fmt.Errorf("record a message: %w", err)
	}
	t.sequence++
	t.lastSaid = now
	t.system.metrics.recorded.Inc()
	t.unnumbered = append(t.unnumbered, messageEvent(record))
	t.tellLinks(&messages.RecordMessage{Origin: o, Content: m.Content, ReplyTo: answers}, topic, id)
	t.settleSoon()
	return &messages.Reply{Code: messages.Code_OK, TicketId: t.record.TicketID, MessageId: id}, nil
}

// attached is a stored attachment of the ticket as a message carries it; nil: there is none. What came from Telegram goes there
// by its file id, what came from outside by its content.
func (t *ticket) attached(id string) (*messages.Media, error) {
	a, err := t.store.Attachment(t.ctx, id)
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

// apiMessageID names a message that is not Telegram's: the same for the same command.
func apiMessageID(ticketID, commandID string) string {
	sum := sha256.Sum256([]byte(ticketID + "\x00" + commandID))
	return "api:m" + strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:15]))
}

// answered is what a message says of the one that it answers; nil: there is none in this ticket.
func (t *ticket) answered(id string) (*messages.ReplyTo, error) {
	if id == "" {
		return nil, nil
	}
	m, err := t.store.Message(t.ctx, id)
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
	id := t.record.TicketID + apiTopic
	link := linkOf(t.record, id)
	if link != nil && !t.record.DueAt.IsZero() {
		return &link.Topic, nil
	}
	err := t.change(func(r *storage.Ticket) {
		if link == nil {
			r.Links = append(r.Links, storage.Link{LinkID: id, Topic: storage.Topic{TopicID: id}, By: creatorOf(o), BeginSequence: t.sequence,
				SettledSequence: t.sequence, CreatedAt: t.now().UTC().Truncate(time.Millisecond)})
			r.LinksRevision++
		}
	})
	if err != nil {
		return nil, err
	}
	if link == nil {
		t.settled[id], t.told[id] = t.sequence, t.sequence
	}
	return &linkOf(t.record, id).Topic, nil
}

// apiRecord is the ticket as the API shows it. The alias of its group is the only thing that is not in memory, and that is
// remembered.
func (t *ticket) apiRecord() (*messages.TicketRecord, error) {
	return revisedRecord(t.system, t.record)
}

func ticketRecord(s *System, r *storage.Ticket) (*messages.TicketRecord, error) {
	home, err := topicRecord(s, &r.Home)
	if err != nil {
		return nil, err
	}
	v := &messages.TicketRecord{
		TicketId: r.TicketID, Title: r.Title, Description: r.Description, Status: r.Status, Priority: r.Priority,
		CreatedBy: creatorRecord(r.CreatedBy), GroupId: r.GroupID, ChatId: home.ChatId, Topic: home, ExternalId: r.ExternalID, Metadata: r.Metadata,
		CreatedMs: millisOf(r.CreatedAt), UpdatedMs: millisOf(r.UpdatedAt), ClosedMs: millisOf(r.ClosedAt),
	}
	return v, nil
}

// revisedRecord is a ticket as it is answered, with a revision that is another whenever something else is another. Items of a list
// have neither code nor revision.
func revisedRecord(s *System, r *storage.Ticket) (*messages.TicketRecord, error) {
	v, err := ticketRecord(s, r)
	if err != nil {
		return nil, err
	}
	body, err := proto.MarshalOptions{Deterministic: true}.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("a ticket's revision: %w", err)
	}
	sum := sha256.Sum256(body)
	v.Revision = base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:15])
	v.Code = messages.Code_OK
	return v, nil
}

func creatorRecord(c storage.Creator) *messages.Creator {
	return &messages.Creator{Kind: c.Kind, Id: c.ID, Name: c.Name, Username: c.Username}
}

func topicRecord(s *System, t *storage.Topic) (*messages.TopicRecord, error) {
	v := &messages.TopicRecord{TopicId: t.TopicID, TelegramTopicId: t.TelegramTopicID, Name: t.Name, GroupId: t.GroupID}
	switch {
	case t.GroupID == "":
		v.State = "api" // nowhere in Telegram
		return v, nil
	case t.Failure != "":
		v.State, v.Failure = "failed", t.Failure
	case !isOpened(t):
		v.State = "pending"
	case t.Closed:
		v.State = "closed"
	default:
		v.State, v.Failure = "open", t.Held
	}
	var err error
	v.ChatId, err = s.aliases.chat(s, t.GroupID)
	return v, err
}
