package entity

import (
	"fmt"
	"reflect"

	"github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
)

// Entity is what one kind does; Host does what all kinds share. Its methods run in the entity's own turns, one at a
// time.
//
// A kind may also implement Unborn, Versioned, Stopper, Finisher, Outlived and Parent.
type Entity interface {
	// Load reads what the entity owns. It is called before the first message, and again after a conflict.
	Load() error
	// Resume goes on with what is pending, after each load.
	Resume() error
	// Idle says that nothing is pending or in progress.
	Idle() bool
}

// Unborn is implemented by an entity whose record may not exist yet. Until it exists the entity takes no lease, since
// anybody can make up an id, and a lease stays forever.
type Unborn interface{ Unborn() bool }

// Stopper is implemented by an entity that has something to end when it stops or restarts.
type Stopper interface{ Stop() }

// Finisher is implemented by an entity that has something in flight which another activation would do again. Finish is called
// when its shard goes to another node: from then on Draining is true, and nothing new may begin. Finished says that nothing
// is in flight any more and what came of it is written. The shard does not wait for it for ever.
type Finisher interface {
	Finish() error
	Finished() bool
}

// Versioned is implemented by an entity that refuses commands on the ground of its record. Versions are that of the record
// that it has and the one of the record in storage; 0: there is none.
type Versioned interface {
	Versions() (known, stored int64, err error)
}

// Outlived is implemented by an entity that tells the newest activation what a note says that came after its own time.
type Outlived interface{ Outlived(note any) }

// Parent is implemented by an entity that has children. It is told when a child ends, for whatever reason.
type Parent interface{ ChildEnded(child *actor.PID) }

// Kind declares a kind of entity: all that a node must know of it. Each room declares its own.
type Kind struct {
	Name string // as in messages.KindTicket
	New  func(h *Host) Entity

	// Messages are the messages that the kind takes, one handler for each type. Anything else is refused.
	Messages []Handler

	// Children makes the supervision strategy of the children of all its entities; nil: they have none.
	Children func(e *Env) actor.SupervisorStrategy
	// Lasting makes what an entity keeps across restarts after a panic (Host.Lasting); nil: nothing.
	Lasting func() any
	// Stays says that an entity of this kind is never retired.
	Stays bool
	// Single says that the whole desk has one entity of this kind. A node tells which of them it has (Node.Status).
	Single bool

	handlers   map[reflect.Type]Handler
	supervisor actor.SupervisorStrategy // what Children made
}

// Handler takes one type of message. Replies, Takes and Reads make one.
type Handler struct {
	message reflect.Type
	replies bool
	reads   bool
	inserts bool
	settles bool
	handle  func(e Entity, m any) (proto.Message, error)
}

// confirmed says whether the entity must be the newest activation for what it has done, and for its reply.
func (h Handler) confirmed(reply proto.Message) bool {
	return (h.replies || h.settles) && !(h.inserts && codeOf(reply) == messages.Code_OK)
}

// codeOf is the code of a reply; unspecified: it has none.
func codeOf(reply proto.Message) messages.Code {
	if coded, ok := reply.(interface{ GetCode() messages.Code }); ok {
		return coded.GetCode()
	}
	return messages.Code_CODE_UNSPECIFIED
}

// Replies has f take the messages of type M and reply to each. An error means that nothing was accepted.
func Replies[E Entity, M any](f func(e E, m M) (proto.Message, error)) Handler {
	return RepliesTo(*new(M), func(e Entity, m any) (proto.Message, error) { return f(e.(E), m.(M)) })
}

// Takes has f take the messages of type M, which get no reply: an Ask for one is refused. An error means that nothing
// was accepted.
func Takes[E Entity, M any](f func(e E, m M) error) Handler {
	return Handler{message: reflect.TypeFor[M](), handle: func(e Entity, m any) (proto.Message, error) {
		return nil, f(e.(E), m.(M))
	}}
}

// Inserts is Replies for commands whose OK says only that a new record was inserted, which storage itself allows once. On a
// node of a cluster that spares them a look at the lease.
func Inserts[E Entity, M any](f func(e E, m M) (proto.Message, error)) Handler {
	h := Replies(f)
	h.inserts = true
	return h
}

// Settles is Takes for messages that come once, such as Done: what an older activation makes of one, a newer one that has
// read before would never hear of. So that one is given the message, too.
func Settles[E Entity, M any](f func(e E, m M) error) Handler {
	h := Takes(f)
	h.settles = true
	return h
}

// Reads is Replies for reads. A read makes no entity resident, keeps none resident, and takes no lease
// (docs/decisions.md, D40).
func Reads[E Entity, M any](f func(e E, m M) (proto.Message, error)) Handler {
	h := Replies(f)
	h.reads = true
	return h
}

// RepliesTo is Replies for a type that is known only at run time, given by an example, which may be a nil pointer. It
// is for kinds that have tables of their own.
func RepliesTo(example any, f func(e Entity, m any) (proto.Message, error)) Handler {
	return Handler{message: reflect.TypeOf(example), replies: true, handle: f}
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

// reads says whether a message is a read.
func (k *Kind) reads(m any) bool { return k.handlers[reflect.TypeOf(m)].reads }
