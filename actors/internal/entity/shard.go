package entity

import (
	"container/list"
	"maps"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/tracing"
)

// shard is the parent of the entities whose (kind, identity) hash to its number. It starts, supervises and retires
// them.
//
// It takes envelopes, ticks and barriers. It passes an envelope's message to its entity, which it starts if it is not
// resident; the entity replies to the sender itself. The shard replies only to a shardBarrier, and to reads of entities
// that are not resident. It stops with the node.
//
// In a cluster it also takes the mail of other nodes. It looks at each message whether this node has the shard still; if
// not it says so, passes on what nobody waits for, and stops (guard). How it hands over is in move.go.
//
// Retirement loses no message. The shard asks the entity to retire and stashes what arrives until the entity has
// decided. It delivers the stash to the entity if that stays, else to the entity's next activation.
type shard struct {
	node     *Node
	number   int       // in a cluster
	began    time.Time // when it came to this node, in a cluster
	waits    bool      // until its former owner has let go of it
	held     []stashed // envelopes that wait for that
	leaving  bool      // another node has it
	ending   bool
	ended    bool            // its entities are told to stop: none begins any more
	toFinish map[string]bool // entities with something in flight, by PID, while it leaves
	resident map[entityKey]*resident
	byPID    map[string]*resident
	fenced   map[entityKey]time.Time // when another node had an entity, too
	used     *list.List              // of *resident, least recently used first
	barriers []*actor.PID            // who waits until every entity has passed a barrier
	toPass   int                     // entities that have yet to pass it
}

type entityKey struct{ kind, identity string }

func (k entityKey) String() string { return k.kind + "/" + k.identity }

// resident is an entity that is in memory.
type resident struct {
	key      entityKey
	kind     *Kind
	pid      *actor.PID
	lastUsed time.Time
	position *list.Element // in shard.used
	leaving  bool          // asked to retire, or stopping
	barred   bool          // has yet to pass a barrier
	stash    []stashed
}

// stashed is a message that arrived while its entity was leaving.
type stashed struct {
	message any
	sender  *actor.PID
}

// envelope carries a message to its entity, by way of the shard.
type envelope struct {
	kind, identity string
	message        proto.Message
	forwarded      bool // by a node that does not have the shard
	mark           *tracing.Mark
}

// movedFor is how long after a move it may matter that messages were lost: longer than others take to notice it.
const movedFor = 10 * time.Second

type (
	// enqueueAgain has all entities enqueue what is not done, since what they sent may be lost.
	enqueueAgain struct{}
	// tick has the shard retire idle entities.
	tick struct{}
	// shardBarrier asks the shard for a barrier, once all entities have handled what is in their mailboxes.
	shardBarrier struct{}
	// barrier goes through an entity's mailbox and back to the shard.
	barrier struct{}
	// retire asks an entity to leave if nothing is pending.
	retire struct{}
	// retired is an entity's decision: willing to leave now, or fenced, so that it must leave.
	retired struct {
		pid           *actor.PID
		willing, must bool
	}
)

func newShard(n *Node) *shard {
	return &shard{node: n, resident: map[entityKey]*resident{}, byPID: map[string]*resident{}, used: list.New(),
		fenced: map[entityKey]time.Time{}, toFinish: map[string]bool{}}
}

// entitySupervision restarts an entity that panicked; a restarted entity begins from storage. After 10 restarts in a
// minute it stops the entity instead, and the next message starts a new activation.
func entitySupervision(e *Env) actor.SupervisorStrategy {
	return actor.NewOneForOneStrategy(10, time.Minute, func(reason any) actor.Directive {
		e.Metrics.Panics.Inc()
		return actor.RestartDirective
	})
}

func (h *shard) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case envelope:
		h.onEnvelope(ctx, m)
	case *messages.Mail:
		h.onMail(ctx, m)
	case enqueueAgain:
		h.onEnqueueAgain(ctx)
	case letGo:
		h.onLetGo(ctx)
	case poisoned:
		h.onPoisoned(ctx)
	case finished:
		delete(h.toFinish, m.pid.Id)
		h.endIfFinished(ctx)
	case handedOver:
		h.end(ctx)
	case end:
		ctx.Stop(ctx.Self())
	case retired:
		h.onRetired(ctx, m)
	case *actor.Terminated:
		h.onTerminated(ctx, m)
	case tick:
		h.onTick(ctx)
	case shardBarrier:
		h.onBarrier(ctx)
	case barrier:
		h.onPassed(ctx, ctx.Sender())
	case *actor.Started:
		h.onStarted(ctx)
	case *actor.Stopped:
		if h.node.placement != nil {
			h.node.gone(ctx.Self(), h.number)
		}
	case *actor.Restarting: // after a panic; the next one starts as the first did
		h.ended = true
		if h.node.placement != nil {
			for _, s := range h.held {
				h.refuse(ctx, s.message.(envelope), s.sender)
			}
			h.node.gone(ctx.Self(), h.number)
		}
	case *actor.Stopping:
		h.ended = true
	default:
		if h.node.placement != nil {
			return // the cluster's own
		}
		h.node.env.Log.Error("shard: unknown message", "type", TypeName(m))
	}
}

func (h *shard) onStarted(ctx actor.Context) {
	if h.node.placement != nil {
		h.number, h.began = h.node.placement.Number(ctx), time.Now()
		h.node.arrived(ctx.Self(), h.number)
		self := ctx.Self()
		h.waits = h.node.awaitLetGo(h.number, func() { h.node.system.Root.Send(self, letGo{}) })
	}
}

// onMail takes what another node sends.
func (h *shard) onMail(ctx actor.Context, mail *messages.Mail) {
	m, err := open(mail)
	if err == nil {
		h.onEnvelope(ctx, envelope{mail.Kind, mail.Identity, m, mail.Forwarded, h.node.env.Tracer.Read(mail.Traceparent)})
		return
	}
	h.node.env.Log.Warn("mail that can't be read", "kind", mail.Kind, "id", mail.Identity, "error", err)
	if sender := ctx.Sender(); sender != nil {
		// Nothing was accepted: during an upgrade the next owner may know it.
		ctx.Send(sender, h.node.outbound(sender, Answer(messages.Code_UNAVAILABLE, err.Error())))
	}
}

func (h *shard) onEnvelope(ctx actor.Context, m envelope) {
	switch {
	case !h.guard(ctx, m):
	case h.waits && !h.readable(m):
		h.hold(ctx, m)
	default:
		h.take(ctx, m, ctx.Sender())
	}
}

// readable says whether a message only reads, so that it need not wait.
func (h *shard) readable(m envelope) bool {
	kind := h.node.kinds[m.kind]
	return kind != nil && kind.reads(m.message)
}

// take gives a message to its entity.
func (h *shard) take(ctx actor.Context, m envelope, sender *actor.PID) {
	key := entityKey{m.kind, m.identity}
	kind := h.node.kinds[m.kind]
	if kind == nil {
		refusal := h.node.env.RefuseUnknown(m.kind, m.identity, m.message)
		if sender != nil {
			ctx.Send(sender, h.node.outbound(sender, refusal))
		}
		return
	}
	r := h.resident[key]
	if kind.reads(m.message) {
		h.onRead(ctx, r, m, sender)
		return
	}
	if r == nil && h.ended {
		h.tooLate(ctx, sender)
		return
	}
	if r == nil {
		r = h.start(ctx, kind, m.identity)
	}
	r.lastUsed = h.node.env.Now()
	h.used.MoveToBack(r.position)
	if r.leaving {
		r.stash = append(r.stash, stashed{withMark(m.message, m.mark), sender})
		return
	}
	deliver(ctx, r.pid, withMark(m.message, m.mark), sender)
}

// tooLate answers what comes for an entity that has ended while the shard stops. Proto.Actor delivers messages to an actor until its
// last child has ended, and ends the children that it has when it is told to stop: one more would keep the shard from ever ending.
func (h *shard) tooLate(ctx actor.Context, sender *actor.PID) {
	if sender != nil {
		ctx.Send(sender, h.node.outbound(sender, Answer(messages.Code_UNAVAILABLE, "stopping")))
	}
}

// onRead passes a read on to an entity that is resident. Any other one is read from storage, by a reader; that goes for
// one that is leaving, too, since all that it has done is in storage.
func (h *shard) onRead(ctx actor.Context, r *resident, m envelope, sender *actor.PID) {
	if r != nil && !r.leaving {
		deliver(ctx, r.pid, withMark(m.message, m.mark), sender)
	} else if sender != nil {
		ctx.Send(sender, h.node.outbound(sender, Answer(messages.Code_NOT_RESIDENT, "")))
	}
}

// deliver passes a message on with its original sender, so that the reply goes to whoever asked.
func deliver(ctx actor.Context, to *actor.PID, message any, sender *actor.PID) {
	if sender == nil {
		ctx.Send(to, message)
		return
	}
	ctx.RequestWithCustomSender(to, message, sender)
}

func (h *shard) start(ctx actor.Context, kind *Kind, identity string) *resident {
	key := entityKey{kind.Name, identity}
	// A child's end reaches its parent without Watch.
	r := &resident{key: key, kind: kind, pid: ctx.Spawn(hostProps(h.node, kind, identity, h.moved(key)))}
	r.position = h.used.PushBack(r)
	h.resident[key], h.byPID[r.pid.Id] = r, r
	h.node.env.Metrics.entities.WithLabelValues(key.kind).Inc()
	h.node.entities.Add(1)
	if len(h.resident) > h.node.perShard {
		h.makeRoom(ctx)
	}
	return r
}

// makeRoom asks the least recently used entity that is not leaving to retire.
func (h *shard) makeRoom(ctx actor.Context) {
	for e := h.used.Front(); e != nil; e = e.Next() {
		r := e.Value.(*resident)
		if !r.leaving && !r.kind.Stays && e.Next() != nil {
			askToRetire(ctx, r)
			return
		}
	}
}

func askToRetire(ctx actor.Context, r *resident) {
	r.leaving = true
	ctx.Request(r.pid, retire{})
}

func (h *shard) onTick(ctx actor.Context) {
	maps.DeleteFunc(h.fenced, func(_ entityKey, at time.Time) bool { return time.Since(at) > movedFor })
	limit := h.node.env.Now().Add(-h.node.idle)
	over := len(h.resident) - h.node.perShard
	for e := h.used.Front(); e != nil; e = e.Next() {
		r := e.Value.(*resident)
		if r.leaving || r.kind.Stays {
			continue
		}
		if r.lastUsed.After(limit) && over <= 0 {
			return // the others were used later
		}
		over--
		askToRetire(ctx, r)
	}
}

func (h *shard) onRetired(ctx actor.Context, m retired) {
	r := h.byPID[m.pid.Id]
	if r == nil {
		return
	}
	switch {
	case m.must:
		r.leaving = true
		h.fenced[r.key] = time.Now()
		ctx.Poison(r.pid) // it first replies NOT_OWNER to what is in its mailbox, so that nobody waits for a time-out
		return
	case m.willing:
		r.leaving = true
		ctx.Stop(r.pid) // its mailbox is empty: what came after retire is stashed here
		return
	}
	r.leaving = false
	r.lastUsed = h.node.env.Now() // ask again after another idle time
	h.used.MoveToBack(r.position)
	unstash(ctx, r.pid, r.stash)
	r.stash = nil
}

// unstash delivers stashed messages in the order in which they arrived.
func unstash(ctx actor.Context, to *actor.PID, stash []stashed) {
	for _, s := range stash {
		deliver(ctx, to, s.message, s.sender)
	}
}

func (h *shard) onTerminated(ctx actor.Context, m *actor.Terminated) {
	forgetEnded(ctx)
	r := h.byPID[m.Who.Id]
	if r == nil {
		return
	}
	delete(h.resident, r.key)
	delete(h.byPID, m.Who.Id)
	h.used.Remove(r.position)
	h.node.env.Metrics.entities.WithLabelValues(r.key.kind).Dec()
	h.node.entities.Add(-1)
	if r.barred {
		h.onPassed(ctx, m.Who) // it can pass no barrier any more
	}
	if delete(h.toFinish, m.Who.Id); h.leaving {
		for _, s := range r.stash {
			if message, mark := Unmarked(s.message); message != nil {
				h.refuse(ctx, envelope{kind: r.key.kind, identity: r.key.identity, message: message, mark: mark}, s.sender)
			}
		}
		h.endIfFinished(ctx)
		return
	}
	if h.ended {
		for _, s := range r.stash {
			h.tooLate(ctx, s.sender)
		}
		return
	}
	if len(r.stash) == 0 {
		return
	}
	next := h.start(ctx, r.kind, r.key.identity)
	next.lastUsed = h.node.env.Now()
	unstash(ctx, next.pid, r.stash)
}

func (h *shard) onBarrier(ctx actor.Context) {
	h.barriers = append(h.barriers, ctx.Sender())
	h.toPass = 0
	for _, r := range h.resident {
		if !r.leaving {
			h.toPass++
			r.barred = true
			ctx.Request(r.pid, barrier{})
		}
	}
	h.replyToBarriers(ctx)
}

// onPassed notes that an entity has passed a barrier.
func (h *shard) onPassed(ctx actor.Context, pid *actor.PID) {
	if r := h.byPID[pid.Id]; r != nil {
		r.barred = false
	}
	h.toPass--
	h.replyToBarriers(ctx)
}

func (h *shard) replyToBarriers(ctx actor.Context) {
	if h.toPass > 0 {
		return
	}
	for _, pid := range h.barriers {
		ctx.Send(pid, barrier{})
	}
	h.barriers, h.toPass = nil, 0
}
