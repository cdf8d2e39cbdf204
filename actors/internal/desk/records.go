package desk

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// Records as the API shows them.

// MillisOf is a time as it travels in messages; 0: not set.
func MillisOf(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// TimeOf is the reverse of MillisOf, in UTC.
func TimeOf(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// DefaultKeyRate and DefaultKeyBurst are the limits of an API key that has none of its own: requests a second, and
// requests together after a quiet time.
const (
	DefaultKeyRate  = 100
	DefaultKeyBurst = 200
)

// LimitsOf are the limits of an API key. A key with a rate of its own but no burst may make the requests of two seconds
// together.
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

// KeyView is an API key, without its secrets.
func KeyView(r *storage.APIKey) *messages.APIKey {
	rate, burst := LimitsOf(r)
	v := &messages.APIKey{
		KeyId: r.KeyID, Name: r.Name, Owner: r.Owner, Scopes: r.Scopes, GroupId: r.GroupID, Rate: rate, Burst: burst,
		ExpiresMs: MillisOf(r.ExpiresAt), RevokedMs: MillisOf(r.RevokedAt), LastUsedMs: MillisOf(r.LastUsedAt),
		CreatedMs: MillisOf(r.CreatedAt), UpdatedMs: MillisOf(r.UpdatedAt),
	}
	for _, s := range r.Secrets {
		if !s.Until.After(r.UpdatedAt) {
			continue // it had ended when the key was rotated, and is kept for who still sends it
		}
		v.OldUntilMs = max(v.OldUntilMs, MillisOf(s.Until))
	}
	return v
}

// UserRecordOf is a person; chat is Telegram's id of their default group.
func UserRecordOf(r *storage.User, chat ids.ChatID) *messages.UserRecord {
	return &messages.UserRecord{
		Code: messages.Code_OK,
		Person: &messages.Person{
			Id: r.TelegramID, Username: r.Username, FirstName: r.FirstName, LastName: r.LastName,
			LanguageCode: r.Language, IsBot: r.IsBot,
		},
		DefaultGroupId: r.DefaultGroupID, DefaultChatId: chat,
		CreatedMs: MillisOf(r.CreatedAt), UpdatedMs: MillisOf(r.UpdatedAt),
	}
}

// GroupRecordOf is a group.
func GroupRecordOf(r *storage.Group) *messages.GroupRecord {
	return &messages.GroupRecord{
		Code: messages.Code_OK, GroupId: r.GroupID, Registered: r.SupportTopicsEnabled, Public: r.Public,
		Hours: r.Hours, Exceptions: &messages.DaysApart{ByDate: r.HoursApart}, AnswerWithin: answerTimesRecord(AnswerTimesOf(r)),
		AutoClose: autoCloseRecord(AutoCloseOf(r)), ReopenDays: ReopenDaysOf(r),
		AutoClaim: !r.ManualClaims, Icons: !r.NoIcons, WaitingList: !r.NoWaitingList, QuietCopies: r.QuietCopies, Lang: r.Language, Facts: FactsOf(r), Standing: TicketsIn(r),
		CreatedMs: MillisOf(r.CreatedAt), UpdatedMs: MillisOf(r.UpdatedAt),
	}
}

// FactsOf is what Telegram says of a group.
func FactsOf(r *storage.Group) *messages.GroupFacts {
	return &messages.GroupFacts{
		ChatId: r.TelegramGroupID, Title: r.Title, Type: r.Type, IsForum: r.IsForum, BotStatus: r.BotStatus,
		CanManageTopics: r.CanManageTopics, CanPinMessages: r.CanPinMessages,
		CanDeleteMessages: r.CanDeleteMessages,
	}
}

// TicketRecord is a ticket as an item of a list, without code and revision.
func TicketRecord(
	ctx context.Context, store storage.Groups, aliases *Aliases, r *storage.Ticket,
) (*messages.TicketRecord, error) {
	home, err := TopicRecord(ctx, store, aliases, &r.Home)
	if err != nil {
		return nil, err
	}
	v := &messages.TicketRecord{
		TicketId: r.TicketID, Number: r.Number, Title: r.Title, Description: r.Description,
		DescriptionEntities: EntitiesOf(r.DescriptionEntities), Status: r.Status, Priority: r.Priority,
		CreatedBy: CreatorRecord(r.CreatedBy), GroupId: r.GroupID, ChatId: home.ChatId, Topic: home,
		ExternalId: r.ExternalID, Metadata: r.Metadata,
		CreatedMs: MillisOf(r.CreatedAt), UpdatedMs: MillisOf(r.UpdatedAt), ClosedMs: MillisOf(r.ClosedAt),
		LastMessageMs: max(MillisOf(r.LastMessageAt), MillisOf(r.CreatedAt)),
	}
	v.WaitingFor, v.WaitingSinceMs = WaitingOf(r)
	if v.AnswerDueMs = MillisOf(r.Timers.AnswerDueAt); r.Overdue() {
		v.OverdueMs = MillisOf(r.Timers.OverdueAt)
	}
	v.SnoozedUntilMs = MillisOf(r.Timers.SnoozedUntil)
	v.ClosesMs, v.Follows = MillisOf(r.Timers.ClosesAt), r.Follows
	if r.Assignee != nil {
		v.Assignee = CreatorRecord(*r.Assignee)
	}
	if r.OpenedFor != nil {
		v.Customer = CreatorRecord(*r.OpenedFor)
	}
	return v, nil
}

// WaitsForNobody is whom a closed ticket waits for, as people and programs see it.
const WaitsForNobody = "nobody"

// WaitingOf says for whom a ticket waits and since when. One of which that is not known yet is shown as if nobody had
// answered.
func WaitingOf(r *storage.Ticket) (whom string, since int64) {
	switch {
	case r.Status == StatusClosed:
		return WaitsForNobody, 0
	case r.Unjudged():
		return storage.WaitsForDesk, MillisOf(r.CreatedAt)
	}
	return r.WaitingFor, MillisOf(r.WaitingSince)
}

// RevisedRecord is a single ticket, with a revision that changes whenever anything else in the record changes but what
// messages and time change, which are the time of the last one, for whom it waits, and its timers: a change that was made for what
// the ticket is stays right when somebody writes.
func RevisedRecord(
	ctx context.Context, store storage.Groups, aliases *Aliases, r *storage.Ticket,
) (*messages.TicketRecord, error) {
	v, err := TicketRecord(ctx, store, aliases, r)
	if err != nil {
		return nil, err
	}
	lasting := proto.CloneOf(v)
	lasting.LastMessageMs, lasting.WaitingFor, lasting.WaitingSinceMs = 0, "", 0
	lasting.AnswerDueMs, lasting.OverdueMs, lasting.SnoozedUntilMs, lasting.ClosesMs = 0, 0, 0, 0
	body, err := proto.MarshalOptions{Deterministic: true}.Marshal(lasting)
	if err != nil {
		return nil, fmt.Errorf("a ticket's revision: %w", err)
	}
	sum := sha256.Sum256(body)
	v.Revision = base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:15])
	v.Code = messages.Code_OK
	return v, nil
}

// TopicRecord is a topic and its state: api (it is not in Telegram), failed, pending, closed or open.
func TopicRecord(
	ctx context.Context, store storage.Groups, aliases *Aliases, t *storage.Topic,
) (*messages.TopicRecord, error) {
	v := &messages.TopicRecord{
		TopicId: t.TopicID, TelegramTopicId: t.TelegramTopicID, Name: t.Name, GroupId: t.GroupID,
	}
	switch {
	case t.GroupID == "":
		v.State = "api"
		return v, nil
	case t.Failure != "":
		v.State, v.Failure = "failed", t.Failure
	case !IsOpened(t), t.Unproven:
		v.State = "pending"
	case t.Closed:
		v.State = "closed"
	default:
		v.State, v.Failure = "open", t.Suspended
	}
	var err error
	v.ChatId, err = aliases.Chat(ctx, store, t.GroupID)
	return v, err
}

// AttachmentRecord is an attachment.
func AttachmentRecord(a *storage.Attachment) *messages.AttachmentRecord {
	return &messages.AttachmentRecord{
		Code: messages.Code_OK, AttachmentId: a.AttachmentID, TicketId: a.TicketID, MessageId: a.MessageID,
		FileName: a.FileName, FileType: a.FileType, MimeType: a.MimeType, FileSize: a.FileSize, Sha256: a.SHA256,
		Width: int64(a.Width), Height: int64(a.Height), Thumbnail: a.Thumbnail, State: a.State, Reason: a.Reason,
		UploadedBy: CreatorRecord(a.UploadedBy), CreatedMs: MillisOf(a.CreatedAt),
	}
}
