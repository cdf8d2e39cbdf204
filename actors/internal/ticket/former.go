package ticket

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// A topic may be deleted for the bot, and be replaced, while people still write in it. What they say belongs to the
// ticket: the links copy it as if it were said in the new topic. Here it is brought into that topic itself
// (docs/decisions.md, D77).

// carryOver makes a message from a former thread pending to the topic that replaced it. It comes before the message is
// recorded, since a message that is recorded is a duplicate when it is delivered again.
func (t *ticket) carryOver(topic *storage.Topic, m *messages.RecordMessage) error {
	o := m.Origin
	done := "former/" + o.CommandId
	if !t.isFormer(topic, o.ThreadId) || slices.Contains(t.record.Handled, done) {
		return nil
	}
	if len(t.record.Pending) >= desk.PendingAnswersLimit {
		t.noteUnanswered(o)
		return nil
	}
	return t.change(func(r *storage.Ticket) {
		told := fmt.Sprintf("former/%s/%d", topic.TopicID, topic.Generation)
		if !slices.Contains(r.Handled, told) {
			r.Handled = desk.Remember(r.Handled, told, handledByTicket)
			args := map[string]string{"name": o.Sender.GetName()}
			t.notifyTopic(r, o, topic, messages.NoticeTopicFormer, args, 0)
		}
		r.Handled = desk.Remember(r.Handled, done, handledByTicket)
		for part, parts := 0, 1; part < parts; part++ {
			op := &messages.Operation{
				Place: topic.GroupID, ThreadId: topic.TelegramTopicID, Lang: r.Language, Waits: true,
				Priority: messages.Operation_ANSWER,
				Call: &messages.Operation_SendCopy{SendCopy: &messages.SendCopyCall{
					SenderName: o.Sender.GetName(), Content: m.Content, Part: int32(part)}},
			}
			parts = t.room.Parts(op)
			addPending(r, done+"/"+strconv.Itoa(part), op, 0)
		}
	})
}

// isFormer reports whether a thread is a former one of a group's topic, and what is said in it now does not show in the
// new one: the context of the new one is posted, or on its way.
func (t *ticket) isFormer(topic *storage.Topic, thread int64) bool {
	if messages.IsPrivate(topic.GroupID) || topic.TelegramTopicID == 0 || topic.TelegramTopicID == thread {
		return false
	}
	for _, s := range t.enqueued {
		if s.ref.GetTopicId() == topic.TopicID && s.ref.GetKind() == messages.TopicStep_CONTEXT {
			return true
		}
	}
	return topic.Introduced
}
