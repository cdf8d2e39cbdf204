package ticket

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// onNote records an internal note that was written on the web desk, or by a program. It belongs to a topic of a group, where the bot posts it for
// those who read there, and goes nowhere else.
//
// It takes two writes, of which the first makes the post pending: so a note that was acknowledged is in Telegram and in the record. A
// command that is repeated after a crash between them finds the first, and makes the second.
func (t *ticket) onNote(m *messages.SendMessage) (proto.Message, error) {
	o := m.Origin
	id := desk.APIMessageID(t.record.TicketID, o.GetCommandId())
	switch _, err := t.Store.Message(t.Ctx, id); {
	case err == nil:
		return &messages.Reply{Code: messages.Code_DUPLICATE, TicketId: t.record.TicketID, MessageId: id}, nil
	case !errors.Is(err, storage.ErrNotFound):
		return nil, fmt.Errorf("read a message: %w", err)
	}
	topic := t.topicAt(o.GetPlace(), o.GetThreadId())
	switch {
	case topic == nil || messages.IsPrivate(topic.GroupID) || !desk.IsOpened(topic):
		return entity.Answer(messages.Code_CONFLICT, messages.NoticeUnlinkNone), nil
	case t.record.Status == desk.StatusClosed:
		return entity.Answer(messages.Code_CONFLICT, messages.NoticeTicketIsClosed), nil
	}
	handled := slices.Contains(t.record.Handled, o.GetCommandId())
	if !handled && len(t.record.Pending) >= desk.PendingAnswersLimit {
		return entity.Answer(messages.Code_CONFLICT, messages.ReasonManyPending), nil // unlike an answer, it can't be withdrawn
	}
	record := recordOf(&messages.RecordMessage{Origin: o, Internal: true,
		Content: &messages.Content{Text: noteMark + m.GetContent().GetText()}}, t.record.TicketID, topic, t.sequence+1, t.now())
	record.MessageID, record.SentAt = id, record.RecordedAt
	event, err := t.messageSent(t.record, record)
	if err != nil {
		return nil, err
	}
	if !handled {
		err := t.change(func(r *storage.Ticket) {
			r.Handled = desk.Remember(r.Handled, o.GetCommandId(), handledByTicket)
			op := desk.OperationTo(o)
			op.ThreadId = topic.TelegramTopicID
			op.Call = &messages.Operation_SendNotice{SendNotice: &messages.SendNoticeCall{Key: messages.NoticeWebNote,
				Args: map[string]string{"who": desk.Who(o), "text": m.GetContent().GetText()}}}
			desk.AddPending(r, o.GetCommandId(), op, 0)
		})
		if err != nil {
			return nil, err
		}
	}
	if err := t.Written(t.Store.InsertMessage(t.Ctx, record)); err != nil {
		return nil, fmt.Errorf("record a note: %w", err)
	}
	t.record = t.heard(record)
	t.sequence++
	t.lastActivity = record.RecordedAt
	t.room.recorded.Inc()
	t.unnumbered = append(t.unnumbered, event)
	t.afterChange()
	return &messages.Reply{Code: messages.Code_OK, TicketId: t.record.TicketID, MessageId: id}, nil
}

// noteMark begins a note, as people write one in Telegram.
const noteMark = "// "

// notePosted writes down where the post of a note stands, as one of a copy in the note's own topic that no link has: by it "/delete",
// replies and reactions find the note. A note that was posted twice is found at both posts.
func (t *ticket) notePosted(op *messages.Operation, outcome *messages.Outcome) error {
	if op.GetSendNotice().GetKey() != messages.NoticeWebNote || outcome.GetResult() != messages.Outcome_DONE || outcome.GetMessageId() == 0 {
		return nil
	}
	command := strings.TrimPrefix(op.Id, t.record.TicketID+"/") // AddPending has put a number behind it
	command = command[:max(0, strings.LastIndexByte(command, '/'))]
	note, err := t.Store.Message(t.Ctx, desk.APIMessageID(t.record.TicketID, command))
	if errors.Is(err, storage.ErrNotFound) {
		return nil // its command comes again, and makes it; it is only not found by its post
	}
	if err != nil {
		return fmt.Errorf("read a note: %w", err)
	}
	post, err := t.notePost(note)
	switch {
	case err != nil:
		return err
	case post == nil:
		post = &storage.Copy{MessageID: note.MessageID, TopicID: note.TopicID, TicketID: note.TicketID, Sequence: note.Sequence,
			GroupID: note.GroupID, Wanted: 1, State: desk.CopySent}
	case slices.Contains(post.Parts, outcome.MessageId):
		return nil
	}
	post.ChatID, post.SentAt = outcome.ChatId, t.now()
	post.Parts = append(slices.Clone(post.Parts), outcome.MessageId)
	if err := t.Written(t.Store.SaveCopy(t.Ctx, post)); err != nil {
		return fmt.Errorf("save where a note is posted: %w", err)
	}
	return nil
}

// notePost is where the bot has posted a note of the web desk; nil: it is not posted, or the message is none.
func (t *ticket) notePost(m *storage.Message) (*storage.Copy, error) {
	if desk.TelegramID(m.MessageID) != 0 {
		return nil, nil
	}
	post, err := t.Store.Copy(t.Ctx, m.MessageID, m.TopicID)
	if errors.Is(err, storage.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read where a note is posted: %w", err)
	}
	return post, nil
}
