package ticket

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/view"
)

// onCopyFailed learns from a link that a copy was given up, and causes the event: one write of the message's record. The
// link tells of it until it hears FailureTaken; the record remembers what it was told (docs/decisions.md, D88).
func (t *ticket) onCopyFailed(m *messages.CopyFailed) error {
	if t.record == nil {
		return nil
	}
	original, err := t.Store.Message(t.Ctx, m.MessageId)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return fmt.Errorf("read the message: %w", err)
	}
	if err == nil && original.TicketID == t.record.TicketID {
		if err := t.causeFailed(original, m); err != nil {
			return err
		}
	}
	t.Tell(messages.KindLink, m.LinkId, &messages.FailureTaken{
		MessageId: m.MessageId, TopicId: m.TopicId, Tries: m.Tries})
	return nil
}

func (t *ticket) causeFailed(original *storage.Message, m *messages.CopyFailed) error {
	o := &messages.Origin{CommandId: "failed/" + m.MessageId + "/" + m.TopicId + "/" + strconv.FormatInt(m.Tries, 10)}
	if slices.Contains(original.Handled, o.CommandId) {
		return nil
	}
	topic := desk.TopicOf(t.record, m.TopicId)
	if topic == nil {
		return nil
	}
	into, err := t.seen().Topic(t.Ctx, topic)
	if err != nil {
		return err
	}
	_, err = t.changeMessage(original, o, func(*storage.Message) (*told, bool) {
		return &told{messages.EventMessageFailed, nil, &view.MessageFailedData{Topic: into, Reason: m.Reason}}, false
	})
	return err
}
