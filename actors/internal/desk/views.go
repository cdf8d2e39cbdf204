package desk

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// DefaultKeyRate and DefaultKeyBurst are the limits of a key that has none of its own: requests a second, and at once.
const (
	DefaultKeyRate  = 100
	DefaultKeyBurst = 200
)

func LimitsOf(r *storage.APIKey) (rate, burst int64) {
	rate, burst = r.Rate, r.Burst
	if rate <= 0 {
		rate = DefaultKeyRate
		if burst <= 0 {
			burst = DefaultKeyBurst
		}
	}
	if burst <= 0 {
		burst = 2 * rate
	}
	return rate, burst
}

func AttachmentRecord(a *storage.Attachment) *messages.AttachmentRecord {
	return &messages.AttachmentRecord{Code: messages.Code_OK, AttachmentId: a.AttachmentID, TicketId: a.TicketID, MessageId: a.MessageID,
		FileName: a.FileName, FileType: a.FileType, MimeType: a.MimeType, FileSize: a.FileSize, Width: int64(a.Width), Height: int64(a.Height),
		Thumbnail: a.Thumbnail, State: a.State, Reason: a.Reason, UploadedBy: CreatorRecord(a.UploadedBy), CreatedMs: MillisOf(a.CreatedAt), Sha256: a.SHA256}
}

// KeyView is a key as its owner sees it.
func KeyView(r *storage.APIKey) *messages.APIKey {
	rate, burst := LimitsOf(r)
	v := &messages.APIKey{KeyId: r.KeyID, Name: r.Name, Owner: r.Owner, Scopes: r.Scopes, GroupId: r.GroupID, Rate: rate, Burst: burst,
		ExpiresMs: MillisOf(r.ExpiresAt), RevokedMs: MillisOf(r.RevokedAt), LastUsedMs: MillisOf(r.LastUsedAt),
		CreatedMs: MillisOf(r.CreatedAt), UpdatedMs: MillisOf(r.UpdatedAt)}
	for _, s := range r.Secrets {
		v.OldUntilMs = max(v.OldUntilMs, MillisOf(s.Until))
	}
	return v
}

func UserRecordOf(r *storage.User, chat int64) *messages.UserRecord {
	return &messages.UserRecord{
		Code: messages.Code_OK,
		Person: &messages.Person{Id: r.TelegramID, Username: r.Username, FirstName: r.FirstName, LastName: r.LastName,
			LanguageCode: r.Language, IsBot: r.IsBot},
		DefaultGroupId: r.DefaultGroupID, DefaultChatId: chat, CreatedMs: MillisOf(r.CreatedAt), UpdatedMs: MillisOf(r.UpdatedAt),
	}
}

func GroupRecordOf(r *storage.Group) *messages.GroupRecord {
	return &messages.GroupRecord{
		Code: messages.Code_OK, GroupId: r.GroupID, Registered: r.SupportTopicsEnabled, Public: r.Public, Lang: r.Language,
		Facts: &messages.GroupFacts{ChatId: r.TelegramGroupID, Title: r.Title, Type: r.Type, IsForum: r.IsForum,
			BotStatus: r.BotStatus, CanManageTopics: r.CanManageTopics, CanPinMessages: r.CanPinMessages},
		Standing: TicketsIn(r), CreatedMs: MillisOf(r.CreatedAt), UpdatedMs: MillisOf(r.UpdatedAt),
	}
}

// MillisOf is a time as it travels; 0: not set.
func MillisOf(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// TimeOf is the time that travelled as milliseconds; 0: none.
func TimeOf(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// SenderRecord is who said a message, as it travels.
func SenderRecord(s *storage.Sender) *messages.Sender {
	kinds := map[string]messages.Sender_Kind{"user": messages.Sender_USER, "group": messages.Sender_GROUP,
		"channel": messages.Sender_CHANNEL, "apiKey": messages.Sender_API_KEY}
	return &messages.Sender{Kind: kinds[s.Kind], Id: s.ID, Name: s.Name, Username: s.Username, KeyId: s.KeyID}
}

// viewOf is what a card shows of a ticket. Among its links is where else the ticket is: for a card in a linked topic that is
// the home topic and the other links.
func ViewOf(ctx context.Context, store naming, r *storage.Ticket, at string) (*messages.TicketView, error) {
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
	if here := TopicOf(r, at); here != nil && messages.IsPrivate(here.GroupID) {
		v.Private = true
		return v, nil // who else is on it, and where, stays among the desk
	}
	for i := range r.Links {
		link := &r.Links[i]
		if link.Ended || link.Topic.TopicID == at || IsAPILink(link) {
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

func TicketRecord(ctx context.Context, store storage.Groups, aliases *Aliases, r *storage.Ticket) (*messages.TicketRecord, error) {
	home, err := TopicRecord(ctx, store, aliases, &r.Home)
	if err != nil {
		return nil, err
	}
	v := &messages.TicketRecord{
		TicketId: r.TicketID, Title: r.Title, Description: r.Description, Status: r.Status, Priority: r.Priority,
		CreatedBy: CreatorRecord(r.CreatedBy), GroupId: r.GroupID, ChatId: home.ChatId, Topic: home, ExternalId: r.ExternalID, Metadata: r.Metadata,
		CreatedMs: MillisOf(r.CreatedAt), UpdatedMs: MillisOf(r.UpdatedAt), ClosedMs: MillisOf(r.ClosedAt),
	}
	return v, nil
}

// revisedRecord is a ticket as it is answered, with a revision that is another whenever something else is another. Items of a list
// have neither code nor revision.
func RevisedRecord(ctx context.Context, store storage.Groups, aliases *Aliases, r *storage.Ticket) (*messages.TicketRecord, error) {
	v, err := TicketRecord(ctx, store, aliases, r)
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

func CreatorRecord(c storage.Creator) *messages.Creator {
	return &messages.Creator{Kind: c.Kind, Id: c.ID, Name: c.Name, Username: c.Username}
}

func TopicRecord(ctx context.Context, store storage.Groups, aliases *Aliases, t *storage.Topic) (*messages.TopicRecord, error) {
	v := &messages.TopicRecord{TopicId: t.TopicID, TelegramTopicId: t.TelegramTopicID, Name: t.Name, GroupId: t.GroupID}
	switch {
	case t.GroupID == "":
		v.State = "api" // nowhere in Telegram
		return v, nil
	case t.Failure != "":
		v.State, v.Failure = "failed", t.Failure
	case !IsOpened(t):
		v.State = "pending"
	case t.Closed:
		v.State = "closed"
	default:
		v.State, v.Failure = "open", t.Held
	}
	var err error
	v.ChatId, err = aliases.Chat(ctx, store, t.GroupID)
	return v, err
}
