package chat

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/actors/internal/pace"
	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/tracing"
)

// chat is the entity that owns one Telegram chat: every call to that chat leaves from here, in the order of its
// topics and at the pace that Telegram allows. Each topic has at most one call in flight, the chat several.
//
// It takes the messages that Room.Kind lists. It replies to Answer once the answer is durable, and to FindQuestion,
// SettleWord, GetChatPace and Wake. It emits one Done to the owner of an operation for each version that was
// enqueued, and Suspended when the operation waits for rights. It stops after 10 idle minutes with an empty queue and no pending answer, and never
// within a minute of a call.
//
// The queue is only a window. The record in which an operation is pending is the truth, and its owner enqueues again
// whatever got no Done.
type chat struct {
	*entity.Host
	room    *Room
	lasting *lasting
	record  *storage.Chat
	chatID  ids.ChatID // Telegram's, today
	lang    string     // the group's setting, or the person's
	spoken  string     // what the group speaks; "": unknown
	quiet   bool       // the group wants copies of tickets that somebody takes care of to make no sound
	group   bool

	answers   []*queued // overtake copies, first come first served
	last      []*queued // leave when nothing else may (last.go)
	lastIcons int       // how many of those are icons
	iconLeft  time.Time // when the last one left
	// whose reminders, and whose icons, did not find room there
	refusedReminders, refusedIcons refusedLast

	topics     map[ids.ThreadID]*topicLine            // by thread id
	order      []ids.ThreadID                         // threads with something queued; served round robin
	known      map[opKey]*queued                      // queued or in flight
	newest     map[string]*queued                     // of those, by operation id
	done       *desk.Recent[opKey, string]            // outcomes, encoded: as messages they would take ten times as much
	posted     *desk.Recent[string, messages.Version] // copies, by operation id: the version that was posted
	edits      *desk.Recent[int64, lastEdit]          // by message
	refused    map[opKey]*refusal                     // not taken, since what is ahead of it is not known
	asking     bool                                   // the timer of askOwners runs
	lastDone   time.Time
	size       int
	inFlight   int
	activation *byte // another one after each load: tells apart the calls of earlier ones

	perChat  *pace.Burst
	perGroup *pace.Window
	reserved time.Time // the global pacer's leave for one call; zero: none
	waking   time.Time // when the running timer fires; zero: none
	conflict bool      // somebody else wrote the record; the next look handles it

	deleted   *desk.Recent[ids.ThreadID, string] // deleted topics, by thread, and how Telegram says so
	probeAt   time.Time                          // when to probe next
	probes    int                                // in vain so far
	probing   bool
	leaving   *queued   // about to leave: waits no more
	lagSeen   time.Time // when noteLag looked last
	lagStored time.Time
}

// opKey is one version of an operation.
type opKey struct {
	id      string
	version messages.Version
}

func keyOf(op *messages.Operation) opKey { return opKey{op.Id, op.Version()} }

// queued is an operation that waits in the queue or whose call is in flight.
type queued struct {
	op         *messages.Operation
	owner      opOwner
	since      time.Time // of its first trouble
	attempts   int
	answerLost bool // an earlier call may have been carried out
	notBefore  time.Time
	at         time.Time      // since when somebody waits for it
	alone      bool           // it does not share a message
	icon       bool           // of those for which nobody waits: it is no reminder
	with       []*queued      // in flight in the same message, after it
	called     bool           // it is in flight
	next       *messages.Send // a newer version, which came meanwhile
	mark       *tracing.Mark  // because of which it was enqueued
	span       *tracing.Span  // of its call
}

type opOwner struct{ kind, id string }

const (
	chatQueueLimit  = 10_000           // operations; one beyond gets no answer, and its owner enqueues it again
	callsPerChat    = 8                // in flight
	callTimeout     = 30 * time.Second // of one Bot API call
	uploadTimeout   = 5 * time.Minute  // of one that uploads a file
	troubleLimit    = 5 * time.Minute  // transient trouble holds a topic back for so long at most
	firstBackOff    = 500 * time.Millisecond
	longestBackOff  = 30 * time.Second
	rememberedDone  = 256 // calls whose Done may still be on its way: what 16 lanes have enqueued at most
	handledCommands = 200
	// gatherFor is how long a chat that lost its queue waits for owners to enqueue again. Otherwise what is newer would
	// leave first.
	gatherFor = 2 * time.Second
)

func (c *chat) Load() error {
	record, err := c.Store.Chat(c.Ctx, c.ID)
	if errors.Is(err, storage.ErrNotFound) {
		record, err = &storage.Chat{ChatID: c.ID}, nil
	}
	if err != nil {
		return fmt.Errorf("read the chat: %w", err)
	}
	c.record = record
	c.asking = false
	c.clear()
	c.tellLost()
	if c.Moved && c.lasting.lost.IsZero() {
		c.lasting.lost = c.Now() // its queue is lost with the other node
	}
	c.inFlight, c.activation, c.conflict = 0, new(byte), false
	c.topics, c.known, c.newest = map[ids.ThreadID]*topicLine{}, map[opKey]*queued{}, map[string]*queued{}
	c.done = desk.NewRecent[opKey, string](rememberedDone)
	c.posted = desk.NewRecent[string, messages.Version](rememberedDone)
	c.edits = desk.NewRecent[int64, lastEdit](rememberedDone)
	c.deleted = desk.NewRecent[ids.ThreadID, string](rememberedDeleted)
	c.probing, c.lagSeen, c.lagStored = false, time.Time{}, time.Time{}
	c.probe()
	c.perChat = pace.NewBurst(c.room.pace.ChatPerSecond)
	c.group = messages.IsGroup(c.ID)
	if c.group {
		c.perGroup = pace.NewWindow(c.room.pace.GroupPerMinute, time.Minute)
	}
	c.recallPace()
	return c.readGroup()
}

// recallPace restores how much of the last minute's pace is used up. If the clock was set back, calls that seem to
// lie in the future count from now, so that none of them counts for longer than a minute.
func (c *chat) recallPace() {
	now := c.Now()
	for _, at := range c.record.Calls {
		if at.After(now) {
			at = now
		}
		c.perGroup.Take(at, 1)
	}
	c.perChat.Recall(c.record.BurstFull, now)
}

// tellOwners tells owners that their operations are not in the queue any more.
func (c *chat) tellOwners(owners map[opOwner]bool) {
	for owner := range owners {
		c.Tell(owner.kind, owner.id, &messages.QueueLost{})
	}
}

// tellLost tells those of an activation that was overtaken, unless they were told: when the chat starts here again, so that
// what is newer does not leave first, else a little later.
func (c *chat) tellLost() { c.tellOwners(c.room.lost.take(c.ID)) }

// clear empties the queue and tells the owners, who then enqueue their operations again.
func (c *chat) clear() {
	owners := map[opOwner]bool{}
	for _, q := range c.known {
		owners[q.owner] = true
	}
	for _, r := range c.refused {
		owners[r.owner] = true
	}
	for _, icons := range []bool{false, true} {
		for id := range c.lastOf(icons).known {
			owners[opOwner{messages.KindTicket, id}] = true
		}
		*c.lastOf(icons) = refusedLast{}
	}
	if len(owners) > 0 && !c.Env.Draining() {
		c.lasting.lost = c.Now()
		delete(owners, opOwner{messages.KindChat, c.ID}) // its own answers are stored
		if c.Overtaken() {                               // at once they would have the chat start here again, and stop the newer one
			c.room.lost.add(c.ID, owners)
			c.AfterFunc(entity.SettleAfter, c.tellLost)
		} else {
			c.tellOwners(owners)
		}
	}
	c.room.metrics.queued.Sub(float64(c.size + len(c.last)))
	c.lastIcons = 0
	c.answers, c.last, c.order, c.known, c.refused, c.size, c.waking = nil, nil, nil, nil, map[opKey]*refusal{}, 0, time.Time{}
}

var _ entity.Stopper = (*chat)(nil)

func (c *chat) Stop() {
	c.leave()
	c.clear()
	c.room.lags.set(c.ID, chatLag{})
}

func (c *chat) readGroup() error {
	if id, err := strconv.ParseInt(c.ID[min(1, len(c.ID)):], 10, 64); err == nil {
		c.chatID = id // a person's chat id is their user id; a group keeps its first id as its internal one
	}
	if !c.group {
		user, err := c.Store.User(c.Ctx, c.chatID)
		if err == nil {
			c.lang = user.Language
		} else if !errors.Is(err, storage.ErrNotFound) {
			return fmt.Errorf("read the person: %w", err)
		}
		return nil
	}
	group, err := c.Store.Group(c.Ctx, c.ID)
	switch {
	case err == nil:
		c.chatID, c.lang, c.spoken, c.quiet = group.TelegramGroupID, group.Language, group.Spoken, group.QuietCopies
	case !errors.Is(err, storage.ErrNotFound):
		return fmt.Errorf("read the group: %w", err)
	}
	return nil
}

func (c *chat) Resume() error {
	for _, pending := range c.record.Answers {
		op, err := desk.OperationOf(pending)
		if err != nil {
			c.Log.Error("a pending answer can't be read", "operation", pending.ID, "error", err)
			continue
		}
		c.enqueue(&queued{op: op, owner: opOwner{messages.KindChat, c.ID}})
	}
	c.dispatch()
	return nil
}

// Idle keeps the chat in memory for a while after its last call. The pace and the end of flood control are stored,
// but recent outcomes are not: an owner that enqueues an operation again while its Done is still on the way must find
// it known.
func (c *chat) Idle() bool {
	return c.size == 0 && len(c.last) == 0 && c.inFlight == 0 && len(c.record.Answers) == 0 && !c.remembers()
}

// remembers says whether owners may still ask for what this chat has done.
func (c *chat) remembers() bool { return c.Now().Sub(c.lastDone) <= 2*entity.EnqueueAgainAfter }

func (c *chat) onLook(m look) error {
	if !m.at.Equal(c.waking) {
		return nil // an earlier timer took its place
	}
	c.waking = time.Time{}
	if c.conflict {
		return storage.ErrConflict
	}
	c.dispatch()
	return nil
}

func (c *chat) onGroupChanged(*messages.GroupChanged) error {
	err := c.readGroup()
	c.probe() // its rights may be what changed
	for _, q := range c.answers {
		if waits(q.op) {
			q.notBefore = time.Time{}
		}
	}
	c.dispatch()
	return err
}

func (c *chat) onWake(*messages.Wake) (proto.Message, error) { return entity.OK(), nil }

// onSend enqueues an operation. One that is already known is not enqueued twice; one that is done is reported again; one that
// would overtake another one of its owner's is not taken.
func (c *chat) onSend(m *messages.Send) error {
	c.accept(m)
	return nil
}

// accept does the work of onSend, also for a newer version that waited for a call in flight.
func (c *chat) accept(m *messages.Send) {
	op, owner := m.Operation, opOwner{m.OwnerKind, m.OwnerId}
	key := keyOf(op)
	if _, known := c.known[key]; known {
		return
	}
	if outcome, done := c.recallDone(key); done {
		c.report(owner, op, outcome)
		return
	}
	if c.postedBefore(m) || c.revise(m) {
		return
	}
	if intoThread(op) && op.GetSendCard() == nil && c.whyDeleted(op.ThreadId) != "" {
		if err := c.reportDeleted(owner, op, c.whyDeleted(op.ThreadId)); err != nil {
			c.Log.Error("an answer into a deleted topic can't be dropped", "operation", op.Id, "error", err)
		}
		return
	}
	if isLast(op) && !c.takesLast(m) {
		return
	}
	if c.size >= chatQueueLimit {
		c.Log.Warn("the queue is full; the owner enqueues the operation again", "operation", op.Id)
		return
	}
	if c.overtakes(m) {
		return
	}
	delete(c.refused, key)
	q := &queued{op: op, owner: owner, mark: c.Mark()}
	c.enqueue(q)
	if c.record.Suspended != "" && waits(op) {
		c.tellSuspended(q, c.record.Suspended)
	}
	c.dispatch()
}

// onAnswer makes an answer durable, then queues it.
func (c *chat) onAnswer(m *messages.Answer) (proto.Message, error) {
	id := m.Origin.GetCommandId()
	if slices.Contains(c.record.Handled, id) || c.unlinkedSince(m.Origin) {
		return entity.Duplicate(), nil
	}
	op := m.Operation
	if m.EndsQuestion != 0 {
		return c.endQuestions(m)
	}
	if op == nil { // somebody else answers the command
		err := c.change(func(r *storage.Chat) { r.Handled = desk.Remember(r.Handled, id, handledCommands) })
		if err != nil {
			return nil, err
		}
		return entity.OK(), nil
	}
	if len(c.record.Answers) >= desk.PendingAnswersLimit {
		// Somebody floods the chat with commands: answering them all would keep copies waiting for hours.
		c.Metrics.Unanswered.Inc()
		c.Log.Warn("a command gets no answer: too many are pending already",
			"command", id, "pending", len(c.record.Answers))
		return entity.OK(), nil
	}
	op.Id, op.Place, op.Priority = "answer/"+id, c.ID, messages.Operation_ANSWER
	body, err := proto.Marshal(op)
	if err != nil {
		return nil, fmt.Errorf("encode an answer: %w", err)
	}
	err = c.change(func(r *storage.Chat) {
		r.Answers = append(r.Answers, storage.Pending{ID: op.Id, Kind: desk.PendingOperation, Body: body})
		r.Handled = desk.Remember(r.Handled, id, handledCommands)
	})
	if err != nil {
		return nil, err
	}
	op.SetRef(desk.PendingRef(op.Id))
	c.enqueue(&queued{op: op, owner: opOwner{messages.KindChat, c.ID}, mark: c.Mark()})
	c.dispatch()
	return entity.OK(), nil
}

// unlinkedSince says whether a command was given in its topic before an /unlink that was accepted. The updates of a
// topic are accepted one after the other, so the command was accepted when the topic still was a ticket's, and comes
// again after a crash.
func (c *chat) unlinkedSince(o *messages.Origin) bool {
	if o.GetCommandId() != messages.MessageKey(o.GetChatId(), o.GetMessageId()) {
		return false // a button may be pressed at any time, on any message
	}
	ending := messages.UnlinkID("", o.ThreadId)
	return slices.ContainsFunc(c.record.Handled, func(id string) bool {
		command, unlink := strings.CutSuffix(id, ending)
		number := desk.TelegramID(command)
		return unlink && number > o.MessageId && command == messages.MessageKey(o.ChatId, number)
	})
}

// change writes the record with a change; what is in memory follows only what is stored.
func (c *chat) change(f func(*storage.Chat)) error {
	next := *c.record
	next.Answers, next.Handled = slices.Clone(next.Answers), slices.Clone(next.Handled)
	f(&next)
	next.DueAt, next.Oldest, next.Waiting = time.Time{}, c.oldest(), c.size
	if c.leaving != nil && !isLast(c.leaving.op) {
		next.Waiting--
	}
	if len(next.Answers) > 0 {
		next.DueAt = c.Now().Add(desk.PendingFor)
	}
	if err := c.Store.SaveChat(c.Ctx, &next); err != nil {
		return fmt.Errorf("save the chat: %w", err)
	}
	c.record = &next
	return nil
}
