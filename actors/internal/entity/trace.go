package entity

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/tracing"
)

// How a trace goes on from turn to turn. What belongs to one comes with its mark; the turn is a span, and what the entity
// reads, writes, tells and logs meanwhile belongs to it. A turn without a mark begins no trace.

// Traced is a message that belongs to a trace.
type Traced struct {
	message any
	mark    *tracing.Mark
}

// withMark is a message with its mark. Without one it is the message itself, which costs nothing.
func withMark(m any, mark *tracing.Mark) any {
	if mark == nil {
		return m
	}
	return Traced{m, mark}
}

// Unmarked is a message without its mark, and the mark. The message is nil if it is none that travels.
func Unmarked(m any) (proto.Message, *tracing.Mark) {
	var mark *tracing.Mark
	if t, is := m.(Traced); is {
		m, mark = t.message, t.mark
	}
	message, _ := m.(proto.Message)
	return message, mark
}

// markOf is the mark of whoever asks.
func (e *Env) markOf(ctx context.Context) *tracing.Mark {
	if e.Tracer == nil {
		return nil
	}
	return tracing.MarkOf(ctx)
}

func (h *Host) beginTracing() {
	h.traced.Context = h.Env.Ctx
	h.Ctx = &h.traced
	if h.Tracer != nil {
		h.Log = slog.New(tracing.HandlerIn(&h.traced, h.Log.Handler()))
	}
}

// onTraced has a turn be a span of the trace that its message belongs to.
func (h *Host) onTraced(ctx actor.Context, t Traced) {
	mark := t.mark
	span := mark.Child(h.kind.Name+" "+shortName(t.message), tracing.Inside, time.Now())
	if span != nil {
		span.Note("topicdesk.kind", h.kind.Name)
		span.Note("topicdesk.id", h.ID)
		mark = span.Mark()
	}
	h.span = span
	h.traced.Set(mark)
	defer func() {
		h.span = nil
		h.traced.Set(nil)
		span.End()
	}()
	h.turn(ctx, t.message)
}

// shortName is the type of a message, without its package.
func shortName(m any) string {
	name := TypeName(m)
	return name[strings.LastIndexByte(name, '.')+1:]
}

// Mark is that of what the entity is doing; nil: it belongs to no trace. What is done in a later turn keeps it (In).
func (h *Host) Mark() *tracing.Mark { return h.traced.Mark() }

// In has what follows in this turn belong to another trace, or to none, until back is called: an entity may do in one turn
// what came in another.
func (h *Host) In(mark *tracing.Mark) (back func()) {
	before := h.traced.Mark()
	if before == mark {
		return stay
	}
	h.traced.Set(mark)
	return func() { h.traced.Set(before) }
}

func stay() {}

// Beside is a context for what runs beside the turns on behalf of this one.
func (h *Host) Beside() context.Context { return tracing.With(h.Env.Ctx, h.traced.Mark()) }

// Tell is Env.Tell, on behalf of this turn.
func (h *Host) Tell(kind, identity string, m proto.Message) {
	h.node.tell(kind, identity, m, h.traced.Mark())
}
