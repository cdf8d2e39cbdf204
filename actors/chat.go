package actors

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// chat is the only place from which calls to one Telegram chat leave: in the order of their topics, at the pace that Telegram
// allows, one at a time for each topic and several for the chat.
//
// Accepts  Send (from the owner of an operation), Answer (a text owed to a command of no ticket), GroupChanged, Wake
// Replies  to Answer, once it is durable
// Emits    Done to the owner of an operation, once for each (id, revision) it was offered
// Stops    after 10 idle minutes with an empty queue and no answer owed
//
// Its queue is a window: the record that owes the call is the truth, and its owner offers again what got no Done.
type chat struct {
	*host
	record *storage.Chat
	chatID int64  // Telegram's, today
	lang   string // the group's setting
	group  bool

	answers []*queued            // overtake copies, first come first served
	topics  map[int64]*topicLine // by thread id
	order   []int64              // threads with something queued, in turn
	known   map[opKey]*queued    // queued or under way
	done    *recent[opKey, *messages.Outcome]
	size    int
	under   int

	perChat  *burst
	perGroup *window
	reserved time.Time // the global pacer's leave for one call; zero: none
	waking   time.Time // when the running timer fires; zero: none
}

type opKey struct {
	id       string
	revision int64
}

// queued is an operation in the queue or under way.
type queued struct {
	op         *messages.Operation
	owner      opOwner
	since      time.Time // of its first trouble
	attempts   int
	answerLost bool // a former call may have been carried out
	notBefore  time.Time
}

type opOwner struct{ kind, id string }

// topicLine is the queue of one topic.
type topicLine struct {
	waiting []*queued
	busy    bool // a call of this topic is under way
	listed  bool // is in order
}

// called is the answer to a call, told by its goroutine.
type called struct {
	q       *queued
	outcome *messages.Outcome
	took    time.Duration
}

// look is a timer: see what may leave now.
type look struct{}

const (
	chatQueueLimit  = 10_000           // operations; an offer beyond is left unanswered, its owner offers again
	callsPerChat    = 8                // at once
	callTimeout     = 30 * time.Second // of one Bot API call
	troubleLimit    = 5 * time.Minute  // transient trouble holds a topic back for so long at most
	firstBackOff    = 500 * time.Millisecond
	longestBackOff  = 30 * time.Second
	rememberedDone  = 512
	handledCommands = 200
)

func newChat(h *host) entity { return &chat{host: h} }

func (c *chat) load() error {
	record, err := c.store.Chat(c.ctx, c.key.identity)
	if errors.Is(err, storage.ErrNotFound) {
		record, err = &storage.Chat{ChatID: c.key.identity}, nil
	}
	if err != nil {
		return fmt.Errorf("read the chat: %w", err)
	}
	c.record = record
	c.clear()
	c.topics, c.known = map[int64]*topicLine{}, map[opKey]*queued{}
	c.done = newRecent[opKey, *messages.Outcome](rememberedDone)
	c.perChat = newBurst(c.system.pace.ChatPerSecond)
	c.group = strings.HasPrefix(c.key.identity, "g")
	if c.group {
		c.perGroup = newWindow(c.system.pace.GroupPerMinute, time.Minute)
	}
	for _, at := range record.Calls {
		c.perGroup.take(at)
	}
	if c.perChat != nil {
		c.perChat.full = record.BurstFull
	}
	return c.readGroup()
}

// clear empties the queue; owners offer again.
func (c *chat) clear() {
	c.system.metrics.queued.Sub(float64(c.size))
	c.answers, c.order, c.size, c.waking = nil, nil, 0, time.Time{}
}

func (c *chat) stop() { c.clear() }

func (c *chat) readGroup() error {
	if id, err := strconv.ParseInt(c.key.identity[min(1, len(c.key.identity)):], 10, 64); err == nil {
		c.chatID = id // a person's chat id is their user id; a group keeps its first id as its internal one
	}
	if !c.group {
		user, err := c.store.User(c.ctx, c.chatID)
		if err == nil {
			c.lang = user.Language
		} else if !errors.Is(err, storage.ErrNotFound) {
			return fmt.Errorf("read the person: %w", err)
		}
		return nil
	}
	group, err := c.store.Group(c.ctx, c.key.identity)
	switch {
	case err == nil:
		c.chatID, c.lang = group.TelegramGroupID, group.Language
	case !errors.Is(err, storage.ErrNotFound):
		return fmt.Errorf("read the group: %w", err)
	}
	return nil
}

func (c *chat) resume() error {
	for _, owed := range c.record.Answers {
		op := &messages.Operation{}
		if err := proto.Unmarshal(owed.Body, op); err != nil {
			c.log.Error("an owed answer can't be read", "operation", owed.ID, "error", err)
			continue
		}
		c.enqueue(&queued{op: op, owner: opOwner{KindChat, c.key.identity}})
	}
	c.dispatch()
	return nil
}

func (c *chat) idle() bool {
	return c.size == 0 && c.under == 0 && len(c.record.Answers) == 0 && c.record.BlockedUntil.Before(c.now()) &&
		c.perGroup.earliest().Before(c.now()) && c.quiet()
}

// quiet says that the pace of the last minute is used up nowhere, so that forgetting it breaks no limit.
func (c *chat) quiet() bool {
	w := c.perGroup
	if w == nil || len(w.calls) == 0 {
		return true
	}
	newest := w.calls[(w.next+len(w.calls)-1)%len(w.calls)]
	return newest.Add(w.span).Before(c.now())
}

func (c *chat) receive(m any) (proto.Message, error) {
	switch m := m.(type) {
	case *messages.Send:
		c.onSend(m)
		return nil, nil
	case *messages.Answer:
		return c.onAnswer(m)
	case called:
		return nil, c.onCalled(m)
	case settleAnswer:
		return nil, c.settleAnswer(m.id)
	case look:
		c.waking = time.Time{}
		c.dispatch()
		return nil, nil
	case *messages.GroupChanged:
		err := c.readGroup()
		c.dispatch()
		return nil, err
	case *messages.Wake:
		return ok(), nil
	default:
		return answered(messages.Code_CONFLICT, "a chat does not understand "+typeName(m)), nil
	}
}

// onSend takes an operation in; one that is known already is not taken twice, one that is done is answered again.
func (c *chat) onSend(m *messages.Send) {
	op, owner := m.Operation, opOwner{m.OwnerKind, m.OwnerId}
	key := opKey{op.Id, op.Revision}
	if _, known := c.known[key]; known {
		return
	}
	if outcome, done := c.done.get(key); done {
		c.report(owner, op, outcome)
		return
	}
	if c.size >= chatQueueLimit {
		c.log.Warn("queue is full; its owner offers the operation again", "operation", op.Id)
		return
	}
	c.enqueue(&queued{op: op, owner: owner})
	c.dispatch()
}

// onAnswer makes an answer durable, then queues it.
func (c *chat) onAnswer(m *messages.Answer) (proto.Message, error) {
	id := m.Origin.GetCommandId()
	if slices.Contains(c.record.Handled, id) {
		return duplicate(), nil
	}
	op := m.Operation
	if op == nil {
		return answered(messages.Code_CONFLICT, "an answer without an operation"), nil
	}
	op.Id, op.Place, op.Priority = "answer/"+id, c.key.identity, messages.Operation_ANSWER
	body, err := proto.Marshal(op)
	if err != nil {
		return nil, fmt.Errorf("encode an answer: %w", err)
	}
	err = c.change(func(r *storage.Chat) {
		r.Answers = append(r.Answers, storage.Owed{ID: op.Id, Kind: owedOperation, Body: body})
		r.Handled = remember(r.Handled, id, handledCommands)
	})
	if err != nil {
		return nil, err
	}
	c.enqueue(&queued{op: op, owner: opOwner{KindChat, c.key.identity}})
	c.dispatch()
	return ok(), nil
}

// change writes the record with a change; what is in memory follows only what is stored.
func (c *chat) change(f func(*storage.Chat)) error {
	next := *c.record
	next.Answers, next.Handled = slices.Clone(next.Answers), slices.Clone(next.Handled)
	f(&next)
	next.DueAt = time.Time{}
	if len(next.Answers) > 0 {
		next.DueAt = c.now().Add(owedFor)
	}
	if err := c.store.SaveChat(c.ctx, &next); err != nil {
		return fmt.Errorf("save the chat: %w", err)
	}
	c.record = &next
	return nil
}

// enqueue places an operation: answers in their own line, copies in the order of their topic.
func (c *chat) enqueue(q *queued) {
	c.known[opKey{q.op.Id, q.op.Revision}] = q
	c.size++
	c.system.metrics.queued.Inc()
	if q.op.Priority == messages.Operation_ANSWER {
		c.answers = append(c.answers, q)
		return
	}
	line := c.line(q.op.ThreadId)
	at := len(line.waiting)
	for at > 0 && line.waiting[at-1].op.Order > q.op.Order && line.waiting[at-1].attempts == 0 {
		at--
	}
	line.waiting = slices.Insert(line.waiting, at, q)
	c.list(q.op.ThreadId, line)
}

func (c *chat) line(thread int64) *topicLine {
	line := c.topics[thread]
	if line == nil {
		line = &topicLine{}
		c.topics[thread] = line
	}
	return line
}

func (c *chat) list(thread int64, line *topicLine) {
	if !line.listed {
		line.listed = true
		c.order = append(c.order, thread)
	}
}

// dispatch lets leave what may leave now, and sets a timer for the rest.
func (c *chat) dispatch() {
	for c.under < callsPerChat && !c.system.draining.Load() {
		now := c.now()
		if c.record.BlockedUntil.After(now) {
			c.lookAt(c.record.BlockedUntil)
			return
		}
		take, wake := c.pick(now)
		if take == nil {
			c.lookAt(wake)
			return
		}
		wait, err := c.paced(take.op, now)
		if err != nil {
			c.log.Error("the pace can't be stored; tried again", "error", err)
			wait = now.Add(retryAfterTrouble)
		}
		if wait.After(now) {
			c.lookAt(wait)
			return
		}
		c.remove(take)
		c.call(take)
	}
}

// paced takes a place in the pace for one call and returns when it may leave; a later time takes none. What is taken is
// stored before the call leaves.
func (c *chat) paced(op *messages.Operation, now time.Time) (time.Time, error) {
	if !counts(op) {
		return now, nil
	}
	for _, at := range []time.Time{c.perChat.earliest(), c.perGroup.earliest()} {
		if at.After(now) {
			return at, nil
		}
	}
	if c.reserved.IsZero() {
		c.reserved = c.system.pacer.reserve(now)
	}
	if c.reserved.After(now) {
		return c.reserved, nil
	}
	if c.perChat != nil || c.perGroup != nil {
		err := c.change(func(r *storage.Chat) {
			r.Calls = c.perGroup.since(now, now)
			r.BurstFull = c.perChat.after(now)
		})
		if err != nil {
			return now, err
		}
	}
	c.reserved = time.Time{}
	c.perChat.take(now)
	c.perGroup.take(now)
	return now, nil
}

// counts says whether Telegram counts the call as a message to the chat: what posts or edits something, and what leaves a
// service message behind.
func counts(op *messages.Operation) bool {
	switch op.Call.(type) {
	case *messages.Operation_AnswerCallback, *messages.Operation_React, *messages.Operation_ListAdmins, *messages.Operation_DescribeChat:
		return false
	}
	return true
}

// pick returns the next operation that may leave, or when to look again (zero: when something happens).
func (c *chat) pick(now time.Time) (*queued, time.Time) {
	var wake time.Time
	sooner := func(t time.Time) {
		if wake.IsZero() || t.Before(wake) {
			wake = t
		}
	}
	for _, q := range c.answers {
		if c.line(q.op.ThreadId).busy && counts(q.op) {
			continue
		}
		if q.notBefore.After(now) {
			sooner(q.notBefore)
			continue
		}
		return q, wake
	}
	for range c.order {
		thread := c.order[0]
		line := c.topics[thread]
		c.order = c.order[1:]
		if len(line.waiting) == 0 {
			line.listed = false
			if !line.busy {
				delete(c.topics, thread)
			}
			continue
		}
		c.order = append(c.order, thread) // topics take turns
		if line.busy {
			continue
		}
		if first := line.waiting[0]; first.notBefore.After(now) {
			sooner(first.notBefore)
		} else {
			return first, wake
		}
	}
	return nil, wake
}

// remove takes an operation out of its line.
func (c *chat) remove(q *queued) {
	c.size--
	c.system.metrics.queued.Dec()
	if q.op.Priority == messages.Operation_ANSWER {
		c.answers = slices.DeleteFunc(c.answers, func(x *queued) bool { return x == q })
		return
	}
	line := c.topics[q.op.ThreadId]
	line.waiting[0] = nil
	line.waiting = line.waiting[1:]
}

// lookAt sets the timer to t, unless it fires before anyway.
func (c *chat) lookAt(t time.Time) {
	if t.IsZero() || !c.waking.IsZero() && !c.waking.After(t) {
		return
	}
	c.waking = t
	c.after(max(0, t.Sub(c.now())), look{})
}

// call makes the call in a goroutine of its own; the answer comes back as a message.
func (c *chat) call(q *queued) {
	c.under++
	c.line(q.op.ThreadId).busy = true
	c.system.calls.begin()
	c.system.metrics.underWay.Inc()
	chatID, lang := c.chatID, q.op.Lang
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
		c.note(called{q, outcome, time.Since(start)})
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
	c.under--
	c.line(m.q.op.ThreadId).busy = false
	c.system.metrics.underWay.Dec()
	kind := operationName(m.q.op)
	c.system.metrics.operations.WithLabelValues(kind, m.outcome.Result.String()).Inc()
	c.system.metrics.callTime.WithLabelValues(kind).Observe(m.took.Seconds())
	defer c.dispatch()
	switch m.outcome.Result {
	case messages.Outcome_FLOOD:
		return c.onFlood(m)
	case messages.Outcome_MIGRATED:
		if m.outcome.NewChatId != 0 && m.outcome.NewChatId != c.chatID {
			c.log.Info("the group has a new Telegram id", "old", c.chatID, "new", m.outcome.NewChatId)
			c.chatID = m.outcome.NewChatId
			c.tell(KindGroup, c.key.identity, &messages.MigrateGroup{NewChatId: m.outcome.NewChatId})
		}
		c.putBack(m.q)
		return nil
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

// onFlood obeys a 429: the chat is silent until it is over, also after a restart.
func (c *chat) onFlood(m called) error {
	until := c.now().Add(time.Duration(m.outcome.RetryAfterMs) * time.Millisecond)
	c.log.Warn("flood control", "chat", c.chatID, "operation", m.q.op.Id, "until", until)
	c.putBack(m.q)
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

// putBack puts an operation before everything else of its line.
func (c *chat) putBack(q *queued) {
	c.size++
	c.system.metrics.queued.Inc()
	if q.op.Priority == messages.Operation_ANSWER {
		c.answers = slices.Insert(c.answers, 0, q)
		return
	}
	line := c.line(q.op.ThreadId)
	line.waiting = slices.Insert(line.waiting, 0, q)
	c.list(q.op.ThreadId, line)
}

// finish tells the owner.
func (c *chat) finish(m called) error {
	op := m.q.op
	key := opKey{op.Id, op.Revision}
	delete(c.known, key)
	c.done.put(key, m.outcome)
	if op.GetSendCopy() != nil && op.ReceivedMs > 0 && m.outcome.Result == messages.Outcome_DONE {
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
		return nil
	}
	return c.settleAnswer(op.Id)
}

// settleAnswer forgets an answer that has left, or never can.
func (c *chat) settleAnswer(id string) error {
	err := c.change(func(r *storage.Chat) {
		r.Answers = slices.DeleteFunc(r.Answers, func(o storage.Owed) bool { return o.ID == id })
	})
	if err != nil {
		c.log.Error("an answer that has left could not be settled; tried again", "operation", id, "error", err)
		c.after(retryAfterTrouble, settleAnswer{id})
	}
	return nil
}

type settleAnswer struct{ id string }

func (c *chat) report(owner opOwner, op *messages.Operation, outcome *messages.Outcome) {
	c.tell(owner.kind, owner.id, &messages.Done{OperationId: op.Id, Revision: op.Revision, Outcome: outcome})
}
