package entity

import (
	"fmt"
	"reflect"

	"github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/proto"
)

// Entity is what one kind does; Host does what all kinds share. Its methods run in the entity's own turns, one after the other.
//
// A kind may also implement Unborn, Stopper and Parent.
type Entity interface {
	// Load reads what the entity owns; it is called before the first message and after a conflict.
	Load() error
	// Resume goes on with what is owed, after a load.
	Resume() error
	// Idle says that nothing is owed or under way.
	Idle() bool
}

// Unborn is implemented by an entity whose record need not exist: while it does not, the entity takes no lease. Anybody can make
// up an id, and a lease is for ever.
type Unborn interface{ Unborn() bool }

// Stopper is implemented by an entity that has something to end when it stops or restarts.
type Stopper interface{ Stop() }

// Parent is implemented by an entity with children; it hears of the end of each, whichever way it came.
type Parent interface{ ChildEnded(child *actor.PID) }

// Kind declares one kind of entity: all that a node must know of it. Each room declares its own.
type Kind struct {
	Name string // as in messages.KindTicket
	New  func(h *Host) Entity

	// Messages are those that the kind takes, one handler for each type. Anything else is refused.
	Messages []Handler

	// Children is how children that fail are treated; nil: the kind has none.
	Children func(e *Env) actor.SupervisorStrategy
	// Lasting makes what an entity and those that take its place after a panic have in common (Host.Lasting); nil: nothing.
	Lasting func() any
	// Stays says that an entity of this kind is never retired.
	Stays bool

	handlers map[reflect.Type]Handler
}

// Handler takes one type of message. Replies, Takes and Reads make one.
type Handler struct {
	message reflect.Type
	reads   bool
	handle  func(e Entity, m any) (proto.Message, error)
}

// Replies has f take the messages of type M, and answer each of them once. An error means that nothing was accepted.
func Replies[E Entity, M any](f func(e E, m M) (proto.Message, error)) Handler {
	return Handler{message: reflect.TypeFor[M](), handle: func(e Entity, m any) (proto.Message, error) { return f(e.(E), m.(M)) }}
}

// Takes has f take the messages of type M, to which nobody waits for an answer. An error means that nothing was accepted.
func Takes[E Entity, M any](f func(e E, m M) error) Handler {
	return Handler{message: reflect.TypeFor[M](), handle: func(e Entity, m any) (proto.Message, error) { return nil, f(e.(E), m.(M)) }}
}

// Reads is Replies for messages that only look at the entity: they make none resident, keep none so, and cost no lease.
func Reads[E Entity, M any](f func(e E, m M) (proto.Message, error)) Handler {
	h := Replies(f)
	h.reads = true
	return h
}

// RepliesTo is Replies for the type of an example, which may be a nil pointer: for kinds with tables of their own.
func RepliesTo(example any, f func(e Entity, m any) (proto.Message, error)) Handler {
	return Handler{message: reflect.TypeOf(example), handle: f}
}

// ready checks a declaration and prepares its table of handlers.
func (k *Kind) ready() error {
	k.handlers = make(map[reflect.Type]Handler, len(k.Messages))
	for _, h := range k.Messages {
		if _, twice := k.handlers[h.message]; twice {
			return fmt.Errorf("actors: a %s takes %s twice", k.Name, h.message)
		}
		k.handlers[h.message] = h
	}
	return nil
}

// reads says whether a message only looks at the entity.
func (k *Kind) reads(m any) bool { return k.handlers[reflect.TypeOf(m)].reads }
