package chat

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/tracing"
)

// A chat's calls: each in a goroutine of its own, and what its answer means.

// called is the answer to a call, sent by its goroutine.
type called struct {
	q          *queued
	op         *messages.Operation // what was called: that of q, or a message that it shares
	outcome    *messages.Outcome   // nil: there was no call
	why        error               // there was no call
	edit       string              // the digest of an edit, as it was called: its operation may be revised meanwhile
	took       time.Duration
	activation *byte
}

// call makes a call that has begun (calls) in a goroutine of its own; the answer comes back as a message. op is what is called: that of
// q, or a message that it shares with others.
func (c *chat) call(q *queued, op *messages.Operation) {
	op = c.quietly(op)
	c.inFlight++
	c.lasting.calls++
	for _, x := range q.all() {
		x.called = true
		x.span = c.beginCall(x, op)
	}
	if counts(q.op) { // what does not count keeps no order, and must not free the line of what does
		c.line(q.op.ThreadId).busy = true
	}
	c.room.metrics.inFlight.Inc()
	chatID, lang, activation, claim := c.chatID, c.langOf(op), c.activation, c.Claim()
	start, edit := time.Now(), editDigest(op, lang)
	outcome, span := c.editedSo(op, edit), q.span
	c.Go(func() {
		defer c.room.calls.end()
		ctx, cancel := context.WithTimeout(tracing.With(c.room.callCtx, span.Mark()), callTime(op))
		defer cancel()
		m := called{q: q, op: op, outcome: outcome, edit: edit, activation: activation}
		switch err := claim.Hold(ctx); {
		case err != nil:
			m.outcome, m.why = nil, err
		case outcome == nil:
			m.outcome = c.room.safeCall(ctx, chatID, lang, op)
		}
		if m.outcome != nil {
			m.outcome.ChatId, m.took = chatID, time.Since(start)
		}
		endCall(q, m.outcome)
		if c.Ended() {
			c.Outlived(m)
			return
		}
		c.Note(m)
	})
}

// quietly is the call of copies as the group wants it, which may be that they make no sound once somebody takes care of their
// ticket (docs/decisions.md, D255).
func (c *chat) quietly(op *messages.Operation) *messages.Operation {
	if !c.quiet || op.GetSendCopy() == nil && op.GetSendAlbum() == nil && op.GetSendMerged() == nil {
		return op
	}
	op = proto.CloneOf(op)
	copies := append(op.GetSendAlbum().GetParts(), op.GetSendMerged().GetCopies()...)
	if one := op.GetSendCopy(); one != nil {
		copies = append(copies, one)
	}
	for _, one := range copies {
		one.Quiet = true
	}
	return op
}

// beginCall begins the span of an operation's call; op is what is called.
func (c *chat) beginCall(q *queued, op *messages.Operation) *tracing.Span {
	if !q.mark.Recorded() {
		return nil
	}
	span := q.mark.Child("call "+operationName(op), tracing.Inside, time.Now())
	span.Note("topicdesk.operation", q.op.Id)
	span.Note("topicdesk.place", c.ID)
	span.NoteInt("topicdesk.topic", q.op.ThreadId)
	span.NoteInt("topicdesk.attempt", int64(q.attempts))
	return span
}

// endCall ends the spans of a call, of which outcome came.
func endCall(q *queued, outcome *messages.Outcome) {
	for _, x := range q.all() {
		if x.span == nil {
			continue
		}
		if result := outcome.GetResult(); result != messages.Outcome_DONE {
			x.span.Fail(result.String())
		}
		x.span.Note("topicdesk.outcome", outcome.GetResult().String())
		x.span.End()
	}
}

// notCalled puts back what was not called: another activation is the newest, or storage does not tell.
func (c *chat) notCalled(m called) error {
	c.probing = c.probing && !waits(m.q.op)
	c.putBackAll(m.q)
	if errors.Is(m.why, entity.ErrOvertaken) {
		return m.why
	}
	c.Log.Warn("a call waits: storage does not tell whether this node makes the calls to the chat", "operation", m.op.Id,
		"error", m.why)
	for _, q := range m.q.all() {
		q.notBefore = c.Now().Add(entity.RetryAfterTrouble)
	}
	c.dispatch()
	return nil
}

var _ entity.Outlived = (*chat)(nil)

// Outlived tells the newest activation what a call has done that came back after this one's end.
func (c *chat) Outlived(note any) {
	m, is := note.(called)
	if !is {
		return
	}
	c.room.metrics.inFlight.Dec()
	if m.outcome == nil {
		return
	}
	all := m.q.all()
	for i, q := range all {
		outcome := outcomeFor(ownSpan(m.op, m.outcome), i, len(all))
		if outcome.Result == messages.Outcome_DONE {
			c.Tell(messages.KindChat, c.ID, q.op.DoneWith(outcome))
		}
	}
}

// onDone hears from an earlier activation on another node what its last calls have done. What is in the queue of that is
// not done again.
func (c *chat) onDone(m *messages.Done) error {
	key := opKey{m.OperationId, m.Version()}
	q := c.known[key]
	if q == nil || q.called {
		c.rememberDone(key, m.Outcome)
		return nil
	}
	c.unqueue(q)
	defer c.dropIdleLine(q.op.ThreadId)
	return c.finishOne(q, m.Outcome, 0)
}

// langOf is the language of a call: the setting of the chat; else what the group speaks, where nobody there is answered;
// else that of whoever is.
func (c *chat) langOf(op *messages.Operation) string {
	if c.lang == "" && (op.Lang == "" || op.OpenersLang) {
		return cmp.Or(c.spoken, op.Lang)
	}
	return cmp.Or(c.lang, op.Lang)
}

// callTime is how long a call may take: longer when it uploads a file.
func callTime(op *messages.Operation) time.Duration {
	if media := op.GetSendCopy().GetContent().GetMedia(); media.GetSha256() != "" && media.GetFileId() == "" {
		return uploadTimeout
	}
	return callTimeout
}

// safeCall turns a panic below into an outcome, since nobody supervises the goroutine of a call.
func (r *Room) safeCall(
	ctx context.Context, chatID int64, lang string, op *messages.Operation,
) (outcome *messages.Outcome) {
	defer func() {
		if p := recover(); p != nil {
			r.env.Metrics.Panics.Inc()
			r.env.Log.Error("panic in a Bot API call", "operation", op.Id, "panic", fmt.Sprint(p))
			outcome = &messages.Outcome{Result: messages.Outcome_REJECTED, Description: "a fault in the service"}
		}
	}()
	return r.telegram.Call(ctx, chatID, lang, op)
}

// onCalled handles the answer to a call.
func (c *chat) onCalled(m called) error {
	c.lasting.calls--
	earlier := m.activation != c.activation
	if !earlier {
		c.inFlight--
		if counts(m.q.op) {
			c.line(m.q.op.ThreadId).busy = false
		}
	}
	c.dropIdleLine(m.q.op.ThreadId)
	c.room.metrics.inFlight.Dec()
	if m.outcome == nil {
		if !earlier {
			return c.notCalled(m)
		}
		c.dispatch()
		return nil
	}
	kind := operationName(m.op)
	c.room.metrics.operations.WithLabelValues(kind, m.outcome.Result.String()).Inc()
	c.room.metrics.callTime.WithLabelValues(kind).Observe(m.took.Seconds())
	defer c.dispatch()
	if earlier {
		c.forgetEdit(m.op)
		return c.onEarlierCall(m)
	}
	if waits(m.q.op) {
		c.probing = false
	}
	defer c.In(cmp.Or(m.q.span.Mark(), m.q.mark))() // so that what is logged about the call names its trace
	c.noteEdit(m)
	switch m.outcome.Result {
	case messages.Outcome_DONE:
		found := m.q.op.GetCheckTopic() != nil || m.q.op.GetSendCard() != nil // both are called in a topic that seems deleted
		if found && c.whyDeleted(m.q.op.ThreadId) != "" {
			c.deleted.Put(m.q.op.ThreadId, "") // it is there after all
		}
		if counts(m.q.op) {
			if err := c.release(); err != nil {
				return err
			}
		}
	case messages.Outcome_FLOOD:
		return c.onFlood(m)
	case messages.Outcome_TOPIC_DELETED:
		if intoThread(m.q.op) {
			return c.onTopicDeleted(m)
		}
	case messages.Outcome_FORBIDDEN:
		return c.onForbidden(m)
	case messages.Outcome_REJECTED:
		if len(m.q.with) > 0 {
			c.goAlone(m.q)
			return nil
		}
	case messages.Outcome_MIGRATED:
		if m.outcome.NewChatId != 0 && m.outcome.NewChatId != c.chatID {
			c.Log.Info("the group has a new Telegram id", "old", c.chatID, "new", m.outcome.NewChatId)
			c.chatID = m.outcome.NewChatId
			c.Tell(messages.KindGroup, c.ID, &messages.MigrateGroup{NewChatId: m.outcome.NewChatId})
			c.putBackAll(m.q)
			return nil
		}
		return c.onTrouble(m) // to the id that it has already: not again immediately
	case messages.Outcome_TRANSIENT:
		return c.onTrouble(m)
	case messages.Outcome_UNKNOWN:
		if m.q.op.GetCreateTopic() != nil {
			return c.finish(m) // its owner waits for the topic to appear
		}
		return c.onTrouble(m)
	}
	return c.finish(m)
}

// onEarlierCall handles the answer to a call of an earlier activation, before the queue was lost. What it did counts:
// it is not done again if its owner has enqueued it again meanwhile.
func (c *chat) onEarlierCall(m called) error {
	switch m.outcome.Result {
	case messages.Outcome_FLOOD:
		return c.block(m)
	case messages.Outcome_MIGRATED, messages.Outcome_TRANSIENT, messages.Outcome_TOPIC_DELETED:
		return nil
	case messages.Outcome_FORBIDDEN:
		if waits(m.q.op) {
			return nil
		}
	case messages.Outcome_REJECTED:
		if len(m.q.with) > 0 {
			return nil
		}
	case messages.Outcome_UNKNOWN:
		if m.q.op.GetCreateTopic() == nil {
			return nil
		}
	}
	for _, q := range m.q.all() {
		if again := c.known[keyOf(q.op)]; again != nil {
			c.unqueue(again)
		}
	}
	return c.finish(m)
}

// dropRest takes the further parts of a copy out of its line when one part was given up: an end without its beginning
// is of no use. Their owner has given up the whole copy.
func (c *chat) dropRest(op *messages.Operation) {
	givenUp := op.Ref.GetCopyPart()
	for _, q := range slices.Clone(c.line(op.ThreadId).waiting) {
		part := q.op.Ref.GetCopyPart()
		same := part != nil && part.MessageId == givenUp.MessageId && part.TopicId == givenUp.TopicId
		if same && q.op.Version() == op.Version() {
			c.unqueue(q)
			c.dropKnown(q)
		}
	}
}

// finish reports to the owners.
func (c *chat) finish(m called) error {
	all := m.q.all()
	for i, q := range all {
		if err := c.finishOne(q, outcomeFor(ownSpan(m.op, m.outcome), i, len(all)), m.took); err != nil {
			return err
		}
	}
	return nil
}

func (c *chat) finishOne(q *queued, outcome *messages.Outcome, took time.Duration) error {
	op := q.op
	defer c.In(cmp.Or(q.span.Mark(), q.mark))()
	key := keyOf(op)
	if q := c.known[key]; q != nil {
		c.dropKnown(q)
		defer c.acceptNext(q)
	}
	c.rememberDone(key, outcome)
	c.notePosted(q, outcome)
	c.lastDone = c.Now()
	posts := op.GetSendCopy() != nil || op.GetSendAlbum() != nil
	if posts && op.ReceivedMs > 0 && outcome.Result == messages.Outcome_DONE {
		c.room.metrics.latency.Observe(float64(c.Now().UnixMilli()-op.ReceivedMs) / 1000)
	}
	if outcome.Result != messages.Outcome_DONE {
		c.Log.Log(c.Ctx, givenUpLevel(c.group, op, outcome), "a call was given up",
			"operation", op.Id, "telegramChat", c.chatID, "topic", op.ThreadId,
			"outcome", outcome.Result.String(), "why", outcome.Description)
	} else {
		c.Log.Debug("called", "operation", op.Id, "telegramChat", c.chatID, "topic", op.ThreadId, "took", took)
	}
	if err := c.noteWord(wordIn(q, outcome)); err != nil {
		return err
	}
	if q.owner != (opOwner{messages.KindChat, c.ID}) {
		if question := questionIn(op, outcome); question.MessageID != 0 {
			if err := c.dropAnswer(dropAnswer{op.Id, question}); err != nil {
				return err
			}
		}
		c.report(q.owner, op, outcome)
		if op.GetSendCopy() != nil && postsOnce(op) && outcome.Result != messages.Outcome_DONE {
			c.dropRest(op)
		}
		return nil
	}
	return c.dropAnswer(dropAnswer{op.Id, questionIn(op, outcome)})
}

// givenUpLevel is how loudly a call that was given up is logged: that a private chat has no topics is usual, and an icon that
// stays says little.
func givenUpLevel(group bool, op *messages.Operation, outcome *messages.Outcome) slog.Level {
	if op.GetSetIcon() != nil || !group && op.GetCreateTopic() != nil && outcome.Result == messages.Outcome_REJECTED {
		return slog.LevelDebug
	}
	return slog.LevelWarn
}

func (c *chat) report(owner opOwner, op *messages.Operation, outcome *messages.Outcome) {
	c.Tell(owner.kind, owner.id, op.DoneWith(outcome))
}

// rememberDone keeps what a call has done, for an owner that enqueues it again before its Done has arrived.
func (c *chat) rememberDone(key opKey, outcome *messages.Outcome) {
	encoded, err := proto.Marshal(outcome)
	if err != nil { // Done reports it, with Telegram's text made valid; enqueued again, it is called again
		c.Log.Error("an outcome can't be remembered", "operation", key.id, "error", err)
		return
	}
	c.done.Put(key, string(encoded))
}

func (c *chat) recallDone(key opKey) (outcome *messages.Outcome, done bool) {
	encoded, done := c.done.Get(key)
	if !done {
		return nil, false
	}
	outcome = &messages.Outcome{}
	if err := proto.Unmarshal([]byte(encoded), outcome); err != nil {
		c.Log.Error("an outcome can't be recalled", "operation", key.id, "error", err)
		return nil, false
	}
	return outcome, true
}
