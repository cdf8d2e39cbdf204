package ticket

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// What happens to a message after it was said: an edit, a reaction, a deletion is one write of the message's record, with the
// former version, the event, and the mark that its copies are behind. The links bring their copies after it, the ticket
// brings what the bot shows on the original; when all have, the mark goes. A restart finds the messages by the mark.

const (
	versionsKept   = 50      // versions of a message: the first, and the newest
	versionBytes   = 1 << 18 // of their texts
	reactionsKept  = 50
	changesHandled = 128 // ids of changes that a message remembers: more than one batch of updates
	openAtOnce     = 10_000
)

// changeable are the commands about a message that was said.
type changeable interface {
	desk.Command
	GetMessageId() string
}

// onChange carries out an edit or a reaction.
func (t *ticket) onChange(m changeable, f func(next *storage.Message) (*storage.Event, bool)) (proto.Message, error) {
	if t.record == nil {
		return entity.Answer(messages.Code_NOT_FOUND, "no such ticket"), nil
	}
	original, err := t.Store.Message(t.Ctx, m.GetMessageId())
	if errors.Is(err, storage.ErrNotFound) || err == nil && original.TicketID != t.record.TicketID {
		return entity.Answer(messages.Code_NOT_FOUND, "the ticket has no such message"), nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the message: %w", err)
	}
	if topic := desk.TopicOf(t.record, original.TopicID); topic == nil || t.hasLeft(original.TopicID) {
		return entity.Answer(messages.Code_WRONG_TOPIC, "the topic is not the ticket's any more"), nil
	}
	if original.Deleted || slices.Contains(original.Handled, m.GetOrigin().GetCommandId()) {
		return entity.Duplicate(), nil
	}
	return t.changeMessage(original, m.GetOrigin(), f)
}

// hasLeft says whether a topic was unlinked.
func (t *ticket) hasLeft(topicID string) bool {
	link := desk.LinkOf(t.record, topicID)
	return link != nil && link.Ended
}

// changeMessage writes a message with a change, and lets everything follow from it. f says what changes, and whether
// anything that is shown does.
func (t *ticket) changeMessage(original *storage.Message, o *messages.Origin, f func(*storage.Message) (*storage.Event, bool)) (proto.Message, error) {
	next := cloneMessage(original)
	event, shown := f(next)
	if event == nil && !shown {
		return entity.OK(), nil // nothing that anybody sees has changed
	}
	// The sweep must find the ticket before it owes anything.
	if t.record.DueAt.IsZero() {
		if err := t.change(func(*storage.Ticket) {}); err != nil {
			return nil, err
		}
	}
	next.Revision++
	next.ChangedAfter, next.Behind = t.sequence, next.Behind || shown
	next.Handled = desk.Remember(next.Handled, o.GetCommandId(), changesHandled)
	if event != nil {
		event.EventID, event.TicketID, event.At = event.Type+"/"+o.GetCommandId(), t.record.TicketID, t.changedAt()
		next.Events = append(next.Events, *event)
	}
	if err := t.recordChangedFile(original, next); err != nil {
		return nil, err
	}
	if err := t.saveMessage(next); err != nil {
		return nil, err
	}
	if event != nil {
		t.unnumbered = append(t.unnumbered, *event)
		t.caused[event.EventID] = next.MessageID
	}
	t.lastMessageAt = t.Now()
	t.follow(next)
	t.flushSoon()
	return &messages.Reply{Code: messages.Code_OK, TicketId: t.record.TicketID}, nil
}

func (t *ticket) changedAt() time.Time { return t.Now().UTC().Truncate(time.Millisecond) }

func (t *ticket) saveMessage(m *storage.Message) error {
	if err := t.Store.SaveMessage(t.Ctx, m); err != nil {
		return fmt.Errorf("save a message: %w", err)
	}
	return nil
}

func cloneMessage(m *storage.Message) *storage.Message {
	next := *m
	next.Former, next.Reactions, next.Owed = slices.Clone(m.Former), slices.Clone(m.Reactions), slices.Clone(m.Owed)
	next.Events, next.Handled = slices.Clone(m.Events), slices.Clone(m.Handled)
	return &next
}

// onEdit keeps the former version and takes the new one.
func (t *ticket) onEdit(m *messages.EditMessage) (proto.Message, error) {
	return t.onChange(m, func(next *storage.Message) (*storage.Event, bool) {
		at := time.UnixMilli(m.EditedMs).UTC()
		if sameContent(desk.ContentOf(next), m.Content) && next.Internal == m.Internal || at.Before(next.EditedAt) {
			return nil, false
		}
		next.Former = keepVersion(next.Former, storage.Former{Revision: next.ContentRevision, Text: next.Text, Entities: next.Entities, Media: next.Media,
			Internal: next.Internal, Until: t.changedAt()})
		hidden := next.Hidden()
		desk.SetContent(next, m.Content)
		next.Internal, next.EditedAt, next.ContentRevision = m.Internal, at, next.Revision+1
		return &storage.Event{Type: messages.EventMessageEdited, Data: editedData(next, next.Revision+1)}, !hidden || !next.Hidden()
	})
}

// sameContent says whether nobody sees a difference. The id of a file may be another each time it is shown.
func sameContent(was, is *messages.Content) bool {
	if a, b := was.GetMedia(), is.GetMedia(); a.GetFileUniqueId() != "" && a.GetFileUniqueId() == b.GetFileUniqueId() {
		was = proto.CloneOf(was)
		was.Media.FileId, was.Media.ThumbnailFileId, was.Media.PhotoFileId = b.FileId, b.ThumbnailFileId, b.PhotoFileId
	}
	return proto.Equal(was, is)
}

// former adds a version to those that are kept: the first one stays, of the others the newest do.
func keepVersion(kept []storage.Former, v storage.Former) []storage.Former {
	kept = append(kept, v)
	size := func() (n int) {
		for _, f := range kept {
			n += len(f.Text)
		}
		return n
	}
	for len(kept) > versionsKept || len(kept) > 2 && size() > versionBytes {
		kept = slices.Delete(kept, 1, 2)
	}
	return kept
}

// onReact takes a person's reactions to a message, at the original or at one of its copies.
func (t *ticket) onReact(m *messages.React) (proto.Message, error) {
	return t.onChange(m, func(next *storage.Message) (*storage.Event, bool) {
		at, by := t.topicOfMessage(next, m.Origin.GetPlace(), m.Origin.GetChatId(), m.AtMessageId), desk.SenderOf(m.Origin)
		theirs := func(r storage.Reaction) bool { return r.By.Kind == by.Kind && r.By.ID == by.ID && r.TopicID == at }
		is := storage.Reaction{By: by, TopicID: at, At: t.changedAt()}
		for _, e := range m.Emojis { // of several the first that a bot can set
			if is.Emoji == "" && is.CustomEmojiID == "" || is.Emoji == "" && e.Emoji != "" {
				is.Emoji, is.CustomEmojiID = e.Emoji, e.CustomEmojiId
			}
		}
		was := slices.IndexFunc(next.Reactions, theirs)
		if len(m.Emojis) == 0 && was < 0 || was >= 0 && next.Reactions[was].Emoji == is.Emoji && next.Reactions[was].CustomEmojiID == is.CustomEmojiID && len(m.Emojis) > 0 {
			return nil, false
		}
		before := next.Reactions
		next.Reactions = slices.DeleteFunc(slices.Clone(before), theirs)
		if len(m.Emojis) > 0 {
			next.Reactions = append(next.Reactions, is)
			next.Reactions = next.Reactions[max(0, len(next.Reactions)-reactionsKept):]
		}
		return &storage.Event{Type: messages.EventMessageReacted, Data: reactedData(next, is)}, !next.Hidden()
	})
}

// topicOfMessage finds the topic in which a Telegram message stands that is the original, or a copy of it.
func (t *ticket) topicOfMessage(original *storage.Message, place string, chatID, messageID int64) string {
	if original.MessageID == messages.MessageKey(chatID, messageID) {
		return original.TopicID
	}
	copies, err := t.Store.CopiesAt(t.Ctx, chatID, messageID)
	if err != nil {
		t.Log.Error("the copies of a message can't be read", "message", original.MessageID, "error", err)
	}
	for i := range copies {
		if copies[i].MessageID == original.MessageID {
			return copies[i].TopicID
		}
	}
	for _, topic := range desk.TopicsOf(t.record) {
		if topic.GroupID == place {
			return topic.TopicID
		}
	}
	return original.TopicID
}

// onShowReaction: the word about a failure may go; what people react shows again.
func (t *ticket) onShowReaction(m *messages.ShowReaction) error {
	if t.record == nil {
		return nil
	}
	original, err := t.Store.Message(t.Ctx, m.MessageId)
	if errors.Is(err, storage.ErrNotFound) || err == nil && original.TicketID != t.record.TicketID {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the message: %w", err)
	}
	_, err = t.changeMessage(original, &messages.Origin{CommandId: "shown:" + strconv.FormatInt(original.Revision, 10)},
		func(next *storage.Message) (*storage.Event, bool) {
			next.Shown = desk.FailureEmoji
			return nil, !next.Deleted
		})
	return err
}
