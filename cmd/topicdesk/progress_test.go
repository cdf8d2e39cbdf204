package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
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
	t.Run("where no terminal is, a line comes every 10 s", func(t *testing.T) {
		t.Parallel()
		file, err := os.Create(filepath.Join(t.TempDir(), "log"))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = file.Close() }()
		for _, out := range []io.Writer{&bytes.Buffer{}, file} {
			if p := newProgress(out); p.terminal || p.every != 10*time.Second {
				t.Errorf("%T: terminal %v, every %v", out, p.terminal, p.every)
			}
		}
	})
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

// TestLongCommandsSayHowFarTheyAre: each command that may take long says in the end what it did, in the units in which it said how
// far it was.
func TestLongCommandsSayHowFarTheyAre(t *testing.T) {
	a, folder := newArchived(t, 10, 2), t.TempDir()
	a.must(a.store.Close())
	from, file := "sqlite://"+a.database(), filepath.Join(folder, "desk.tar")
	for _, c := range []struct {
		desk, said string
		args       []string
	}{
		{a.folder, "export messages: 10 records in ", []string{"storage", "export", "--from", from}},
		{a.folder, "copy messages: 10 records in ", []string{"storage", "copy", "--from", from, "--to", "sqlite://" + filepath.Join(folder, "copy.db")}},
		{a.folder, "records and contents in ", []string{"files", "check"}},
		{a.folder, "write attachments: 2 files in ", []string{"backup", file}},
		{a.folder, "files in ", []string{"backup", "--verify", file}},
		{folder, "restore: ", []string{"restore", file}},
	} {
		t.Setenv("DATABASE_URL", "sqlite://"+filepath.Join(c.desk, "topicdesk.db"))
		t.Setenv("DATA_DIR", c.desk)
		if _, said, err := topicdesk(t, c.args...); err != nil || !strings.Contains(said, c.said) {
			t.Errorf("%v: %v, and nothing of %q in\n%s", c.args, err, c.said, said)
		}
	}
}
