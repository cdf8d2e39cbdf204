package ticket

import (
	"time"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// recordOf makes the record of a message.
func recordOf(
	m *messages.RecordMessage, ticketID ids.TicketID, topic *storage.Topic, sequence int64, now time.Time,
) *storage.Message {
	o := m.Origin
	r := &storage.Message{
		MessageID: messages.MessageKey(o.ChatId, o.MessageId), TicketID: ticketID, Sequence: sequence,
		TopicID: topic.TopicID, GroupID: topic.GroupID, Sender: desk.SenderOf(o), Internal: m.Internal, CommandNote: m.CommandNote,
		SentAt: time.UnixMilli(o.DateMs).UTC(), RecordedAt: now,
	}
	desk.SetContent(r, m.Content)
	r.ReplyTo = desk.ReplyToStore(m.ReplyTo)
	return r
}
