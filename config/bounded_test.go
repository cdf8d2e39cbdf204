package config

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// TestRepeatedWarningsAreBounded has 1000 requests refused in each of three windows.
func TestRepeatedWarningsAreBounded(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	h := newBounded(slog.NewTextHandler(&out, nil))
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	say := func(h slog.Handler, level slog.Level, text string) {
		t.Helper()
		if err := h.Handle(context.Background(), slog.NewRecord(at, level, text, 0)); err != nil {
			t.Fatal(err)
		}
	}
	for window := range 3 {
		for range 500 { // one text, from two loggers
			say(h, slog.LevelError, "not accepted")
			say(h.WithAttrs([]slog.Attr{slog.String("id", "x")}), slog.LevelError, "not accepted")
			say(h, slog.LevelInfo, "all is well")
		}
		say(h, slog.LevelWarn, "something else")
		if got, want := strings.Count(out.String(), "not accepted"), (window+1)*linesAtMost; got != want {
			t.Errorf("window %d: %d lines, want %d", window, got, want)
		}
		at = at.Add(linesWindow)
	}
	for part, want := range map[string]int{"all is well": 1500, "something else": 3, "more=": 3, "leftOutBefore=990": 2} {
		if got := strings.Count(out.String(), part); got != want {
			t.Errorf("%q: %d times, want %d", part, got, want)
		}
	}
}
