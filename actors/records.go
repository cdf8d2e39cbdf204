package actors

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// Between what travels (messages) and what is stored (storage): one function each way.

// recordOf is the record of something said.
func recordOf(m *messages.RecordMessage, ticketID string, topic *storage.Topic, sequence int64, now time.Time) *storage.Message {
	o := m.Origin
	r := &storage.Message{
		MessageID: messages.MessageKey(o.ChatId, o.MessageId), TicketID: ticketID, Sequence: sequence,
		TopicID: topic.TopicID, GroupID: topic.GroupID, Sender: senderOf(o), Internal: m.Internal,
		SentAt: time.UnixMilli(o.DateMs).UTC(), RecordedAt: now,
	}
	setContent(r, m.Content)
	if p := m.ReplyTo; p != nil {
		r.ReplyTo = &storage.ReplyTo{ChatID: p.ChatId, MessageID: p.MessageId, Quote: p.Quote, Preview: p.Preview, MediaKind: p.MediaKind, Answered: p.Answered,
			QuoteEntities: entitiesToStore(p.QuoteEntities), QuotePosition: p.QuotePosition}
	}
	return r
}

func senderOf(o *messages.Origin) storage.Sender {
	kinds := map[messages.Sender_Kind]string{messages.Sender_USER: "user", messages.Sender_GROUP: "group",
		messages.Sender_CHANNEL: "channel", messages.Sender_API_KEY: "apiKey"}
	s := o.GetSender()
	if s == nil {
		return storage.Sender{ID: o.GetFrom().GetId(), Kind: "user", Name: who(o), Username: o.GetFrom().GetUsername()}
	}
	return storage.Sender{ID: s.Id, Kind: kinds[s.Kind], Name: s.Name, Username: s.Username, KeyID: s.KeyId}
}

// replyOf is what a stored message answers.
func replyOf(m *storage.Message) *messages.ReplyTo {
	p := m.ReplyTo
	if p == nil {
		return nil
	}
	return &messages.ReplyTo{ChatId: p.ChatID, MessageId: p.MessageID, Quote: p.Quote, Preview: p.Preview, MediaKind: p.MediaKind, Answered: p.Answered,
		QuoteEntities: entitiesOf(p.QuoteEntities), QuotePosition: p.QuotePosition}
}

// originalAt finds the message that stands at a Telegram message: as the original, or as the original of a copy. Of several
// that a copy shows it is the one that is quoted, else the last.
func originalAt(ctx context.Context, store storage.Store, chatID, messageID int64, r *messages.ReplyTo) (*storage.Message, error) {
	said, err := store.Message(ctx, messages.MessageKey(chatID, messageID))
	if !errors.Is(err, storage.ErrNotFound) {
		return said, err
	}
	copies, err := store.CopiesAt(ctx, chatID, messageID)
	if err != nil {
		return nil, err
	}
	if len(copies) == 0 {
		return nil, storage.ErrNotFound
	}
	meant, err := quotedIn(ctx, store, copies, r)
	if err != nil {
		return nil, err
	}
	return store.Message(ctx, meant.MessageID)
}

// viewOf is what a card shows of a ticket. Among its links is where else the ticket is: for a card in a linked topic that is
// the home topic and the other links.
func viewOf(ctx context.Context, store naming, r *storage.Ticket, at string) (*messages.TicketView, error) {
	v := &messages.TicketView{TicketId: r.TicketID, Title: r.Title, Description: r.Description, Status: r.Status, Priority: r.Priority,
		CreatedBy: r.CreatedBy.Name, CreatedByUsername: r.CreatedBy.Username, CreatedMs: r.CreatedAt.UnixMilli()}
	group, err := store.Group(ctx, r.Home.GroupID)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return nil, fmt.Errorf("read a group: %w", err)
	}
	if group != nil {
		v.Url = messages.TopicURL(group.TelegramGroupID, r.Home.TelegramTopicID)
		if at != r.Home.TopicID {
			v.Links = append(v.Links, &messages.LinkView{GroupTitle: group.Title, ChatId: group.TelegramGroupID, ThreadId: r.Home.TelegramTopicID})
		}
	}
	if here := topicOf(r, at); here != nil && messages.IsPrivate(here.GroupID) {
		v.Private = true
		return v, nil // who else is on it, and where, stays among the desk
	}
	for i := range r.Links {
		link := &r.Links[i]
		if link.Ended || link.Topic.TopicID == at || isAPILink(link) {
			continue
		}
		if messages.IsPrivate(link.Topic.GroupID) {
			v.Links = append(v.Links, &messages.LinkView{UserName: link.UserName, Private: true})
			continue
		}
		l := &messages.LinkView{UserName: link.UserName, GroupTitle: link.Topic.GroupID, ThreadId: link.Topic.TelegramTopicID}
		group, err := store.Group(ctx, link.Topic.GroupID)
		if err != nil && !errors.Is(err, storage.ErrNotFound) {
			return nil, fmt.Errorf("read a group: %w", err)
		}
		if group != nil {
			l.GroupTitle, l.ChatId = group.Title, group.TelegramGroupID
		}
		v.Links = append(v.Links, l)
	}
	return v, nil
}
