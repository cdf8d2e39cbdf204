package entity

import (
	"container/list"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
)

// shard is the room of the entities whose (kind, identity) hash to its number.
//
// Accepts  envelope (passed to its entity, which is started when it is not there), tick, shardBarrier
// Replies  nothing itself, but to shardBarrier: the entity answers whoever asked
// Stops    with the system
//
// Retiring loses no message: the shard asks the entity, holds back what arrives until it has answered, and starts it anew
// when something arrived meanwhile.
type shard struct {
	node     *Node
	resident map[entityKey]*resident
	byPID    map[string]*resident
	used     *list.List // of *resident, least recently used first
	waiting  []*actor.PID
	barriers int
}

type entityKey struct{ kind, identity string }

func (k entityKey) String() string { return k.kind + "/" + k.identity }

// resident is an entity that is in memory.
type resident struct {
	key      entityKey
	kind     *Kind
	pid      *actor.PID
	lastUsed time.Time
	place    *list.Element
	leaving  bool // asked to retire, or stopping
	barred   bool // asked to pass a barrier
	held     []held
}

// held is a message that arrived while its entity was leaving.
type held struct {
	message any
	sender  *actor.PID
}

// envelope is how a message reaches the entity it is for.
type envelope struct {
	kind, identity string
	message        proto.Message
}

type (
	tick         struct{} // look for idle entities
	shardBarrier struct{} // answered when all entities have handled what is in their mailboxes
	barrier      struct{}
	retire       struct{} // to an entity: leave, if nothing is owed
	retired      struct {
		pid           *actor.PID
		willing, must bool
	} // to the shard; must: it is fenced off and leaves anyway
)

func newShard(n *Node) *shard {
	return &shard{node: n, resident: map[entityKey]*resident{}, byPID: map[string]*resident{}, used: list.New()}
}

// entitySupervision restarts an entity that panicked, up to 10 times in a minute, then stops it: its next message starts a
// new one. A restarted entity begins from storage.
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
	case retired:
		h.onRetired(ctx, m)
	case *actor.Terminated:
		h.onTerminated(ctx, m)
	case tick:
		h.onTick(ctx)
	case shardBarrier:
		h.onBarrier(ctx)
	case barrier:
		h.onEntityPassed(ctx, ctx.Sender())
	case *actor.Started, *actor.Stopping, *actor.Stopped, *actor.Restarting:
	default:
		h.node.env.Log.Error("shard: unknown message", "type", TypeName(m))
	}
}

func (h *shard) onEnvelope(ctx actor.Context, m envelope) {
	key := entityKey{m.kind, m.identity}
	kind := h.node.kinds[m.kind]
	if kind == nil {
		h.node.env.Log.Error("no such kind of entity", "kind", key.kind, "id", key.identity)
		return
	}
	r := h.resident[key]
	if kind.reads(m.message) {
		h.onRead(ctx, r, m)
		return
	}
	if r == nil {
		r = h.start(ctx, kind, m.identity)
	}
	r.lastUsed = h.node.env.Now()
	h.used.MoveToBack(r.place)
	if r.leaving {
		r.held = append(r.held, held{m.message, ctx.Sender()})
		return
	}
	deliver(ctx, r.pid, m.message, ctx.Sender())
}

// onRead passes a read on to an entity that is here. What one that is leaving has done is in storage.
func (h *shard) onRead(ctx actor.Context, r *resident, m envelope) {
	if r != nil && !r.leaving {
		deliver(ctx, r.pid, m.message, ctx.Sender())
	} else if ctx.Sender() != nil {
		ctx.Respond(Answer(messages.Code_NOT_RESIDENT, ""))
	}
}

// deliver passes a message on with its first sender, so that the answer goes to whoever asked.
func deliver(ctx actor.Context, to *actor.PID, message any, sender *actor.PID) {
	if sender == nil {
		ctx.Send(to, message)
		return
	}
	ctx.RequestWithCustomSender(to, message, sender)
}

func (h *shard) start(ctx actor.Context, kind *Kind, identity string) *resident {
	key := entityKey{kind.Name, identity}
	r := &resident{key: key, kind: kind, pid: ctx.Spawn(entityProps(h.node, kind, identity))} // a child's end reaches its parent without Watch
	r.place = h.used.PushBack(r)
	h.resident[key], h.byPID[r.pid.Id] = r, r
	h.node.env.Metrics.entities.WithLabelValues(key.kind).Inc()
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
			h.ask(ctx, r)
			return
		}
	}
}

func (h *shard) ask(ctx actor.Context, r *resident) {
	r.leaving = true
	ctx.Request(r.pid, retire{})
}

func (h *shard) onTick(ctx actor.Context) {
	limit := h.node.env.Now().Add(-h.node.idle)
	over := len(h.resident) - h.node.perShard
	for e := h.used.Front(); e != nil; e = e.Next() {
		r := e.Value.(*resident)
		if r.leaving || r.kind.Stays {
			continue
		}
		if r.lastUsed.After(limit) && over <= 0 {
			return // the rest was used later
		}
		over--
		h.ask(ctx, r)
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
		ctx.Poison(r.pid) // it answers "not owner" to what is in its mailbox first, so that nobody waits for a time-out
		return
	case m.willing:
		r.leaving = true
		ctx.Stop(r.pid) // nothing is in its mailbox: what came after retire is held here
		return
	}
	r.leaving = false
	r.lastUsed = h.node.env.Now() // ask again after another idle time
	h.used.MoveToBack(r.place)
	for _, x := range r.held {
		deliver(ctx, r.pid, x.message, x.sender)
	}
	r.held = nil
}

func (h *shard) onTerminated(ctx actor.Context, m *actor.Terminated) {
	r := h.byPID[m.Who.Id]
	if r == nil {
		return
	}
	delete(h.resident, r.key)
	delete(h.byPID, m.Who.Id)
	h.used.Remove(r.place)
	h.node.env.Metrics.entities.WithLabelValues(r.key.kind).Dec()
	if r.barred {
		h.onEntityPassed(ctx, m.Who) // it will not answer the barrier any more
	}
	if len(r.held) == 0 {
		return
	}
	fresh := h.start(ctx, r.kind, r.key.identity)
	fresh.lastUsed = h.node.env.Now()
	for _, x := range r.held {
		deliver(ctx, fresh.pid, x.message, x.sender)
	}
}

func (h *shard) onBarrier(ctx actor.Context) {
	h.waiting = append(h.waiting, ctx.Sender())
	h.barriers = 0
	for _, r := range h.resident {
		if !r.leaving {
			h.barriers++
			r.barred = true
			ctx.Request(r.pid, barrier{})
		}
	}
	h.passed(ctx)
}

func (h *shard) onEntityPassed(ctx actor.Context, pid *actor.PID) {
	if r := h.byPID[pid.Id]; r != nil {
		r.barred = false
	}
	h.barriers--
	h.passed(ctx)
}

func (h *shard) passed(ctx actor.Context) {
	if h.barriers > 0 {
		return
	}
	for _, pid := range h.waiting {
		ctx.Send(pid, barrier{})
	}
	h.waiting, h.barriers = nil, 0
}
