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
	full := len(t.record.Pending) >= desk.PendingAnswersLimit
	if full {
		t.noteUnanswered(o)
	}
	return t.change(func(r *storage.Ticket) {
		t.tellOnce(r, o, topic, messages.NoticeTopicFormer)
		r.Handled = desk.Remember(r.Handled, done, handledByTicket)
		if full {
			t.tellOnce(r, o, topic, messages.NoticeTopicOverflow)
			return
		}
		for part, parts := 0, 1; part < parts; part++ {
			op := desk.OperationIn(r, topic)
			op.Waits, op.Priority = true, messages.Operation_ANSWER
			call := &messages.SendCopyCall{SenderName: o.Sender.GetName(), Content: m.Content, Part: int32(part)}
			op.Call = &messages.Operation_SendCopy{SendCopy: call}
			parts = t.room.Parts(op)
			call.Content = nil
			desk.AddPending(r, done+"/"+strconv.Itoa(part), op, 0)
			if n := len(r.Pending); n > 0 && r.Pending[n-1].ID == op.Id {
				r.Pending[n-1].MessageID = messages.MessageKey(o.ChatId, o.MessageId)
			}
		}
	})
}

// tellOnce makes a notice about a former thread pending to the topic that replaced it, once for each topic.
func (t *ticket) tellOnce(r *storage.Ticket, o *messages.Origin, topic *storage.Topic, key string) {
	told := fmt.Sprintf("%s/%s/%d", key, topic.TopicID, topic.Generation)
	if slices.Contains(r.Handled, told) {
		return
	}
	r.Handled = desk.Remember(r.Handled, told, handledByTicket)
	t.notifyTopic(r, o, topic, key, map[string]string{"name": o.Sender.GetName()}, 0)
}

// fill gives a pending copy the content of its message, as it was said: the copy follows no edits, and its parts were
// counted then. It is not ok while the message is not recorded, or can't be read.
func (t *ticket) fill(pending *storage.Pending, op *messages.Operation) (ok bool) {
	call := op.GetSendCopy()
	if pending.MessageID == "" || call == nil {
		return true
	}
	if _, enqueued := t.enqueued[op.Id]; enqueued {
		return false
	}
	m, err := t.Store.Message(t.Ctx, pending.MessageID)
	if err != nil {
		t.Log.Warn("a message for the new topic can't be read; tried again", "message", pending.MessageID, "error", err)
		t.reconcileLater()
		return false
	}
	if len(m.Former) > 0 {
		first := *m
		v := &m.Former[0]
		first.Text, first.Entities, first.Media, first.LinkPreview = v.Text, v.Entities, v.Media, v.LinkPreview
		first.RichHTML = ""
		m = &first
	}
	call.Content = desk.ContentOf(m)
	return true
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

// predatesLink reports whether something happened in a topic before the topic was linked to the ticket. After a
// crash Telegram may deliver it again. It was handled when the topic belonged to another ticket or to none.
func (t *ticket) predatesLink(o *messages.Origin) bool {
	if t.record == nil || o.GetMessageId() == 0 {
		return false
	}
	topic := t.topicAt(o.GetPlace(), o.GetThreadId())
	if topic == nil {
		return false
	}
	link := desk.LinkOf(t.record, topic.TopicID)
	if link == nil || link.Since == "" {
		return false
	}
	chatID, messageID, _ := messages.ParseMessageKey(link.Since)
	return chatID == o.GetChatId() && o.GetMessageId() < messageID
}
