package actors

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// A chat's calls: each in a goroutine of its own, and what its answer means.

// called is the answer to a call, told by its goroutine.
type called struct {
	q       *queued
	outcome *messages.Outcome
	took    time.Duration
	life    *byte
}

// call makes the call in a goroutine of its own; the answer comes back as a message.
func (c *chat) call(q *queued) {
	c.under++
	c.lives.calls++
	if counts(q.op) { // what does not count keeps no order, and must not end the turn of what does
		c.line(q.op.ThreadId).busy = true
	}
	c.system.calls.begin()
	c.system.metrics.underWay.Inc()
	chatID, lang, life := c.chatID, q.op.Lang, c.life
	if c.lang != "" {
		lang = c.lang
	}
	start := time.Now()
	go func() {
		defer c.system.calls.end()
		ctx, cancel := context.WithTimeout(c.system.callCtx, callTimeout)
		defer cancel()
		outcome := c.system.safeCall(ctx, chatID, lang, q.op)
		outcome.ChatId = chatID
		c.note(called{q, outcome, time.Since(start), life})
	}()
}

// safeCall turns a panic below into an outcome, so that no panic crosses into a goroutine of nobody.
func (s *System) safeCall(ctx context.Context, chatID int64, lang string, op *messages.Operation) (outcome *messages.Outcome) {
	defer func() {
		if r := recover(); r != nil {
			s.metrics.panics.Inc()
			s.log.Error("panic in a Bot API call", "operation", op.Id, "panic", fmt.Sprint(r))
			outcome = &messages.Outcome{Result: messages.Outcome_REJECTED, Description: "a fault in the service"}
		}
	}()
	return s.telegram.Call(ctx, chatID, lang, op)
}

// onCalled handles the answer to a call.
func (c *chat) onCalled(m called) error {
	c.lives.calls--
	before := m.life != c.life
	if !before {
		c.under--
		if counts(m.q.op) {
			c.line(m.q.op.ThreadId).busy = false
		}
	}
	c.rest(m.q.op.ThreadId)
	c.system.metrics.underWay.Dec()
	kind := operationName(m.q.op)
	c.system.metrics.operations.WithLabelValues(kind, m.outcome.Result.String()).Inc()
	c.system.metrics.callTime.WithLabelValues(kind).Observe(m.took.Seconds())
	defer c.dispatch()
	if before {
		return c.onCalledBefore(m)
	}
	switch m.outcome.Result {
	case messages.Outcome_FLOOD:
		return c.onFlood(m)
	case messages.Outcome_MIGRATED:
		if m.outcome.NewChatId != 0 && m.outcome.NewChatId != c.chatID {
			c.log.Info("the group has a new Telegram id", "old", c.chatID, "new", m.outcome.NewChatId)
			c.chatID = m.outcome.NewChatId
			c.tell(KindGroup, c.key.identity, &messages.MigrateGroup{NewChatId: m.outcome.NewChatId})
			c.putBack(m.q)
			return nil
		}
		return c.onTrouble(m) // to where it is already: not at once again
	case messages.Outcome_TRANSIENT:
		return c.onTrouble(m)
	case messages.Outcome_UNKNOWN:
		m.q.answerLost = true
		if m.q.op.GetCreateTopic() != nil {
			return c.finish(m) // its owner waits for the topic to appear
		}
		return c.onTrouble(m)
	}
	return c.finish(m)
}

// onCalledBefore handles the answer to a call that left before the queue was lost: what it did counts, and is not done again
// if its owner has offered it again meanwhile.
func (c *chat) onCalledBefore(m called) error {
	switch m.outcome.Result {
	case messages.Outcome_FLOOD:
		return c.block(m)
	case messages.Outcome_MIGRATED, messages.Outcome_TRANSIENT:
		return nil
	case messages.Outcome_UNKNOWN:
		if m.q.op.GetCreateTopic() == nil {
			return nil
		}
	}
	if again := c.known[opKey{m.q.op.Id, m.q.op.Revision}]; again != nil {
		c.withdraw(again)
	}
	return c.finish(m)
}

// onFlood obeys a 429: the chat is silent until it is over, also after a restart.
func (c *chat) onFlood(m called) error {
	c.putBack(m.q)
	return c.block(m)
}

func (c *chat) block(m called) error {
	until := c.now().Add(time.Duration(m.outcome.RetryAfterMs) * time.Millisecond)
	c.log.Warn("flood control", "chat", c.chatID, "operation", m.q.op.Id, "until", until)
	if !until.After(c.record.BlockedUntil) {
		return nil
	}
	err := c.change(func(r *storage.Chat) { r.BlockedUntil = until })
	c.record.BlockedUntil = until // obeyed even where it could not be stored
	if err != nil {
		c.log.Error("the end of flood control could not be stored", "error", err)
	}
	return nil
}

// onTrouble tries again with exponential back-off, and gives up after troubleLimit.
func (c *chat) onTrouble(m called) error {
	q, now := m.q, c.now()
	if q.since.IsZero() {
		q.since = now
	}
	if now.Sub(q.since) >= troubleLimit {
		return c.finish(m)
	}
	q.attempts++
	wait := min(firstBackOff<<min(q.attempts-1, 10), longestBackOff)
	q.notBefore = now.Add(jitter(wait))
	if q.answerLost {
		c.system.metrics.repeats.WithLabelValues(operationName(q.op)).Inc()
	}
	c.log.Warn("a call failed and is tried again", "operation", q.op.Id, "chat", c.chatID, "attempt", q.attempts,
		"outcome", m.outcome.Result, "why", m.outcome.Description, "in", wait)
	c.putBack(q)
	return nil
}

// dropRest takes the following parts of a copy out of its line when one was given up: an end without its beginning is of no
// use. Their owner has given the whole copy up.
func (c *chat) dropRest(op *messages.Operation) {
	prefix := op.Id[:strings.LastIndexByte(op.Id, '/')+1]
	for _, q := range slices.Clone(c.line(op.ThreadId).waiting) {
		if q.op.Revision == op.Revision && strings.HasPrefix(q.op.Id, prefix) {
			c.withdraw(q)
			delete(c.known, opKey{q.op.Id, q.op.Revision})
		}
	}
}

// finish tells the owner.
func (c *chat) finish(m called) error {
	op := m.q.op
	key := opKey{op.Id, op.Revision}
	delete(c.known, key)
	c.done.put(key, m.outcome)
	c.lastDone = c.now()
	if (op.GetSendCopy() != nil || op.GetSendAlbum() != nil) && op.ReceivedMs > 0 && m.outcome.Result == messages.Outcome_DONE {
		c.system.metrics.latency.Observe(float64(c.now().UnixMilli()-op.ReceivedMs) / 1000)
	}
	if m.outcome.Result != messages.Outcome_DONE {
		c.log.Warn("a call was given up", "operation", op.Id, "chat", c.chatID, "topic", op.ThreadId,
			"outcome", m.outcome.Result, "why", m.outcome.Description)
	} else {
		c.log.Debug("called", "operation", op.Id, "chat", c.chatID, "topic", op.ThreadId, "took", m.took)
	}
	if m.q.owner != (opOwner{KindChat, c.key.identity}) {
		c.report(m.q.owner, op, m.outcome)
		if op.GetSendCopy() != nil && m.outcome.Result != messages.Outcome_DONE {
			c.dropRest(op)
		}
		return nil
	}
	return c.settleAnswer(op.Id)
}

func (c *chat) report(owner opOwner, op *messages.Operation, outcome *messages.Outcome) {
	c.tell(owner.kind, owner.id, &messages.Done{OperationId: op.Id, Revision: op.Revision, Outcome: outcome})
}
