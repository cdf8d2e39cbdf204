package entity

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/tracing"
)

// Host is the actor that runs one entity. It passes on one message at a time, replies once to each command, and keeps
// the entity's epoch (epoch.go) and timers (timers.go).
//
// It takes every message that its kind declares. It stops when its shard retires it, or when it is fenced. After a
// panic the shard's supervision restarts it, from storage.
type Host struct {
	*Env
	ID  string       // the entity's identity, unique within its kind
	Log *slog.Logger // names the entity, and the trace of the turn
	// Ctx is that of the node, with the trace of the turn. What runs beside the turns takes Env.Ctx, or Beside.
	Ctx context.Context
	// Lasting is what Kind.Lasting made. An entity that restarts after a panic finds it again.
	Lasting any
	// Moved says that the entity was on another node a moment ago. What others had sent to it there may be lost.
	Moved bool

	entity Entity
	kind   *Kind
	node   *Node

	actor  actor.Context    // of the current turn
	traced tracing.Changing // Ctx, whose mark is that of what the entity is doing
	span   *tracing.Span    // of the current turn
	self   *actor.PID
	parent *actor.PID

	epoch  int64               // 0: none is taken yet
	lease  *messages.NodeLease // what the node tells of it; nil: nothing
	loaded bool
	left   *atomic.Bool // the shard goes to another node; true for the activations after a panic, too
	told   bool         // that nothing is in flight any more
	fenced bool         // a newer epoch exists: replies NOT_OWNER to everything
	ended  atomic.Bool
	stale  bool // storage may have made a write of which the entity knows nothing
	wakes  bool // the entity wakes itself because of that

	timers       []timer
	timer        int64 // number of the newest timer
	enqueueAgain bool  // the timer of EnqueueAgainLater runs

	// refused holds messages from inside the node that storage refused, in the order of their arrival. While it holds
	// any, later messages from inside are added to it, so that their order is kept.
	refused []any
	retry   *time.Timer
}

// retryRefused is the message of the timer that handles refused messages again.
type retryRefused struct{}

const (
	// RetryAfterTrouble is the pause before a message from inside that storage refused is handled again.
	RetryAfterTrouble = time.Second
	// refusedAtMost is how many refused messages an entity keeps.
	refusedAtMost = 10_000
)

// hostProps makes the actor of an entity.
func hostProps(n *Node, kind *Kind, identity string, moved bool) *actor.Props {
	var lasting any
	if kind.Lasting != nil {
		lasting = kind.Lasting()
	}
	options := []actor.PropsOption{
		actor.WithDispatcher(n.dispatcher),
		actor.WithMailbox(n.mailbox),
	}
	if kind.supervisor != nil {
		options = append(options, actor.WithSupervisor(kind.supervisor))
	}
	log, left := slog.New(named{n.env.Log.Handler(), kind.Name, identity}), &atomic.Bool{}
	return actor.PropsFromProducer(func() actor.Actor {
		h := &Host{Env: n.env, kind: kind, ID: identity, Log: log, Lasting: lasting, Moved: moved, node: n, left: left}
		h.beginTracing()
		h.entity = kind.New(h)
		return h
	}, options...)
}

// Receive implements actor.Actor.
func (h *Host) Receive(ctx actor.Context) {
	h.actor = ctx
	switch m := ctx.Message().(type) {
	case *actor.Started:
		h.self, h.parent = ctx.Self(), ctx.Parent()
	case *actor.Stopping:
		h.ended.Store(true)
		pending := h.loaded && !h.entity.Idle() // as long as the entity knows: its Stop drops what is in memory
		h.end()
		if pending {
			h.handOver()
		}
	case *actor.Restarting:
		h.end()
		h.Note(&messages.Wake{}) // so that what is pending goes on even if nobody sends this entity anything
	case *actor.Stopped:
	case retire:
		ctx.Send(h.parent, retired{pid: h.self, willing: h.mayRetire(), must: h.fenced})
	case barrier:
		ctx.Request(h.parent, barrier{})
	case fired:
		h.onFired(m)
	case enqueueAgain:
		if h.enqueueAgain {
			h.turn(ctx, EnqueueAgain{})
		}
	case *actor.Terminated:
		forgetEnded(ctx)
		if parent, ok := h.entity.(Parent); ok {
			parent.ChildEnded(m.Who)
		}
	case retryRefused:
		h.onRetryRefused(ctx)
	case finish:
		h.onFinish()
	case Traced:
		h.onTraced(ctx, m)
	default:
		h.turn(ctx, m)
	}
	if h.left.Load() {
		h.tellFinished()
	}
}

// onFinish has the entity begin nothing new.
func (h *Host) onFinish() {
	h.left.Store(true)
	if f, ok := h.entity.(Finisher); ok && h.loaded && !h.fenced {
		if err := f.Finish(); err != nil {
			h.Log.Warn("what is in flight may be done again on the node that has the entity now", "error", err)
		}
	}
}

// tellFinished tells the shard once when nothing is in flight any more.
func (h *Host) tellFinished() {
	if h.told || h.self == nil {
		return
	}
	if f, ok := h.entity.(Finisher); !ok || h.fenced || f.Finished() {
		h.told = true
		h.node.system.Root.Send(h.parent, finished{h.self})
	}
}

// HandsOver says whether the entity goes to another node in peace.
func (h *Host) HandsOver() bool { return h.left.Load() }

// Draining is that of the node. It is also true while the entity goes to another node.
func (h *Host) Draining() bool { return h.left.Load() || h.Env.Draining() }

// mayRetire says whether the entity loses nothing if it leaves now.
func (h *Host) mayRetire() bool {
	return !h.fenced && len(h.refused) == 0 && (!h.loaded || h.entity.Idle())
}

// handOver wakes the entity on the node that has its shard now, since something is pending. After a fence that is later: the
// newer activation goes on, unless it has left again.
func (h *Host) handOver() {
	wake := &messages.Wake{}
	if _, wakes := h.kind.handlers[reflect.TypeOf(wake)]; !wakes || !h.Clustered() || h.Env.Draining() {
		return
	}
	tell := func() { h.Env.Tell(h.kind.Name, h.ID, wake) }
	if h.fenced {
		h.AfterFunc(SettleAfter, tell)
	} else {
		tell()
	}
}

// end stops what would outlive the entity.
func (h *Host) end() {
	h.dropLease()
	h.stopTimers()
	if h.retry != nil {
		h.retry.Stop()
	}
	if c, ok := h.entity.(Stopper); ok {
		c.Stop()
	}
}

// turn handles one message and replies to it exactly once.
func (h *Host) turn(ctx actor.Context, m any) {
	sender := ctx.Sender()
	respond := func(reply proto.Message) {
		if sender != nil && reply != nil {
			ctx.Send(sender, h.node.outbound(sender, reply))
		}
	}
	defer func() {
		if r := recover(); r != nil {
			h.Log.Error("panic in an entity; it restarts from storage",
				"message", TypeName(m), "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
			h.span.Fail("panic")
			respond(Answer(messages.Code_INTERNAL, "a fault in the service"))
			panic(r) // supervision restarts the entity
		}
	}()
	if h.fenced {
		if sender == nil {
			h.passOn(m)
		}
		respond(Answer(messages.Code_NOT_OWNER, ""))
		return
	}
	if sender == nil && len(h.refused) > 0 {
		h.refuse(m)
		return
	}
	handler, known := h.kind.handlers[reflect.TypeOf(m)]
	if !known || sender != nil && !handler.replies {
		respond(h.RefuseUnknown(h.kind.Name, h.ID, m))
		return
	}
	reply, err := h.handle(handler, m)
	if err != nil {
		h.span.Fail("not accepted")
		reply = h.onError(m, err, sender != nil)
	}
	respond(reply)
}

// handle loads the entity if needed and has it take the message. If somebody else wrote the record meanwhile, it
// reloads and tries again, at most twice.
func (h *Host) handle(handler Handler, m any) (proto.Message, error) {
	for try := 0; ; try++ {
		if err := h.begin(m); err != nil {
			return nil, err
		}
		reply, err := handler.handle(h.entity, m)
		if err == nil {
			err = h.confirm(handler, reply)
		}
		if err == nil || !errors.Is(err, storage.ErrConflict) || try == 2 {
			return reply, err
		}
		if err := h.fence(err); err != nil {
			return nil, err
		}
	}
}

// onError decides about a message that was not accepted. If the trouble may pass, whoever asks is told UNAVAILABLE
// and asks again later; a message that nobody waits for is kept and handled again. Any other error is a bug, which
// would come back each time.
func (h *Host) onError(m any, err error, asked bool) proto.Message {
	if h.fenced {
		if !asked {
			h.passOn(m)
		}
		return Answer(messages.Code_NOT_OWNER, "")
	}
	stopping := h.Ctx.Err() != nil
	level := slog.LevelError
	if stopping {
		level = slog.LevelDebug // what is pending is resumed at the next start
	}
	h.Log.Log(h.Ctx, level, "not accepted", "message", TypeName(m), "error", err)
	h.Metrics.refused.WithLabelValues(h.kind.Name).Inc()
	passes := errors.Is(err, storage.ErrUnavailable) || errors.Is(err, storage.ErrConflict) || stopping
	switch {
	case passes && !asked:
		h.refuse(m)
		return nil
	case passes:
		h.wakeIfStale()
		return Answer(messages.Code_UNAVAILABLE, err.Error())
	}
	return Answer(messages.Code_INTERNAL, err.Error())
}

// refuse keeps a message from inside for later.
func (h *Host) refuse(m any) {
	if len(h.refused) >= refusedAtMost {
		h.Log.Error("a message is dropped: too many wait for storage; its owner sends it again", "message", TypeName(m))
		return
	}
	h.refused = append(h.refused, withMark(m, h.traced.Mark()))
	if len(h.refused) == 1 {
		h.retry = h.AfterFunc(RetryAfterTrouble, func() { h.Note(retryRefused{}) })
	}
}

// onRetryRefused handles the refused messages in order, up to the first that is refused again.
func (h *Host) onRetryRefused(ctx actor.Context) {
	waiting := h.refused
	h.refused = nil
	for i, m := range waiting {
		if t, is := m.(Traced); is {
			h.onTraced(ctx, t)
		} else {
			h.turn(ctx, m)
		}
		if len(h.refused) > 0 { // m itself; the others stay in line after it
			h.refused = append(h.refused, waiting[i+1:]...)
			return
		}
	}
}

// Spawn starts a child. Call it in the entity's own turn only.
func (h *Host) Spawn(producer actor.Producer) *actor.PID {
	return h.actor.Spawn(actor.PropsFromProducer(producer, actor.WithDispatcher(h.node.dispatcher)))
}

// Note sends a message to the entity itself. Any goroutine may call it.
func (h *Host) Note(m any) { h.node.system.Root.Send(h.self, m) }

// Ended says that the entity hears no more notes. Any goroutine may call it.
func (h *Host) Ended() bool { return h.ended.Load() }

// Send sends a message to a child.
func (h *Host) Send(child *actor.PID, m any) { h.node.system.Root.Send(child, m) }

// Go runs f beside the entity, without waiting. f reports by Note; it recovers from its own panics, since nobody
// supervises it.
func (h *Host) Go(f func()) { h.node.dispatcher.Schedule(f) }

// Enqueue gives an operation to its chat, as the entity's own.
func (h *Host) Enqueue(op *messages.Operation) { h.EnqueueAfter(op, nil) }

// EnqueueAfter is Enqueue for an operation that may not overtake another one of the entity's, whatever is lost on the way: a
// chat that does not know that one takes neither, and tells the entity QueueLost. nil: it comes after none.
func (h *Host) EnqueueAfter(op *messages.Operation, after *messages.OperationVersion) {
	if !op.GetRef().Known() {
		h.Log.Error("an operation does not say what it is to its owner, so its outcome will be lost", "operation", op.GetId())
	}
	h.Tell(messages.KindChat, op.Place, &messages.Send{Operation: op, OwnerKind: h.kind.Name, OwnerId: h.ID, After: after})
}

// TypeName is the Go type of a message, for logs and refusals.
func TypeName(m any) string { return fmt.Sprintf("%T", m) }
