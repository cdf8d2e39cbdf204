package entity

import (
	"context"
	"fmt"
	"log/slog"
)

// named logs with an attribute that says which entity logs. What a handler makes of an attribute ahead of time takes more memory than an
// entity that has nothing to say should, so it is made for each line.
type named struct {
	slog.Handler
	key, value string
}

func (n named) in() slog.Handler {
	return n.Handler.WithAttrs([]slog.Attr{slog.String(n.key, n.value)})
}

func (n named) Handle(ctx context.Context, r slog.Record) error { return n.in().Handle(ctx, r) }

func (n named) WithAttrs(attrs []slog.Attr) slog.Handler { return n.in().WithAttrs(attrs) }

func (n named) WithGroup(name string) slog.Handler { return n.in().WithGroup(name) }

// lower logs what Proto.Actor says one level lower: it calls the end of another node an error, and each step of its own
// start worth knowing.
type lower struct{ slog.Handler }

const step = slog.LevelInfo - slog.LevelDebug

func (l lower) Enabled(ctx context.Context, level slog.Level) bool {
	return l.Handler.Enabled(ctx, level-step)
}

// Handle says of a message only of which type it is: it may have what people say.
func (l lower) Handle(ctx context.Context, r slog.Record) error {
	told := slog.NewRecord(r.Time, r.Level-step, r.Message, r.PC)
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "message" {
			a.Value = slog.StringValue(fmt.Sprintf("%T", a.Value.Any()))
		}
		told.AddAttrs(a)
		return true
	})
	return l.Handler.Handle(ctx, told)
}

func (l lower) WithAttrs(attrs []slog.Attr) slog.Handler { return lower{l.Handler.WithAttrs(attrs)} }

func (l lower) WithGroup(name string) slog.Handler { return lower{l.Handler.WithGroup(name)} }
