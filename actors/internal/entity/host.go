package entity

import (
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"runtime/debug"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// entityProps makes the actor of an entity.
func entityProps(n *Node, kind *Kind, identity string) *actor.Props {
	var lasting any
	if kind.Lasting != nil {
		lasting = kind.Lasting()
	}
	options := []actor.PropsOption{actor.WithDispatcher(n.dispatcher), actor.WithMailbox(actor.Unbounded(depth{n.env.Metrics.mailbox}))}
	if kind.Children != nil {
		options = append(options, actor.WithSupervisor(kind.Children(n.env)))
	}
	return actor.PropsFromProducer(func() actor.Actor {
		h := &Host{Env: n.env, kind: kind, ID: identity, Log: n.env.Log.With(kind.Name, identity), Lasting: lasting, node: n}
		h.entity = kind.New(h)
		return h
	}, options...)
}

// depth counts the messages that wait in mailboxes.
type depth struct{ gauge prometheus.Gauge }

func (d depth) MailboxStarted()     {}
func (d depth) MessagePosted(any)   { d.gauge.Inc() }
func (d depth) MessageReceived(any) { d.gauge.Dec() }
func (d depth) MailboxEmpty()       {}

// Host carries one entity: its turns, its epoch, its timers, and the one reply to each command.
type Host struct {
	*Env
	ID  string       // of the entity, among those of its kind
	Log *slog.Logger // names the entity
	// Lasting is what Kind.Lasting made: the same for an entity and those that take its place after a panic.
	Lasting any

	entity Entity
	kind   *Kind
	node   *Node

	actor    actor.Context // of the turn under way
	self     *actor.PID
	parent   *actor.PID
	epoch    int64
	loaded   bool
	timers   map[int64]*time.Timer
	timer    int64 // number of the newest timer
	offering bool  // the timer of OfferAgainLater runs
	gone     bool  // fenced off: answers only "not owner"

	// refused are messages from inside that storage trouble kept from being handled, in the order of their arrival. While
	// there are any, what comes from inside waits behind them.
	refused []any
	retry   *time.Timer
}

// retryRefused is the timer that takes refused messages up again.
type retryRefused struct{}

// RetryAfterTrouble is how long a message from inside waits when storage refused it; so many wait at most.
const (
	RetryAfterTrouble = time.Second
	refusedAtMost     = 10_000
)

func (h *Host) Receive(ctx actor.Context) {
	h.actor = ctx
	switch m := ctx.Message().(type) {
	case *actor.Started:
		h.self, h.parent = ctx.Self(), ctx.Parent()
	case *actor.Stopping:
		h.end()
	case *actor.Restarting:
		h.end()
		h.Note(&messages.Wake{}) // the next life goes on with what is owed, also when nobody asks it for anything
	case *actor.Stopped:
	case retire:
		ctx.Send(h.parent, retired{pid: h.self, willing: !h.gone && len(h.refused) == 0 && (!h.loaded || h.entity.Idle()), must: h.gone})
	case barrier:
		ctx.Request(h.parent, barrier{})
	case fired:
		if _, known := h.timers[m.timer]; known {
			delete(h.timers, m.timer)
			if _, again := m.message.(OfferAgain); again {
				h.offering = false
			}
			h.turn(ctx, m.message)
		}
	case *actor.Terminated:
		if parent, ok := h.entity.(Parent); ok {
			parent.ChildEnded(m.Who)
		}
	case retryRefused:
		h.takeUp(ctx)
	default:
		h.turn(ctx, m)
	}
}

// end stops what would outlive the entity.
func (h *Host) end() {
	h.stopTimers()
	if h.retry != nil {
		h.retry.Stop()
	}
	if c, ok := h.entity.(Stopper); ok {
		c.Stop()
	}
}

// refuse keeps a message from inside for later.
func (h *Host) refuse(m any) {
	if len(h.refused) >= refusedAtMost {
		h.Log.Error("a message is dropped: too many wait for storage; its owner says it again", "message", TypeName(m))
		return
	}
	h.refused = append(h.refused, m)
	if len(h.refused) == 1 {
		h.retryLater()
	}
}

func (h *Host) retryLater() {
	h.retry = h.AfterFunc(RetryAfterTrouble, func() { h.Note(retryRefused{}) })
}

// takeUp handles the refused messages in their order, up to the first that is refused again.
func (h *Host) takeUp(ctx actor.Context) {
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
func (h *Host) turn(ctx actor.Context, m any) {
	sender := ctx.Sender()
	reply := func(answer proto.Message) {
		if sender != nil && answer != nil {
			ctx.Send(sender, answer)
		}
	}
	defer func() {
		if r := recover(); r != nil {
			h.Log.Error("panic in an entity; it restarts from storage", "message", TypeName(m), "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
			reply(Answer(messages.Code_INTERNAL, "a fault in the service"))
			panic(r) // supervision restarts the entity
		}
	}()
	if h.gone {
		reply(Answer(messages.Code_NOT_OWNER, ""))
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
		reply(Answer(messages.Code_NOT_OWNER, ""))
		return
	}
	level := slog.LevelError
	if h.Ctx.Err() != nil {
		level = slog.LevelDebug // stopping: what is owed is resumed at the next start
	}
	h.Log.Log(h.Ctx, level, "not accepted", "message", TypeName(m), "error", err)
	h.Metrics.refused.WithLabelValues(h.kind.Name).Inc()
	passes := errors.Is(err, storage.ErrUnavailable) || errors.Is(err, storage.ErrConflict) || h.Ctx.Err() != nil
	switch {
	case sender == nil && passes:
		h.refuse(m)
	case sender != nil && passes:
		reply(Answer(messages.Code_UNAVAILABLE, err.Error()))
	default: // a bug, which would meet us each time
		reply(Answer(messages.Code_INTERNAL, err.Error()))
	}
}

// handle loads the entity when needed, and once more when someone else wrote its record meanwhile.
func (h *Host) handle(m any) (proto.Message, error) {
	for try := 0; ; try++ {
		if !h.loaded {
			if err := h.start(); err != nil {
				return nil, err
			}
		}
		if err := h.own(m); err != nil {
			return nil, err
		}
		answer, err := h.receive(m)
		if err == nil || !errors.Is(err, storage.ErrConflict) || try == 2 {
			return answer, err
		}
		if err := h.fence(); err != nil {
			return nil, err
		}
	}
}

// start takes an epoch, loads and resumes. What does not exist takes none: anybody can make up an id, and a lease is for ever.
func (h *Host) start() error {
	if _, waits := h.entity.(Unborn); !waits {
		if err := h.takeEpoch(); err != nil {
			return err
		}
	}
	return h.Reload() // which takes one after it has read
}

// own takes the epoch of an entity that made its record since it was started: nothing fences off that write but the record
// itself, so whoever waits for it need not wait for a lease too. It is taken before anything else is done with the record. Of two
// activations that met in that write, the one that takes its lease last stays.
func (h *Host) own(m any) error {
	if h.epoch != 0 || h.kind.reads(m) || h.unmade() {
		return nil
	}
	return h.takeEpoch()
}

// unmade says whether the entity is one that takes no lease before it has a record, and has none.
func (h *Host) unmade() bool {
	e, waits := h.entity.(Unborn)
	return waits && e.Unborn()
}

// receive has the kind's handler take the message.
func (h *Host) receive(m any) (proto.Message, error) {
	handler, known := h.kind.handlers[reflect.TypeOf(m)]
	if !known {
		return Answer(messages.Code_CONFLICT, "a "+h.kind.Name+" does not understand "+TypeName(m)), nil
	}
	return handler.handle(h.entity, m)
}

func (h *Host) leaseID() string { return entityKey{h.kind.Name, h.ID}.String() }

// takeEpoch fences off former activations.
func (h *Host) takeEpoch() error {
	epoch, err := h.Store.TakeLease(h.Ctx, h.leaseID(), h.Owner, h.Now())
	if err != nil {
		return fmt.Errorf("take the lease: %w", err)
	}
	h.epoch = epoch
	return nil
}

// Reload reads the entity anew and goes on with what is owed.
func (h *Host) Reload() error {
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

func (h *Host) read() error {
	h.loaded = false
	h.stopTimers()
	if err := h.entity.Load(); err != nil {
		return fmt.Errorf("load: %w", err)
	}
	return nil
}

func (h *Host) goOn() error {
	if err := h.entity.Resume(); err != nil {
		return fmt.Errorf("resume: %w", err)
	}
	h.loaded = true
	return nil
}

// fence is called after a conflict: an activation whose epoch is not the newest leaves, the newest reads again and goes on.
func (h *Host) fence() error {
	lease, err := h.Store.Lease(h.Ctx, h.leaseID())
	if err != nil && !errors.Is(err, storage.ErrNotFound) { // an entity that was not born has none
		return fmt.Errorf("read the lease: %w", err)
	}
	if lease.Epoch != h.epoch {
		h.Log.Warn("fenced off: a newer activation owns this entity", "epoch", h.epoch, "newest", lease.Epoch)
		h.gone = true
		h.node.system.Root.Send(h.parent, retired{pid: h.self, must: true})
		return storage.ErrConflict
	}
	return h.Reload()
}

// After sends a message to the entity itself after d. A timer from before a load never fires.
func (h *Host) After(d time.Duration, m any) {
	if h.timers == nil {
		h.timers = map[int64]*time.Timer{}
	}
	h.timer++
	f := fired{h.timer, m}
	h.timers[f.timer] = h.AfterFunc(d, func() { h.Note(f) })
}

// OfferAgain is the message of OfferAgainLater.
type OfferAgain struct{}

// OfferAgainAfter is how long an owner waits for Done before it offers an operation again.
const OfferAgainAfter = 30 * time.Second

// OfferAgainLater sends OfferAgain to the entity after OfferAgainAfter, once for all calls until then.
func (h *Host) OfferAgainLater() {
	if !h.offering {
		h.offering = true
		h.After(OfferAgainAfter, OfferAgain{})
	}
}

// fired is a timer's message; it counts only while the timer is still known.
type fired struct {
	timer   int64
	message any
}

func (h *Host) stopTimers() {
	for _, t := range h.timers {
		t.Stop()
	}
	h.timers, h.offering = nil, false
}

// Spawn starts a child. It is for the entity's own turns.
func (h *Host) Spawn(producer actor.Producer) *actor.PID {
	return h.actor.Spawn(actor.PropsFromProducer(producer, actor.WithDispatcher(h.node.dispatcher)))
}

// Note sends a message to the entity itself, from any goroutine.
func (h *Host) Note(m any) { h.node.system.Root.Send(h.self, m) }

// Offer gives an operation to the chat through which it goes.
func (h *Host) Offer(op *messages.Operation) {
	h.Tell(messages.KindChat, op.Place, &messages.Send{Operation: op, OwnerKind: h.kind.Name, OwnerId: h.ID})
}

func OK() *messages.Reply        { return &messages.Reply{Code: messages.Code_OK} }
func Duplicate() *messages.Reply { return &messages.Reply{Code: messages.Code_DUPLICATE} }
func Answer(code messages.Code, reason string) *messages.Reply {
	return &messages.Reply{Code: code, Reason: reason}
}

func TypeName(m any) string { return fmt.Sprintf("%T", m) }
