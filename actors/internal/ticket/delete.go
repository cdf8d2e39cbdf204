package ticket

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// Telegram does not tell a bot when people delete a message, so "/delete" in reply does it: the message, its copies, and the
// command go. Whoever wrote it may, and the administrators of the group it was said in and of the ticket's home group.

// deleteWithin is how old a message may be that a bot deletes (Bot API, deleteMessage).
const deleteWithin = 48 * time.Hour

// onDelete decides about a "/delete"; its effect is one write of the message.
func (t *ticket) onDelete(m *messages.DeleteMessage) (proto.Message, error) {
	if t.isFromBefore(m.GetOrigin()) {
		return entity.Duplicate(), nil
	}
	if t.record == nil {
		return entity.Answer(messages.Code_NOT_FOUND, "no such ticket"), nil
	}
	o := m.Origin
	if slices.Contains(t.record.Handled, o.GetCommandId()) {
		return entity.Duplicate(), nil
	}
	if t.topicAt(o.GetPlace(), o.GetThreadId()) == nil {
		return entity.Answer(messages.Code_WRONG_TOPIC, "the topic is not the ticket's"), nil
	}
	said, err := t.answeredMessage(m)
	if err != nil {
		return nil, err
	}
	if said != nil && slices.Contains(said.Handled, o.GetCommandId()) {
		return entity.Duplicate(), nil
	}
	word := t.deleteRefusal(m, said)
	if word == "" {
		may, ask, err := t.may(m)
		switch {
		case err != nil:
			return nil, err
		case may == yes:
			return t.deleteNow(m, said)
		case may == unknown:
			return t.putOff(m, ask)
		case may == no:
			word = messages.NoticeDeleteNotAllowed
		}
	}
	return t.accept(m, func(r *result) {
		if word != "" {
			respond(r, o, word, nil)
		}
	})
}

// answeredMessage finds the message that a "/delete" answers: an original, or the original of a copy; nil when there is none.
func (t *ticket) answeredMessage(m *messages.DeleteMessage) (*storage.Message, error) {
	if m.AnsweredId == 0 {
		return nil, nil
	}
	said, err := desk.OriginalAt(t.Ctx, t.Store, m.ChatId, m.AnsweredId, &messages.ReplyTo{Quote: m.Quote, QuotePosition: m.QuotePosition})
	if errors.Is(err, storage.ErrNotFound) || err == nil && said.TicketID != t.record.TicketID {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the answered message: %w", err)
	}
	return said, nil
}

// deleteRefusal says why a message can't be deleted whoever asks for it; empty: it can.
func (t *ticket) deleteRefusal(m *messages.DeleteMessage, said *storage.Message) string {
	switch {
	case m.AnsweredId == 0:
		return messages.NoticeDeleteUsage
	case said == nil || said.Deleted:
		return messages.NoticeDeleteUnknown
	case t.Now().Sub(said.SentAt) > deleteWithin:
		return messages.NoticeDeleteTooOld
	}
	return ""
}

// mayDelete says whether somebody may delete the message that they answer.
func (t *ticket) mayDelete(m *messages.DeleteMessage) (verdict, []string, error) {
	said, err := t.answeredMessage(m)
	if err != nil || said == nil {
		return yes, nil, err // answered with what is missing
	}
	if by := desk.SenderOf(m.Origin); by.Kind == said.Sender.Kind && by.ID == said.Sender.ID {
		return yes, nil, nil
	}
	found, ask := no, []string(nil)
	for _, groupID := range slices.Compact([]string{said.GroupID, t.record.Home.GroupID}) {
		v, groups := t.administers(m.Origin, groupID)
		switch {
		case v == yes:
			return yes, nil, nil
		case v == unknown:
			found, ask = unknown, append(ask, groups...)
		case v == unanswered && found == no:
			found = unanswered
		}
	}
	return found, ask, nil
}

// deleteNow writes that a message is deleted. Its record stays, with what it said, for the ticket's history.
func (t *ticket) deleteNow(m *messages.DeleteMessage, said *storage.Message) (proto.Message, error) {
	body, err := desk.Pack(m)
	if err != nil {
		return nil, err
	}
	return t.changeMessage(said, m.Origin, func(next *storage.Message) (*storage.Event, bool) {
		next.Deleted, next.DeletedAt = true, t.changedAt()
		next.Owed = append(next.Owed, storage.Owed{ID: m.Origin.GetCommandId(), Kind: desk.OwedCommand, Body: body})
		data, _ := json.Marshal(map[string]any{"messageId": next.MessageID, "topicId": next.TopicID, "by": desk.CreatorOf(m.Origin)})
		return &storage.Event{Type: messages.EventMessageDeleted, Data: data}, true
	})
}

// decideDelete carries a waiting "/delete" out, or refuses it. The message is written first: done twice, that changes nothing.
func (t *ticket) decideDelete(id string, m *messages.DeleteMessage, may verdict, failure string) error {
	said, err := t.answeredMessage(m)
	if err != nil {
		return err
	}
	word, args := t.deleteRefusal(m, said), map[string]string(nil)
	if said != nil && slices.Contains(said.Handled, id) {
		word = ""
	} else if word == "" {
		switch may {
		case yes:
			if _, err := t.deleteNow(m, said); err != nil {
				return err
			}
		case unanswered:
			word, args = messages.NoticeCannotAsk, map[string]string{"why": failure}
		default:
			word = messages.NoticeDeleteNotAllowed
		}
	}
	_, err = t.carryOut(m.Origin, func(r *storage.Ticket) { forget(r, desk.OwedCommand, id) }, func(r *result) {
		if word != "" {
			respond(r, m.Origin, word, args)
		}
	})
	return err
}

// deletionStep is the next call of the ticket's own for a deleted message: the original goes; when everything is gone, the
// command goes too.
func (t *ticket) deletionStep(f *following, op *messages.Operation) (*messages.Operation, error) {
	gone := func(step messages.MessageStep_Kind, ids ...int64) (*messages.Operation, error) {
		op.SetRef(f.stepRef(step))
		op.Call = &messages.Operation_DeleteMessages{DeleteMessages: &messages.DeleteMessagesCall{MessageIds: ids}}
		return op, nil
	}
	if _, done := f.done[messages.MessageStep_DELETE]; !done && op.Place != "" {
		return gone(messages.MessageStep_DELETE, desk.TelegramID(f.said.MessageID))
	}
	m := t.deletedBy(f.said)
	_, done := f.done[messages.MessageStep_DELETE_COMMAND]
	stays := len(f.left) > 0 || len(f.failed) > 0 || f.done[messages.MessageStep_DELETE] != ""
	if done || stays || m.GetOrigin().GetMessageId() == 0 {
		return nil, nil
	}
	op.Place, op.ThreadId = m.Origin.Place, m.Origin.ThreadId
	return gone(messages.MessageStep_DELETE_COMMAND, m.Origin.MessageId)
}

// deletedBy is the command that deleted a message, while it is not answered.
func (t *ticket) deletedBy(said *storage.Message) *messages.DeleteMessage {
	for _, owed := range said.Owed {
		m, err := desk.Unpack(owed.Body)
		if err != nil {
			t.Log.Error("a command can't be read", "command", owed.ID, "error", err)
			continue
		}
		if m, is := m.(*messages.DeleteMessage); is {
			return m
		}
	}
	return nil
}

func (t *ticket) onDeletionStep(f *following, step messages.MessageStep_Kind, outcome *messages.Outcome) error {
	switch outcome.GetResult() {
	case messages.Outcome_TRANSIENT, messages.Outcome_UNKNOWN:
		f.tries++
		t.OfferAgainLater()
		return nil
	case messages.Outcome_DONE:
		f.done[step] = ""
	default:
		f.done[step] = desk.ReasonOf(outcome)
	}
	t.ownStep(f)
	return nil
}

// answerDeletion owes whoever deleted a message a word on what is not gone.
func (t *ticket) answerDeletion(f *following) error {
	m, why := t.deletedBy(f.said), f.done[messages.MessageStep_DELETE]
	if m == nil || len(f.failed) == 0 && why == "" {
		return nil
	}
	told := m.Origin.GetCommandId() + ":told"
	if slices.Contains(t.record.Handled, told) {
		return nil
	}
	var where []string
	if why != "" {
		where = append(where, t.titleOf(f.said.TopicID))
	}
	for _, id := range slices.Sorted(maps.Keys(f.failed)) {
		topicID := id
		if f.said.TopicID == id {
			topicID = desk.HomeTopic
		}
		where, why = append(where, t.titleOf(topicID)), f.failed[id]
	}
	handled := func(r *storage.Ticket) { r.Handled = desk.Remember(r.Handled, told, handledByTicket) }
	_, err := t.carryOut(m.Origin, handled, answer(m.Origin, messages.NoticeDeletePartly,
		map[string]string{"group": strings.Join(where, ", "), "why": why}))
	if err != nil {
		return err
	}
	t.afterChange()
	return nil
}

// titleOf is the name of a topic's group.
func (t *ticket) titleOf(topicID string) string {
	topic := desk.TopicOf(t.record, topicID)
	if topic == nil {
		return topicID
	}
	title, err := desk.GroupTitle(t.Ctx, t.Store, topic.GroupID)
	if err != nil {
		t.Log.Error("a group can't be read", "group", topic.GroupID, "error", err)
	}
	return title
}

// editedData and reactedData are what the events of a change say.
func editedData(m *storage.Message, revision int64) json.RawMessage {
	data, _ := json.Marshal(map[string]any{"messageId": m.MessageID, "topicId": m.TopicID, "sender": m.Sender, "text": m.Text,
		"internal": m.Internal, "revision": revision, "editedAt": m.EditedAt})
	return data
}

func reactedData(m *storage.Message, r storage.Reaction) json.RawMessage {
	data, _ := json.Marshal(map[string]any{"messageId": m.MessageID, "topicId": m.TopicID, "by": r.By, "at": r.TopicID,
		"emoji": r.Emoji, "customEmojiId": r.CustomEmojiID})
	return data
}
