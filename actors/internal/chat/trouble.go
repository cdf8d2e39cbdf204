package chat

import (
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/pace"
	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// This file handles calls that Telegram refuses: flood control, transient trouble, deleted topics, and chats where
// the bot may not write.

const (
	// A chat where the bot may not write is tried after firstProbe, then after twice as long each time, up to
	// longestProbe: rights can come back without an update that says so.
	firstProbe   = time.Minute
	longestProbe = time.Hour
	// rememberedDeleted is how many deleted topics a chat remembers.
	rememberedDeleted = 1000
)

// onFlood obeys a 429: the chat makes no call until it is over, even after a restart.
func (c *chat) onFlood(m called) error {
	c.putBackAll(m.q)
	return c.block(m)
}

func (c *chat) block(m called) error {
	now := c.Now()
	until := now.Add(time.Duration(m.outcome.RetryAfterMs) * time.Millisecond)
	c.Log.Warn("flood control", "telegramChat", c.chatID, "operation", m.q.op.Id, "until", until)
	if !until.After(c.record.BlockedUntil) {
		return nil
	}
	rate, since := c.record.Rate, c.record.RateAt
	if !c.record.BlockedUntil.After(now) { // calls that were in flight together are refused together, which counts once
		rate, since = pace.Lowered(c.rate(now)), until
		c.lagSeen = time.Time{}
	}
	err := c.change(func(r *storage.Chat) { r.BlockedUntil, r.Rate, r.RateAt = until, rate, since })
	c.record.BlockedUntil, c.record.Rate, c.record.RateAt = until, rate, since // obeyed even if it could not be stored
	if err != nil {
		c.Log.Error("the end of flood control could not be stored", "error", err)
	}
	return nil
}

// rate is the share of the settings' pace at which calls leave now.
func (c *chat) rate(now time.Time) float64 {
	return pace.Recovered(c.record.Rate, now.Sub(c.record.RateAt))
}

// onTrouble tries again with exponential back-off, and gives up after troubleLimit.
func (c *chat) onTrouble(m called) error {
	now, late := c.Now(), false
	for _, q := range m.q.all() {
		if q.since.IsZero() {
			q.since = now
		}
		late = late || now.Sub(q.since) >= troubleLimit
	}
	if late && len(m.q.with) > 0 {
		c.goAlone(m.q) // each is given up by itself
		return nil
	}
	if late {
		return c.finish(m)
	}
	first := m.q
	wait := min(firstBackOff<<min(first.attempts, 10), longestBackOff)
	next := now.Add(jitter(wait))
	for _, q := range first.all() {
		q.attempts++
		q.notBefore = next
		q.answerLost = q.answerLost || m.outcome.Result == messages.Outcome_UNKNOWN
		if q.answerLost {
			c.room.metrics.repeats.WithLabelValues(operationName(q.op)).Inc()
		}
	}
	c.Log.Warn("a call failed and is tried again", "operation", first.op.Id, "telegramChat", c.chatID, "attempt", first.attempts,
		"outcome", m.outcome.Result.String(), "why", m.outcome.Description, "in", wait)
	c.putBackAll(first)
	return nil
}

// intoThread says whether an operation is useless once its topic is deleted.
func intoThread(op *messages.Operation) bool {
	return op.ThreadId > 1 && op.GetAnswerCallback() == nil && op.GetCheckTopic() == nil
}

// whyDeleted is how Telegram says that a topic is deleted; "": it is not, as far as the chat knows.
func (c *chat) whyDeleted(thread ids.ThreadID) string {
	why, _ := c.deleted.Get(thread)
	return why
}

// ofMessage says whether an operation changes a message that was posted before. If that message was deleted with its
// topic, there is nothing left to do.
func ofMessage(op *messages.Operation) bool {
	return op.GetEditCopy() != nil || op.GetEditContext() != nil || op.GetEditMerged() != nil || op.GetDeleteMessages() != nil || op.GetReact() != nil
}

// waits says whether an operation waits while the bot may not write, rather than being given up.
func waits(op *messages.Operation) bool { return op.Waits || ofMessage(op) }

// onTopicDeleted reports to the owners of everything that waits for a topic that the topic was deleted, without further
// calls. A card is called all the same: it may go to a topic that has come to be meanwhile.
func (c *chat) onTopicDeleted(m called) error {
	thread := m.q.op.ThreadId
	c.Log.Warn("a topic was deleted",
		"telegramChat", c.chatID, "topic", thread, "operation", m.q.op.Id, "why", m.outcome.Description)
	if m.q.op.GetSendCard() == nil { // a card may go to a topic that a program named, and that may come to be
		c.deleted.Put(thread, m.outcome.Description)
	}
	rest := m.q.all()
	for _, q := range c.waitingIn(thread) {
		if intoThread(q.op) && q.op.GetSendCard() == nil {
			c.unqueue(q)
			rest = append(rest, q)
		}
	}
	for _, q := range rest {
		c.dropKnown(q)
		if err := c.reportDeleted(q.owner, q.op, m.outcome.Description); err != nil {
			return err
		}
	}
	return nil
}

// reportDeleted reports to an owner that the topic of its operation was deleted. This is not remembered as done: the
// owner may enqueue the same operation again for the topic that replaces it.
func (c *chat) reportDeleted(owner opOwner, op *messages.Operation, why string) error {
	if owner == (opOwner{messages.KindChat, c.ID}) {
		return c.dropAnswer(dropAnswer{id: op.Id})
	}
	if ofMessage(op) {
		c.report(owner, op, &messages.Outcome{Result: messages.Outcome_DONE, Description: why, ChatId: c.chatID})
		return nil
	}
	c.report(owner, op, &messages.Outcome{
		Result: messages.Outcome_TOPIC_DELETED, Description: why, ThreadId: op.ThreadId, ChatId: c.chatID,
	})
	return nil
}

// onForbidden keeps in the queue what can wait when nothing can be written at all, and notifies its owners; the rest
// is given up.
func (c *chat) onForbidden(m called) error {
	first := m.q.op
	ofTopic := first.GetCreateTopic() != nil || first.GetCheckTopic() != nil
	if !waits(first) || !m.outcome.ChatWide && !ofTopic {
		return c.finish(m)
	}
	now := c.Now()
	if !m.outcome.ChatWide { // it lacks one right: what needs it is tried later, the rest goes on
		q := m.q
		q.notBefore = now.Add(jitter(min(firstProbe<<min(q.attempts, 10), longestProbe)))
		q.attempts++
		c.putBack(q)
		c.tellSuspended(q, m.outcome.Description)
		return nil
	}
	c.putBackAll(m.q)
	if !c.probeAt.After(now) {
		c.probeAt = now.Add(jitter(min(firstProbe<<min(c.probes, 10), longestProbe)))
		c.probes++
	}
	if c.record.Suspended != "" {
		return nil
	}
	why := m.outcome.Description
	c.Log.Warn("the bot may not write here; what would be posted waits", "telegramChat", c.chatID, "why", why)
	c.tellPerson(true)
	err := c.change(func(r *storage.Chat) { r.Suspended = why })
	c.record.Suspended = why
	if err != nil {
		c.Log.Error("that the bot may not write here could not be stored", "error", err)
	}
	for _, q := range c.known {
		if waits(q.op) {
			c.tellSuspended(q, why)
		}
	}
	return nil
}

func (c *chat) tellSuspended(q *queued, why string) {
	c.Tell(q.owner.kind, q.owner.id, q.op.SuspendedFor(why))
}

// tellPerson notifies the entity of the person whose private chat this is that they cannot be reached, or can be
// again.
func (c *chat) tellPerson(blocked bool) {
	if !messages.IsPrivate(c.ID) {
		return
	}
	c.Tell(messages.KindUser, messages.UserIn(c.ID), &messages.SetBlocked{Blocked: blocked, Origin: &messages.Origin{
		CommandId: fmt.Sprintf("held/%s/%d/%t", c.ID, c.record.Version, blocked), Place: c.ID}})
}

// suspended says whether an operation waits until the bot may write here. From time to time one is let through as a
// probe.
func (c *chat) suspended(q *queued, now time.Time) (until time.Time, suspended bool) {
	if c.record.Suspended == "" || !waits(q.op) {
		return time.Time{}, false
	}
	if c.probing {
		return time.Time{}, true
	}
	return c.probeAt, c.probeAt.After(now)
}

// probe makes the next look try whether the bot may write here again.
func (c *chat) probe() {
	c.probeAt, c.probes = time.Time{}, 0
}

// release lets the queue go on once the bot may write here again.
func (c *chat) release() error {
	if c.record.Suspended == "" {
		return nil
	}
	c.Log.Info("the bot may write here again", "telegramChat", c.chatID)
	c.probe()
	c.tellPerson(false)
	err := c.change(func(r *storage.Chat) { r.Suspended = "" })
	c.record.Suspended = ""
	if err != nil {
		c.Log.Error("that the bot may write here again could not be stored", "error", err)
	}
	return nil
}

// onGetPace answers with the state of the queue and the pace.
func (c *chat) onGetPace(*messages.GetChatPace) (proto.Message, error) {
	now := c.Now()
	answer := &messages.ChatPace{Code: messages.Code_OK, Place: c.ID, Waiting: int64(c.size), Rate: c.rate(now),
		Budget: int64(c.budget(now)), Suspended: c.record.Suspended}
	if oldest := c.oldest(); !oldest.IsZero() {
		answer.LagMs = max(0, now.Sub(oldest).Milliseconds())
	}
	if c.record.BlockedUntil.After(now) {
		answer.BlockedUntilMs = c.record.BlockedUntil.UnixMilli()
	}
	return answer, nil
}
