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
	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/view"
)

// What happens to a message after it was sent. An edit, a reaction or a deletion is one write of the message's
// record: with the previous version, the event, and the mark that its copies are out of date (docs/decisions.md,
// D31). The links bring their copies up to date; the ticket does so with what the bot shows on the original;
// when all have finished, the mark goes. After a restart the mark leads to the messages.

const (
	reactionsKept  = 50
	changesHandled = 128    // ids of commands that a message remembers: more than one batch of updates
	openAtOnce     = 10_000 // changed messages that Load reads
)

// changeable are the commands about a message that is recorded.
type changeable interface {
	desk.Command
	GetMessageId() ids.MessageKey
}

// onChange carries out an edit or a reaction.
func (t *ticket) onChange(m changeable, f func(next *storage.Message) (*told, bool)) (proto.Message, error) {
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
		return entity.Answer(messages.Code_WRONG_TOPIC, "the topic no longer belongs to the ticket"), nil
	}
	if original.Deleted || slices.Contains(original.Handled, m.GetOrigin().GetCommandId()) {
		return entity.Duplicate(), nil
	}
	return t.changeMessage(original, m.GetOrigin(), f)
}

// hasLeft reports whether a topic was unlinked.
func (t *ticket) hasLeft(topicID ids.TopicKey) bool {
	link := desk.LinkOf(t.record, topicID)
	return link != nil && link.Ended
}

// changeMessage writes a changed message and starts what follows from it. f makes the change; it returns the
// event, if there is one, and whether the change shows anywhere.
func (t *ticket) changeMessage(
	original *storage.Message, o *messages.Origin, f func(*storage.Message) (*told, bool),
) (proto.Message, error) {
	next := desk.CloneMessage(original)
	tell, shown := f(next)
	if tell == nil && !shown {
		return entity.OK(), nil // nobody would see a difference
	}
	if err := t.makeDue(); err != nil {
		return nil, err
	}
	next.Revision++
	next.ChangedAfter, next.Outdated = t.sequence, next.Outdated || shown
	next.Handled = desk.Remember(next.Handled, o.GetCommandId(), changesHandled)
	if err := t.recordChangedFile(original, next); err != nil {
		return nil, err
	}
	event := storage.Event{}
	if tell != nil {
		var err error
		if event, err = t.messageChanged(next, o.GetCommandId(), tell); err != nil {
			return nil, err
		}
		next.Events = append(next.Events, event)
	}
	if err := t.saveMessage(next); err != nil {
		return nil, err
	}
	if tell != nil {
		t.unnumbered = append(t.unnumbered, event)
		t.caused[event.EventID] = next.MessageID
	}
	t.lastActivity = t.Now()
	t.follow(next, next.ContentRevision != original.ContentRevision || next.Deleted != original.Deleted)
	t.flushSoon()
	return &messages.Reply{Code: messages.Code_OK, TicketId: t.record.TicketID}, nil
}

// makeDue has the sweep find the ticket before anything is pending.
func (t *ticket) makeDue() error {
	if t.isFound() {
		return nil
	}
	return t.change(func(*storage.Ticket) {})
}

func (t *ticket) saveMessage(m *storage.Message) error {
	if err := t.Written(t.Store.SaveMessage(t.Ctx, m)); err != nil {
		return fmt.Errorf("save a message: %w", err)
	}
	if _, known := t.recentOnes().Get(m.MessageID); known && (m.ContentRevision > 0 || m.Hidden()) {
		t.recent.Put(m.MessageID, true)
	}
	return nil
}

// edit stores the new version of a message and keeps the previous one.
func (t *ticket) edit(m *messages.EditMessage) (proto.Message, error) {
	return t.onChange(m, func(next *storage.Message) (*told, bool) {
		at := time.UnixMilli(m.EditedMs).UTC()
		internal := m.Internal || next.CommandNote
		if desk.SameContent(desk.ContentOf(next), m.Content) && next.Internal == internal || at.Before(next.EditedAt) {
			return nil, false
		}
		next.Former = desk.KeepVersion(next.Former, storage.Previous{
			Revision: next.ContentRevision, Until: t.now(),
			Text: next.Text, Entities: next.Entities, Media: next.Media, LinkPreview: next.LinkPreview,
			Internal: next.Internal,
		})
		hidden, was := next.Hidden(), *next
		desk.SetContent(next, m.Content)
		next.Internal, next.EditedAt, next.ContentRevision = internal, at, next.Revision+1
		next.CommandNote = next.CommandNote || m.CommandNote
		data := &view.MessageEditedData{}
		data.Previous.Value = desk.PreviousOf(&was, next)
		by := desk.Uploader(next.Sender)
		return &told{messages.EventMessageEdited, &by, data}, !hidden || !next.Hidden()
	})
}

// onEditOfCommand tells whoever has edited a command to words, once, that nobody reads them, and whoever has edited one that told a
// reason that it stays told. What the ticket did not carry out, such as a message from before the topic was its own, is left alone.
func (t *ticket) onEditOfCommand(m *messages.EditMessage) (proto.Message, error) {
	o := m.Origin
	if t.record == nil || t.topicAt(o.GetPlace(), o.GetThreadId()) == nil {
		return entity.Answer(messages.Code_NOT_FOUND, "the ticket has no such message"), nil
	}
	switch told := t.reasonOf(m.MessageId); {
	case slices.Contains(t.record.Handled, o.GetCommandId()):
		return entity.Duplicate(), nil
	case told != "" && told != reasonKept(m.Reason):
		return t.accept(m, answer(o, messages.NoticeReasonTold, nil))
	case m.NoWords || !slices.Contains(t.record.Handled, m.MessageId):
		return entity.Answer(messages.Code_NOT_FOUND, "the ticket has no such message"), nil
	}
	return t.accept(m, answer(o, messages.NoticeEditedCommand, nil))
}

// onReact stores a person's reactions to a message, given on the original or on one of its copies.
func (t *ticket) onReact(m *messages.React) (proto.Message, error) {
	if err := t.claimByReaction(m); err != nil {
		return nil, err
	}
	return t.onChange(m, func(next *storage.Message) (*told, bool) {
		at := t.topicOfMessage(next, m.Origin.GetPlace(), m.Origin.GetChatId(), m.AtMessageId)
		by := desk.SenderOf(m.Origin)
		theirs := func(r storage.Reaction) bool { return r.By.Kind == by.Kind && r.By.ID == by.ID && r.TopicID == at }
		is := storage.Reaction{By: by, TopicID: at, At: t.now()}
		for _, e := range m.Emojis { // of several, the first that a bot can set
			if is.Emoji == "" && is.CustomEmojiID == "" || is.Emoji == "" && e.Emoji != "" {
				is.Emoji, is.CustomEmojiID = e.Emoji, e.CustomEmojiId
			}
		}
		was := slices.IndexFunc(next.Reactions, theirs)
		if was < 0 && len(m.Emojis) == 0 || was >= 0 && len(m.Emojis) > 0 && desk.SameEmoji(next.Reactions[was], is) {
			return nil, false
		}
		before := next.Reactions
		next.Reactions = slices.DeleteFunc(slices.Clone(before), theirs)
		if len(m.Emojis) > 0 {
			next.Reactions = append(next.Reactions, is)
			next.Reactions = next.Reactions[max(0, len(next.Reactions)-reactionsKept):]
		}
		data := &view.MessageReactedData{Reaction: desk.ReactionOf(is)}
		return &told{messages.EventMessageReacted, creatorOf(m.Origin), data}, !next.Hidden()
	})
}

// topicOfMessage finds the topic of a Telegram message that is the original or one of its copies.
func (t *ticket) topicOfMessage(
	original *storage.Message, place ids.Place, chatID ids.ChatID, messageID int64,
) ids.TopicKey {
	if original.MessageID == messages.MessageKey(chatID, messageID) {
		return original.TopicID
	}
	copies, err := t.Store.CopiesAt(t.Ctx, chatID, messageID)
	if err != nil {
		t.Log.Error("cannot read the copies of a message", "message", original.MessageID, "error", err)
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

// onShowReaction learns from a link that a notice of a failed copy is no longer true, so people's reactions may
// show again on the original.
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
		func(next *storage.Message) (*told, bool) {
			next.Shown = desk.FailureEmoji
			return nil, !next.Deleted
		})
	return err
}
