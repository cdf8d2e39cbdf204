package tracing

import (
	"context"
	"log/slog"
	"sync/atomic"
)

type markKey struct{}

// With is a context of what happens because of a mark. Without a mark it is ctx itself.
func With(ctx context.Context, m *Mark) context.Context {
	if m == nil {
		return ctx
	}
	return context.WithValue(ctx, markKey{}, m)
}

// MarkOf is the mark of a context; nil: none.
func MarkOf(ctx context.Context) *Mark {
	m, _ := ctx.Value(markKey{}).(*Mark)
	return m
}

// Changing is a context whose mark changes: that of an actor, which works for one message after the other. It spares each
// turn a context of its own. What runs beside the turns has a context of its own instead (With).
type Changing struct {
	context.Context
	mark atomic.Pointer[Mark]
}

// Value implements context.Context.
func (c *Changing) Value(key any) any {
	if key == (markKey{}) {
		if m := c.mark.Load(); m != nil {
			return m
		}
		return nil
	}
	return c.Context.Value(key)
}

// Mark is the mark that the context has now.
func (c *Changing) Mark() *Mark { return c.mark.Load() }

// Set gives the context another mark; nil: none.
func (c *Changing) Set(m *Mark) { c.mark.Store(m) }

// Handler adds the ids of a record's trace to it, as trace_id and span_id, before next gets it.
func Handler(next slog.Handler) slog.Handler { return handler{next} }

type handler struct{ slog.Handler }

func (h handler) Handle(ctx context.Context, r slog.Record) error {
	if m := MarkOf(ctx); m != nil {
		traceID, spanID := m.IDs()
		r.AddAttrs(slog.String("trace_id", traceID), slog.String("span_id", spanID))
	}
	return h.Handler.Handle(ctx, r)
}

func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return handler{h.Handler.WithAttrs(attrs)}
}
func (h handler) WithGroup(name string) slog.Handler { return handler{h.Handler.WithGroup(name)} }

// HandlerIn has records without a trace of their own belong to that of a context: a Changing one, of an actor that logs.
func HandlerIn(ctx *Changing, next slog.Handler) slog.Handler { return inContext{next, ctx} }

type inContext struct {
	slog.Handler
	ctx *Changing
}

func (h inContext) Handle(ctx context.Context, r slog.Record) error {
	if m := h.ctx.Mark(); m != nil && MarkOf(ctx) == nil {
		ctx = With(ctx, m)
	}
	return h.Handler.Handle(ctx, r)
}

func (h inContext) WithAttrs(attrs []slog.Attr) slog.Handler {
	return inContext{h.Handler.WithAttrs(attrs), h.ctx}
}

func (h inContext) WithGroup(name string) slog.Handler {
	return inContext{h.Handler.WithGroup(name), h.ctx}
}
