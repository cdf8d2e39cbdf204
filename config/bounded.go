package config

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// While something is wrong for all, such as a full disk, every request has the same line of warning. More than
// linesAtMost of them in a linesWindow say nothing new, and would help to fill the disk.
const (
	linesAtMost = 10
	linesWindow = 10 * time.Second
	linesKnown  = 1000 // texts whose lines are counted; then counting begins anew
)

// bounded is a handler that leaves out warnings and errors of the same text, whatever their attributes, when there are
// too many. The last line before says so, and the first one after says how many there were.
type bounded struct {
	slog.Handler
	lines *lines // shared by the handlers that With makes
}

type lines struct {
	mu    sync.Mutex
	texts map[string]*window
}

type window struct {
	began      time.Time
	n, leftOut int
}

func newBounded(h slog.Handler) slog.Handler {
	return &bounded{Handler: h, lines: &lines{texts: map[string]*window{}}}
}

// Handle implements slog.Handler.
func (b *bounded) Handle(ctx context.Context, r slog.Record) error {
	if r.Level < slog.LevelWarn {
		return b.Handler.Handle(ctx, r)
	}
	n, leftOut := b.lines.count(r.Message, r.Time)
	if n > linesAtMost {
		return nil
	}
	if leftOut > 0 {
		r = r.Clone()
		r.AddAttrs(slog.Int("leftOutBefore", leftOut))
	}
	if n == linesAtMost {
		r = r.Clone()
		r.AddAttrs(slog.String("more", "left out for up to "+linesWindow.String()))
	}
	return b.Handler.Handle(ctx, r)
}

// count returns how many lines of that text there were in this window, with this one. leftOut is set with the first:
// how many of the window before were left out.
func (l *lines) count(text string, at time.Time) (n, leftOut int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := l.texts[text]
	if w == nil || at.Sub(w.began) >= linesWindow {
		if w != nil {
			leftOut = w.leftOut
		}
		if len(l.texts) >= linesKnown {
			clear(l.texts)
		}
		w = &window{began: at}
		l.texts[text] = w
	}
	if w.n++; w.n > linesAtMost {
		w.leftOut++
	}
	return w.n, leftOut
}

// WithAttrs implements slog.Handler.
func (b *bounded) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &bounded{b.Handler.WithAttrs(attrs), b.lines}
}

// WithGroup implements slog.Handler.
func (b *bounded) WithGroup(name string) slog.Handler {
	return &bounded{b.Handler.WithGroup(name), b.lines}
}
