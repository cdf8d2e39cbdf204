package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"
)

// heard is a writer that says when something was written.
type heard struct {
	bytes.Buffer
	lines chan struct{}
}

func (h *heard) Write(b []byte) (int, error) {
	n, err := h.Buffer.Write(b)
	h.lines <- struct{}{}
	return n, err
}

func TestProgress(t *testing.T) {
	t.Parallel()
	t.Run("a file gets lines, a terminal one line that changes", func(t *testing.T) {
		t.Parallel()
		for _, terminal := range []bool{false, true} {
			out := &heard{lines: make(chan struct{}, 10_000)}
			task := (&progress{out: out, terminal: terminal, every: time.Millisecond}).begin("copy tickets", "records", 200)
			task.add(50)
			for range 3 {
				<-out.lines
			}
			task.end(nil)
			text := out.String()
			if !strings.Contains(text, "copy tickets: 50 of 200 records (25%), ") || !strings.Contains(text, " left") ||
				!strings.HasSuffix(strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\x1b[K"), " s") {
				t.Errorf("%q", text)
			}
			if lines := strings.Count(text, "\n"); terminal != (lines == 1) || terminal != strings.Contains(text, "\r") {
				t.Errorf("terminal %v: %q", terminal, text)
			}
		}
	})
	t.Run("rate and time left are those of what is done", func(t *testing.T) {
		t.Parallel()
		task := &task{what: "x", unit: "records"}
		task.total.Store(200_000)
		for _, c := range []struct {
			done int
			took time.Duration
			want string
		}{
			{0, 20 * time.Second, "x: 0 of 200000 records (0%), 20 s"},
			{20_000, 10 * time.Second, "x: 20000 of 200000 records (10%), 2000/s, 90 s left"},
			{180_000, 100 * time.Second, "x: 200000 of 200000 records (100%), 2000/s"},
		} {
			task.add(c.done)
			if got := task.line(c.took); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		}
	})
	t.Run("the end says what was done, and an interruption how far it came", func(t *testing.T) {
		t.Parallel()
		for _, c := range []struct {
			total int64
			done  int
			err   error
			want  string
		}{
			{0, 0, nil, "copy leases: 0 records in 0.0 s\n"},
			{200, 200, nil, "copy leases: 200 records in 0.0 s\n"},
			{200, 120, errors.New("x"), "copy leases: stopped after 120 of 200 records (60%), 0.0 s\n"},
		} {
			var out bytes.Buffer
			task := newProgress(&out).begin("copy leases", "records", c.total)
			task.add(c.done)
			task.end(c.err)
			if out.String() != c.want {
				t.Errorf("%q, want %q", out.String(), c.want)
			}
		}
	})
}
