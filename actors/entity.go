package actors

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// entity is what one kind does; host does what all kinds share. Its methods run in the entity's turns, never at once.
type entity interface {
	// load reads what the entity owns; it is called before the first message and after a conflict.
	load() error
	// resume goes on with what is owed, after a load.
	resume() error
	// receive handles one message. A nil reply means that nobody waits for one. An error means that nothing was accepted.
	receive(message any) (proto.Message, error)
	// idle says that nothing is owed or under way.
	idle() bool
}

// entityProps makes the entity of a kind, or nil when there is no such kind.
func entityProps(s *System, key entityKey) *actor.Props {
	build := map[string]func(*host) entity{
		KindTicket: newTicket,
		KindLink:   newLink,
		KindChat:   newChat,
		KindGroup:  newGroup,
		KindUser:   newUser,
		KindAPIKey: newAPIKey,
		KindPoller: newPoller,
	}[key.kind]
	if build == nil {
		return nil
	}
	former := &lives{}
	var options []actor.PropsOption
	if key.kind == KindTicket {
		options = append(options, actor.WithSupervisor(downloadSupervision(s)))
	}
	return actor.PropsFromProducer(func() actor.Actor {
		h := &host{system: s, key: key, now: s.now, store: s.store, ctx: s.ctx, lives: former}
		h.log = s.log.With(key.kind, key.identity)
		h.entity = build(h)
		return h
	}, append(options, actor.WithDispatcher(s.dispatcher), actor.WithMailbox(actor.Unbounded(depth{s.metrics.mailbox})))...)
}

// depth counts the messages that wait in mailboxes.
type depth struct{ gauge prometheus.Gauge }

func (d depth) MailboxStarted()     {}
func (d depth) MessagePosted(any)   { d.gauge.Inc() }
func (d depth) MessageReceived(any) { d.gauge.Dec() }
func (d depth) MailboxEmpty()       {}

// host carries one entity: its turns, its epoch, its timers, and the one reply to each command.
type host struct {
	entity entity
	system *System
	key    entityKey
	store  storage.Store
	now    func() time.Time
	log    *slog.Logger
	ctx    context.Context

	actor  actor.Context // of the turn under way, to start children with
	self   *actor.PID
	parent *actor.PID
	epoch  int64
	loaded bool
	lives  *lives
	timers map[int64]*time.Timer
	timer  int64 // number of the newest timer
	gone   bool  // fenced off: answers only "not owner"

	// refused are messages from inside that storage trouble kept from being handled, in the order of their arrival. While
	// there are any, what comes from inside waits behind them.
	refused []any
	retry   *time.Timer
}

// lives is what an entity and those whose places it took after a panic have in common.
type lives struct {
	calls int       // Bot API calls under way
	lost  time.Time // when a queue was lost
}

// retryRefused is the timer that takes refused messages up again.
type retryRefused struct{}

// retryAfterTrouble is how long a message from inside waits when storage refused it; so many wait at most.
const (
	retryAfterTrouble = time.Second
	refusedAtMost     = 10_000
)

func (h *host) Receive(ctx actor.Context) {
	h.actor = ctx
	switch m := ctx.Message().(type) {
	case *actor.Started:
		h.self, h.parent = ctx.Self(), ctx.Parent()
	case *actor.Stopping:
		h.end()
	case *actor.Restarting:
		h.end()
		h.note(&messages.Wake{}) // the next life goes on with what is owed, also when nobody asks it for anything
	case *actor.Stopped:
	case retire:
		ctx.Send(h.parent, retired{pid: h.self, willing: !h.gone && len(h.refused) == 0 && (!h.loaded || h.entity.idle()), must: h.gone})
	case barrier:
		ctx.Request(h.parent, barrier{})
	case fired:
		if _, known := h.timers[m.timer]; known {
			delete(h.timers, m.timer)
			h.turn(ctx, m.message)
		}
	case *actor.Terminated:
		if parent, ok := h.entity.(interface{ ended(*actor.PID) }); ok {
			parent.ended(m.Who)
		}
	case retryRefused:
		h.takeUp(ctx)
	default:
		h.turn(ctx, m)
	}
}

// end stops what would outlive the entity.
func (h *host) end() {
	h.stopTimers()
	if h.retry != nil {
		h.retry.Stop()
	}
	if c, ok := h.entity.(interface{ stop() }); ok {
		c.stop()
	}
}

// refuse keeps a message from inside for later.
func (h *host) refuse(m any) {
	if len(h.refused) >= refusedAtMost {
		h.log.Error("a message is dropped: too many wait for storage; its owner says it again", "message", typeName(m))
		return
	}
	h.refused = append(h.refused, m)
	if len(h.refused) == 1 {
		h.retryLater()
	}
}

func (h *host) retryLater() {
	h.retry = h.system.timer(retryAfterTrouble, func() { h.note(retryRefused{}) })
}

// takeUp handles the refused messages in their order, up to the first that is refused again.
func (h *host) takeUp(ctx actor.Context) {
	waiting := h.refused
	h.refused = nil
	for i, m := range waiting {
		h.turn(ctx, m)
		if len(h.refused) > 0 { // m again; the others stay behind it
			h.refused = append(h.refused, waiting[i+1:]...)
			return
		}
	}
}

// turn handles one message and answers it exactly once.
func (h *host) turn(ctx actor.Context, m any) {
	sender := ctx.Sender()
	reply := func(answer proto.Message) {
		if sender != nil && answer != nil {
			ctx.Send(sender, answer)
		}
	}
	defer func() {
		if r := recover(); r != nil {
			h.log.Error("panic in an entity; it restarts from storage", "message", typeName(m), "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
			reply(answered(messages.Code_INTERNAL, "a fault in the service"))
			panic(r) // supervision restarts the entity
		}
	}()
	if h.gone {
		reply(answered(messages.Code_NOT_OWNER, ""))
		return
	}
	if sender == nil && len(h.refused) > 0 {
		h.refuse(m)
		return
	}
	answer, err := h.handle(m)
	if err == nil {
		reply(answer)
		return
	}
	if h.gone {
		reply(answered(messages.Code_NOT_OWNER, ""))
		return
	}
	level := slog.LevelError
	if h.ctx.Err() != nil {
		level = slog.LevelDebug // stopping: what is owed is resumed at the next start
	}
	h.log.Log(h.ctx, level, "not accepted", "message", typeName(m), "error", err)
	h.system.metrics.refused.WithLabelValues(h.key.kind).Inc()
	passes := errors.Is(err, storage.ErrUnavailable) || errors.Is(err, storage.ErrConflict) || h.ctx.Err() != nil
	switch {
	case sender == nil && passes:
		h.refuse(m)
	case sender != nil && passes:
		reply(answered(messages.Code_UNAVAILABLE, err.Error()))
	default: // a bug, which would meet us each time
		reply(answered(messages.Code_INTERNAL, err.Error()))
	}
}

// handle loads the entity when needed, and once more when someone else wrote its record meanwhile.
func (h *host) handle(m any) (proto.Message, error) {
	for try := 0; ; try++ {
		if !h.loaded {
			if err := h.start(); err != nil {
				return nil, err
			}
		}
		if err := h.own(m); err != nil {
			return nil, err
		}
		answer, err := h.entity.receive(m)
		if err == nil || !errors.Is(err, storage.ErrConflict) || try == 2 {
			return answer, err
		}
		if err := h.fence(); err != nil {
			return nil, err
		}
	}
}

// start takes an epoch, loads and resumes. What does not exist takes none: anybody can make up an id, and a lease is for ever.
func (h *host) start() error {
	if _, waits := h.entity.(interface{ unborn() bool }); !waits {
		if err := h.takeEpoch(); err != nil {
			return err
		}
	}
	return h.reload() // which takes one after it has read
}

// own takes the epoch of an entity that made its record since it was started: nothing fences off that write but the record
// itself, so whoever waits for it need not wait for a lease too. It is taken before anything else is done with the record. Of two
// activations that met in that write, the one that takes its lease last stays.
func (h *host) own(m any) error {
	if _, asks := m.(*messages.GetTicket); asks || h.epoch != 0 || h.unmade() {
		return nil
	}
	return h.takeEpoch()
}

// unmade says whether the entity is one that takes no lease before it has a record, and has none.
func (h *host) unmade() bool {
	e, waits := h.entity.(interface{ unborn() bool })
	return waits && e.unborn()
}

// takeEpoch fences off former activations.
func (h *host) takeEpoch() error {
	epoch, err := h.store.TakeLease(h.ctx, h.key.String(), h.system.owner, h.now())
	if err != nil {
		return fmt.Errorf("take the lease: %w", err)
	}
	h.epoch = epoch
	return nil
}

func (h *host) reload() error {
	if err := h.read(); err != nil {
		return err
	}
	// Who wrote the record since it was read makes the first write conflict, and it is read again.
	if h.epoch == 0 && !h.unmade() {
		if err := h.takeEpoch(); err != nil {
			return err
		}
	}
	return h.goOn()
}

func (h *host) read() error {
	h.loaded = false
	h.stopTimers()
	if err := h.entity.load(); err != nil {
		return fmt.Errorf("load: %w", err)
	}
	return nil
}

func (h *host) goOn() error {
	if err := h.entity.resume(); err != nil {
		return fmt.Errorf("resume: %w", err)
	}
	h.loaded = true
	return nil
}

// fence is called after a conflict: an activation whose epoch is not the newest leaves, the newest reads again and goes on.
func (h *host) fence() error {
	lease, err := h.store.Lease(h.ctx, h.key.String())
	if err != nil && !errors.Is(err, storage.ErrNotFound) { // an entity that was not born has none
		return fmt.Errorf("read the lease: %w", err)
	}
	if lease.Epoch != h.epoch {
		h.log.Warn("fenced off: a newer activation owns this entity", "epoch", h.epoch, "newest", lease.Epoch)
		h.gone = true
		h.system.system.Root.Send(h.parent, retired{pid: h.self, must: true})
		return storage.ErrConflict
	}
	return h.reload()
}

// after sends a message to the entity itself after d. A timer from before a load never fires.
func (h *host) after(d time.Duration, m any) {
	if h.timers == nil {
		h.timers = map[int64]*time.Timer{}
	}
	h.timer++
	f := fired{h.timer, m}
	h.timers[f.timer] = h.system.timer(d, func() { h.note(f) })
}

// fired is a timer's message; it counts only while the timer is still known.
type fired struct {
	timer   int64
	message any
}

func (h *host) stopTimers() {
	for _, t := range h.timers {
		t.Stop()
	}
	h.timers = nil
}

// note sends a message to the entity itself, from any goroutine.
func (h *host) note(m any) { h.system.system.Root.Send(h.self, m) }

func (h *host) tell(kind, identity string, m proto.Message) { h.system.Tell(kind, identity, m) }

// offer gives an operation to the chat through which it goes.
func (h *host) offer(op *messages.Operation) {
	h.tell(KindChat, op.Place, &messages.Send{Operation: op, OwnerKind: h.key.kind, OwnerId: h.key.identity})
}

func ok() *messages.Reply        { return &messages.Reply{Code: messages.Code_OK} }
func duplicate() *messages.Reply { return &messages.Reply{Code: messages.Code_DUPLICATE} }
func answered(code messages.Code, reason string) *messages.Reply {
	return &messages.Reply{Code: code, Reason: reason}
}

func typeName(m any) string { return fmt.Sprintf("%T", m) }
