package entity

import (
	"context"
	"log/slog"
)

// lower logs what Proto.Actor says one level lower: it calls the end of another node an error, and each step of its own
// start worth knowing.
type lower struct{ slog.Handler }

const step = slog.LevelInfo - slog.LevelDebug

func (l lower) Enabled(ctx context.Context, level slog.Level) bool {
	return l.Handler.Enabled(ctx, level-step)
}

func (l lower) Handle(ctx context.Context, r slog.Record) error {
	r.Level -= step
	return l.Handler.Handle(ctx, r)
}

func (l lower) WithAttrs(attrs []slog.Attr) slog.Handler { return lower{l.Handler.WithAttrs(attrs)} }

func (l lower) WithGroup(name string) slog.Handler { return lower{l.Handler.WithGroup(name)} }
