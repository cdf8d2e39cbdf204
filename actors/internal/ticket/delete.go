package ticket

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/view"
)

// Telegram does not tell a bot when people delete a message. "/delete", as a reply to the message, does it
// instead: it removes the message, its copies and the command. Whoever wrote the message may use it, and so may
// the administrators of the group that it was sent in and of the ticket's home group.

// deleteWithin is how old a message may be that a bot can still delete (Bot API, deleteMessage).
const deleteWithin = 48 * time.Hour

// onDelete decides about a "/delete". Its effect is one write of the message.
func (t *ticket) onDelete(m *messages.DeleteMessage) (proto.Message, error) {
	if t.predatesLink(m.GetOrigin()) {
		return entity.Duplicate(), nil
	}
	if t.record == nil {
		return entity.Answer(messages.Code_NOT_FOUND, "no such ticket"), nil
	}
	o := m.Origin
	if slices.Contains(t.record.Handled, o.GetCommandId()) {
		return entity.Duplicate(), nil
	}
	if m.Described {
		return t.onTakeBack(m)
	}
	if t.topicAt(o.GetPlace(), o.GetThreadId()) == nil {
		return entity.Answer(messages.Code_WRONG_TOPIC, "the topic is not the ticket's"), nil
	}
	original, err := t.repliedTo(m)
	if err != nil {
		return nil, err
	}
	if original != nil && slices.Contains(original.Handled, o.GetCommandId()) {
		return entity.Duplicate(), nil
	}
	notice, args, err := t.deleteRefusal(m, original)
	if err != nil {
		return nil, err
	}
	if notice == "" {
		may, ask, err := t.may(m)
		switch {
		case err != nil:
			return nil, err
		case may == yes:
			return t.deleteNow(m, original)
		case may == unknown:
			return t.deferCommand(m, ask)
		case may == no:
			notice = messages.NoticeDeleteNotAllowed
		}
	}
	return t.accept(m, func(r *desk.Result) {
		if notice != "" {
			desk.Respond(r, o, notice, args)
		}
	})
}

// repliedTo finds the message that a "/delete" replies to: an original, or the original of a copy; nil if there is
// none.
func (t *ticket) repliedTo(m *messages.DeleteMessage) (*storage.Message, error) {
	if m.AnsweredId == 0 {
		return nil, nil
	}
	original, err := desk.OriginalAt(t.Ctx, t.Store, m.ChatId, m.AnsweredId,
		&messages.ReplyTo{Quote: m.Quote, QuotePosition: m.QuotePosition})
	if errors.Is(err, storage.ErrNotFound) || err == nil && original.TicketID != t.record.TicketID {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the message to delete: %w", err)
	}
	return original, nil
}

// deleteRefusal is the notice why a message can't be deleted, whoever asks for it, with its arguments; empty if it can.
func (t *ticket) deleteRefusal(
	m *messages.DeleteMessage, original *storage.Message,
) (notice string, args map[string]string, err error) {
	switch {
	case m.AnsweredId == 0:
		return messages.NoticeDeleteUsage, nil, nil
	case original == nil && t.showsLast(m.Origin.GetPlace(), m.AnsweredId):
		return messages.NoticeDeleteShown, nil, nil
	case original == nil && t.reasonOf(messages.MessageKey(m.ChatId, m.AnsweredId)) != "":
		return messages.NoticeReasonTold, map[string]string{"deleted": "yes"}, nil
	case original == nil:
		described, err := t.describedBy(m)
		if err != nil || described == nil {
			return messages.NoticeDeleteUnknown, nil, err
		}
		return messages.NoticeDeleteDescription, map[string]string{"ticket": desk.NameOf(described)}, nil
	case original.Deleted:
		return messages.NoticeDeleteUnknown, nil, nil
	case t.Now().Sub(original.SentAt) > deleteWithin:
		if messages.IsPrivate(m.Origin.GetPlace()) { // its author is not in the groups that have copies
			args = map[string]string{"private": "yes"}
		}
		return messages.NoticeDeleteTooOld, args, nil
	}
	return "", nil, nil
}

// mayDelete reports whether somebody may delete the message that they reply to.
func (t *ticket) mayDelete(m *messages.DeleteMessage) (verdict, []ids.Place, error) {
	if m.Described {
		v, ask := t.mayTakeBack(m)
		return v, ask, nil
	}
	original, err := t.repliedTo(m)
	if err != nil || original == nil {
		return yes, nil, err // deleteRefusal says what is missing
	}
	if by := desk.SenderOf(m.Origin); by.Kind == original.Sender.Kind && by.ID == original.Sender.ID {
		return yes, nil, nil
	}
	found, ask := t.administersOne(m.Origin, original.GroupID, t.record.Home.GroupID)
	return found, ask, nil
}

// administersOne says whether a person administers one of two groups.
func (t *ticket) administersOne(o *messages.Origin, groupIDs ...ids.Place) (found verdict, ask []ids.Place) {
	found = no
	for _, groupID := range slices.Compact(groupIDs) {
		v, groups := t.administers(o, groupID)
		switch {
		case v == yes:
			return yes, nil
		case v == unknown:
			found, ask = unknown, append(ask, groups...)
		case v == unanswered && found == no:
			found = unanswered
		}
	}
	return found, ask
}

// deleteNow marks a message as deleted. Its record stays, with its text, for the ticket's history
// (docs/decisions.md, D34).
func (t *ticket) deleteNow(m *messages.DeleteMessage, original *storage.Message) (proto.Message, error) {
	body, err := desk.Pack(m)
	if err != nil {
		return nil, err
	}
	if err := t.tellRestOfAlbum(m, original); err != nil {
		return nil, err
	}
	return t.changeMessage(original, m.Origin, func(next *storage.Message) (*told, bool) {
		next.Deleted, next.DeletedAt = true, t.now()
		next.Pending = append(next.Pending, storage.Pending{ID: m.Origin.GetCommandId(), Kind: desk.PendingCommand, Body: body})
		return &told{messages.EventMessageDeleted, creatorOf(m.Origin), &view.MessageData{}}, true
	})
}

// tellRestOfAlbum tells whoever deletes a part of an album that the others stay.
func (t *ticket) tellRestOfAlbum(m *messages.DeleteMessage, original *storage.Message) error {
	told := m.Origin.GetCommandId() + ":album"
	if original.Media == nil || original.Media.MediaGroupID == "" || slices.Contains(t.record.Handled, told) {
		return nil
	}
	rest, err := t.restOfAlbum(original)
	rest = slices.DeleteFunc(rest, func(part storage.Message) bool { return part.Deleted })
	if err != nil || len(rest) == 0 {
		return err
	}
	args := map[string]string{"count": strconv.Itoa(len(rest) + 1), "left": strconv.Itoa(len(rest))}
	handled := func(r *storage.Ticket) { r.Handled = desk.Remember(r.Handled, told, handledByTicket) }
	return t.answerNow(m.Origin, handled, func(r *desk.Result) { desk.Respond(r, m.Origin, messages.NoticeDeleteAlbum, args) })
}

// decideDelete carries out a "/delete" that waited, or refuses it. It writes the message first; doing that twice
// changes nothing.
func (t *ticket) decideDelete(id string, m *messages.DeleteMessage, may verdict, failure string) error {
	if m.Described {
		return t.decideTakeBack(id, m, may, failure)
	}
	original, err := t.repliedTo(m)
	if err != nil {
		return err
	}
	notice, args, err := t.deleteRefusal(m, original)
	if err != nil {
		return err
	}
	if original != nil && slices.Contains(original.Handled, id) {
		notice = ""
	} else if notice == "" {
		switch may {
		case yes:
			if _, err := t.deleteNow(m, original); err != nil {
				return err
			}
		case unanswered:
			notice, args = messages.NoticeCannotAsk, map[string]string{"why": failure}
		default:
			notice = messages.NoticeDeleteNotAllowed
		}
	}
	_, err = t.carryOut(m.Origin, func(r *storage.Ticket) { forget(r, desk.PendingCommand, id) }, func(r *desk.Result) {
		if notice != "" {
			desk.Respond(r, m.Origin, notice, args)
		}
	})
	return err
}

// deletionStep is the ticket's own next call for a deleted message. The original goes first. Once all copies are
// gone too, the command goes.
func (t *ticket) deletionStep(f *following, op *messages.Operation) (*messages.Operation, error) {
	remove := func(step messages.MessageStep_Kind, ids ...int64) (*messages.Operation, error) {
		op.SetRef(f.stepRef(step))
		op.Call = &messages.Operation_DeleteMessages{DeleteMessages: &messages.DeleteMessagesCall{MessageIds: ids}}
		return op, nil
	}
	if _, done := f.done[messages.MessageStep_DELETE]; !done && op.Place != "" {
		post, err := t.notePost(f.original)
		switch id := desk.TelegramID(f.original.MessageID); {
		case err != nil:
			return nil, err
		case post != nil:
			return remove(messages.MessageStep_DELETE, post.Parts...)
		case id != 0:
			return remove(messages.MessageStep_DELETE, id)
		}
	}
	if f.words != nil && !f.words.settled {
		return nil, nil // it is not known yet where its words stay
	}
	m := t.deletedBy(f.original)
	_, done := f.done[messages.MessageStep_DELETE_COMMAND]
	allGone := len(f.left) == 0 && len(f.failed) == 0 && f.done[messages.MessageStep_DELETE] == "" &&
		!t.contextLeft(f) && len(t.stillShown(f.original)) == 0 && len(f.staysIn()) == 0
	if done || m.GetOrigin().GetMessageId() == 0 || !allGone || f.told {
		return nil, nil
	}
	op.Place, op.ThreadId = m.Origin.Place, m.Origin.ThreadId
	return remove(messages.MessageStep_DELETE_COMMAND, m.Origin.MessageId)
}

// deletedBy is the command that deleted a message; nil once it has been answered.
func (t *ticket) deletedBy(original *storage.Message) *messages.DeleteMessage {
	for _, pending := range original.Pending {
		m, err := desk.Unpack(pending.Body)
		if err != nil {
			t.Log.Error("cannot read a command that deleted a message", "command", pending.ID, "error", err)
			continue
		}
		if m, is := m.(*messages.DeleteMessage); is {
			return m
		}
	}
	return nil
}

// onDeletionStep writes down how a call of deletionStep ended.
func (t *ticket) onDeletionStep(f *following, step messages.MessageStep_Kind, outcome *messages.Outcome) error {
	switch outcome.GetResult() {
	case messages.Outcome_TRANSIENT, messages.Outcome_UNKNOWN:
		f.tries++
		t.EnqueueAgainLater()
		return nil
	case messages.Outcome_DONE:
		f.done[step] = ""
	default:
		f.done[step] = desk.ReasonOf(outcome)
	}
	t.advance(f)
	return nil
}

// answerDeletion makes a notice pending to whoever deleted a message, if something of it could not be deleted.
func (t *ticket) answerDeletion(f *following) error {
	if f.told {
		return nil
	}
	m, why := t.deletedBy(f.original), f.done[messages.MessageStep_DELETE]
	shown, quoted := t.stillShown(f.original), f.staysIn()
	if m == nil || len(f.failed) == 0 && why == "" && len(shown) == 0 && len(quoted) == 0 {
		return nil
	}
	notified := m.Origin.GetCommandId() + ":told"
	if slices.Contains(t.record.Handled, notified) {
		f.told = true
		return nil
	}
	var where []string
	if why != "" {
		where = append(where, t.titleOf(f.original.TopicID))
	}
	for _, id := range slices.Sorted(maps.Keys(f.failed)) {
		topicID := id
		if f.original.TopicID == id {
			topicID = desk.HomeTopic
		}
		where, why = append(where, t.titleOf(topicID)), f.failed[id]
	}
	handled := func(r *storage.Ticket) { r.Handled = desk.Remember(r.Handled, notified, handledByTicket) }
	key, args := messages.NoticeDeletePartly, namedTo(m.Origin, where)
	args["why"] = why
	// Telegram's word for it; too old it is not, that was checked, and copies are the bot's own: it needs no right for them
	if len(f.failed) == 0 && strings.Contains(strings.ToLower(why), "can't be deleted") {
		key, args = messages.NoticeDeleteNoRight, namedTo(m.Origin, where)
	}
	_, err := t.carryOut(m.Origin, handled, func(r *desk.Result) {
		if len(where) > 0 {
			desk.Respond(r, m.Origin, key, args)
		}
		if len(shown) > 0 {
			desk.Respond(r, m.Origin, messages.NoticeDeleteStillShown, namedTo(m.Origin, shown))
		}
		if len(quoted) > 0 {
			desk.Respond(r, m.Origin, messages.NoticeDeleteQuoted, namedTo(m.Origin, quoted))
		}
	})
	if err != nil {
		return err
	}
	f.told = true
	t.afterChange()
	return nil
}

// titleOf is the title of a topic's group.
func (t *ticket) titleOf(topicID ids.TopicKey) string {
	topic := desk.TopicOf(t.record, topicID)
	if topic == nil {
		return topicID
	}
	title, err := desk.GroupTitle(t.Ctx, t.Store, topic.GroupID)
	if err != nil {
		t.Log.Error("cannot read a group", "group", topic.GroupID, "error", err)
	}
	return title
}
