package actors

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// failureEmoji is the reaction on a message that did not arrive, when the reason was told before.
const failureEmoji = "😢"

// failure is a copy that was given up and must be shown at its source.
type failure struct {
	copy storage.Copy
	op   *messages.Operation
}

// showFailure tells the source that a copy was given up: the first time in words, with a button to try again; while the
// reason stays the same, by a reaction.
func (l *link) showFailure(c storage.Copy) {
	lane := l.laneInto(c.TopicID)
	key := c.MessageID + "/" + c.TopicID
	if _, shown := l.failures[key]; shown {
		return
	}
	source, err := l.sourceOf(c)
	if err != nil {
		l.log.Error("a failed copy can't be shown at its source", "message", c.MessageID, "error", err)
		return
	}
	op := &messages.Operation{Id: failurePrefix + key, Revision: c.Version, Place: source.GroupID, ThreadId: source.TelegramTopicID,
		Priority: messages.Operation_ANSWER}
	if lane.failing == c.Reason {
		op.Call = &messages.Operation_React{React: &messages.ReactCall{MessageId: telegramID(c.MessageID), Emoji: failureEmoji}}
	} else {
		title, err := groupTitle(l.ctx, l.store, c.GroupID)
		if err != nil {
			l.log.Error("the name of a group can't be read", "group", c.GroupID, "error", err)
		}
		op.Call = &messages.Operation_SendNotice{SendNotice: &messages.SendNoticeCall{
			Key: messages.NoticeCopyFailed, Args: map[string]string{"group": title, "why": c.Reason},
			ReplyTo: telegramID(c.MessageID), Keyboard: retryKeyboard(l.ticketID, c),
		}}
	}
	lane.failing = c.Reason
	f := &failure{copy: c, op: op}
	l.failures[key] = f
	l.offer(op)
	l.after(offerAgainAfter, offerAgain{})
}

func (l *link) laneInto(topicID string) *lane {
	if topicID == homeTopic {
		return &l.in
	}
	return &l.out
}

// sourceOf finds the topic in which the original was said.
func (l *link) sourceOf(c storage.Copy) (*storage.Topic, error) {
	original, err := l.store.Message(l.ctx, c.MessageID)
	if err != nil {
		return nil, fmt.Errorf("read the original: %w", err)
	}
	record, err := l.store.Ticket(l.ctx, l.ticketID)
	if err != nil {
		return nil, fmt.Errorf("read the ticket: %w", err)
	}
	if topic := topicOf(record, original.TopicID); topic != nil {
		return topic, nil
	}
	return nil, fmt.Errorf("topic %s: %w", original.TopicID, storage.ErrNotFound)
}

// retryKeyboard is the button that tries a failed copy again.
func retryKeyboard(ticketID string, c storage.Copy) *messages.Keyboard {
	_, number, _ := strings.Cut(c.LinkID, ":")
	side := "l"
	if c.TopicID == homeTopic {
		side = "h"
	}
	data := strings.Join([]string{messages.CallbackRetry, ticketID, number, strconv.FormatInt(c.Sequence, 10), side}, ":")
	return &messages.Keyboard{Rows: []*messages.KeyboardRow{{Buttons: []*messages.Button{{Key: messages.ButtonRetry, Data: data}}}}}
}

// onFailureShown writes down that the source knows.
func (l *link) onFailureShown(key string, m *messages.Done) error {
	f := l.failures[key]
	if f == nil {
		return nil
	}
	if m.Outcome.GetResult() == messages.Outcome_TRANSIENT {
		f.op.Revision++ // asked again by the timer
		return nil
	}
	if m.Outcome.GetResult() != messages.Outcome_DONE {
		l.log.Warn("a failed copy could not be shown at its source", "message", f.copy.MessageID, "why", m.Outcome.GetDescription())
	}
	next := f.copy
	next.Told = true
	err := l.store.SaveCopy(l.ctx, &next)
	if err != nil && !errors.Is(err, storage.ErrConflict) { // tried again meanwhile: nothing to tell any more
		return fmt.Errorf("save a copy: %w", err)
	}
	delete(l.failures, key)
	return nil
}

// onRetry takes a failed copy up again, behind what waits.
func (l *link) onRetry(m *messages.RetryCopy) (proto.Message, error) {
	if !l.exists {
		return answered(messages.Code_NOT_FOUND, ""), nil
	}
	page, err := l.store.MessagesAfter(l.ctx, l.ticketID, m.Sequence-1, 1)
	if err != nil {
		return nil, fmt.Errorf("read the original: %w", err)
	}
	if len(page) == 0 || page[0].Sequence != m.Sequence {
		return answered(messages.Code_NOT_FOUND, ""), nil
	}
	lane := l.laneFor(page[0].TopicID)
	stored, err := l.store.Copy(l.ctx, page[0].MessageID, lane.topicID)
	if errors.Is(err, storage.ErrNotFound) || err == nil && stored.State != copyFailed {
		return duplicate(), nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the copy: %w", err)
	}
	stored.State, stored.Reason, stored.Told = copyPartial, "", false
	if err := l.store.SaveCopy(l.ctx, stored); err != nil {
		return nil, fmt.Errorf("save a copy: %w", err)
	}
	delete(l.failures, stored.MessageID+"/"+stored.TopicID)
	it := itemOfRecord(&page[0])
	it.stored, it.revision = stored, l.now().UnixMilli() // the chat must not take it for the one that failed
	lane.failing = ""
	lane.add(it)
	lane.offer()
	return ok(), nil
}

// groupTitle is the name of a group, or of a private chat, for people to read.
func groupTitle(ctx context.Context, store storage.Groups, groupID string) (string, error) {
	group, err := store.Group(ctx, groupID)
	if errors.Is(err, storage.ErrNotFound) {
		return groupID, nil
	}
	if err != nil {
		return groupID, fmt.Errorf("read the group: %w", err)
	}
	return group.Title, nil
}
