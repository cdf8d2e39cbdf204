package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/storage/sqlite"
)

// aStore opens a new database with that many messages, and some other records.
func aStore(t *testing.T, messages int) (address string, s *sqlite.Store) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "desk.db")
	s, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	day := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	all := []any{&storage.User{TelegramID: 7, FirstName: "Nok <&>", CreatedAt: day, Version: 4},
		&storage.SavedOffset{Name: "bot", Value: 9}}
	for n := range messages {
		all = append(all, &storage.Message{MessageID: fmt.Sprint("-1:", n), TicketID: "T1", Sequence: int64(n + 1),
			Text: "No paper", SentAt: day, Version: 1})
	}
	if err := s.Load(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	return "sqlite://" + path, s
}

// topicdesk runs the program in this process.
func topicdesk(t *testing.T, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	var out, said bytes.Buffer
	root := rootCommand()
	root.SetArgs(args)
	root.SetOut(&out)
	root.SetErr(&said)
	err = root.ExecuteContext(t.Context())
	return out.String(), said.String(), err
}

func TestStorageExport(t *testing.T) {
	address, s := aStore(t, 3)
	out, _, err := topicdesk(t, "storage", "export", "--from", address) // a service may have the database open
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	if len(lines) != 5 || !strings.HasPrefix(lines[0],
		`{"collection":"users","record":{"telegramId":7,"firstName":"Nok <&>",`) {
		t.Error(out)
	}
	for _, line := range lines {
		if !json.Valid([]byte(line)) {
			t.Errorf("that is no JSON: %s", line)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, from := range []string{"sqlite://" + filepath.Join(t.TempDir(), "none.db"), "mysql://host/desk",
		"sqlite://"} {
		if _, _, err := topicdesk(t, "storage", "export", "--from", from); err == nil ||
			!strings.Contains(err.Error(), "--from") {
			t.Errorf("%s: %v", from, err)
		}
	}
}

func TestStorageCopy(t *testing.T) {
	if testing.Short() {
		t.Skip("long: a process for each moment at which a copy is stopped")
	}
	t.Parallel()
	exported := func(t *testing.T, from string) string {
		t.Helper()
		out, _, err := topicdesk(t, "storage", "export", "--from", from)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	t.Run("all goes over, and once more nothing does", func(t *testing.T) {
		t.Parallel()
		from, s := aStore(t, 1200)
		_ = s.Close()
		to := "sqlite://" + filepath.Join(t.TempDir(), "new", "copy.db")
		for range 2 {
			_, said, err := topicdesk(t, "storage", "copy", "--from", from, "--to", to)
			if err != nil || !strings.Contains(said, "1202 records, every one compared") {
				t.Error(said, err)
			}
			if exported(t, to) != exported(t, from) {
				t.Error("the copy is not the same")
			}
		}
	})
	t.Run("it goes on wherever it was stopped", func(t *testing.T) {
		t.Parallel()
		_, s := aStore(t, 1200)
		for stop := 1; stop <= 4; stop++ {
			to, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "copy.db"))
			if err != nil {
				t.Fatal(err)
			}
			failing := &stopping{Dumper: to, after: stop}
			p := newProgress(&bytes.Buffer{})
			if err := copyDesk(t.Context(), s, failing, p); err == nil {
				t.Errorf("it was not stopped at write %d", stop)
			}
			if err := copyDesk(t.Context(), s, to, p); err != nil {
				t.Error(err)
			}
			var a, b bytes.Buffer
			if err := errors.Join(export(t.Context(), s, &a, p), export(t.Context(), to, &b, p)); err != nil ||
				a.String() != b.String() {
				t.Errorf("stopped at write %d the copy is not the same (%v)", stop, err)
			}
			_ = to.Close()
		}
	})
	t.Run("half of a copy is no desk for anybody, until the same command has ended", func(t *testing.T) {
		t.Parallel()
		from, s := aStore(t, 1200)
		path := filepath.Join(t.TempDir(), "copy.db")
		open := func() copyTarget {
			to, err := openTarget(t.Context(), "sqlite://"+path)
			if err != nil {
				t.Fatal(err)
			}
			return to
		}
		for _, stop := range []int{0, 1, 2} { // at 0 nothing is copied yet
			to := open()
			if err := copyInto(t.Context(), s, &halting{copyTarget: to, after: stop}, newProgress(&bytes.Buffer{})); err == nil {
				t.Errorf("it was not stopped at write %d", stop)
			}
			_ = to.Close()
			for _, how := range [][]sqlite.Option{nil, {sqlite.WithExisting(), sqlite.WithoutMigration()}} {
				if other, err := sqlite.Open(t.Context(), path, how...); !errors.Is(err, storage.ErrUnfinished) {
					t.Errorf("stopped at write %d, it opens: %v", stop, err)
					_ = other.Close()
				}
			}
		}
		_ = s.Close()
		_, _, err := topicdesk(t, "storage", "export", "--from", "sqlite://"+path)
		if err == nil || !strings.Contains(err.Error(), "give the same command again") {
			t.Error(err)
		}
		if err := sqlite.Backup(t.Context(), path, path+".backup", func(int, int) {}); !errors.Is(err, storage.ErrUnfinished) {
			t.Error("a backup of it:", err)
		}
		if _, _, err := topicdesk(t, "storage", "copy", "--from", from, "--to", "sqlite://"+path); err != nil {
			t.Fatal(err)
		}
		if exported(t, "sqlite://"+path) != exported(t, from) {
			t.Error("the copy is not the same")
		}
	})
	t.Run("a target with other records is refused, and is left as it is", func(t *testing.T) {
		t.Parallel()
		from, s := aStore(t, 10)
		_ = s.Close()
		for name, other := range map[string]any{
			"changed": &storage.Message{MessageID: "-1:3", TicketID: "T1", Sequence: 4, Text: "changed", Version: 1},
			"before":  &storage.Message{MessageID: "x", TicketID: "T0", Sequence: 1, Version: 1},
			"after":   &storage.Message{MessageID: "x", TicketID: "T2", Sequence: 1, Version: 1},
			"alone":   &storage.Lease{Entity: "ticket/T1", Epoch: 1},
		} {
			to, target := aStore(t, 2)
			if err := target.Load(t.Context(), []any{other}); err != nil {
				t.Fatal(err)
			}
			_ = target.Close()
			_, _, err := topicdesk(t, "storage", "copy", "--from", from, "--to", to)
			if err == nil || !strings.Contains(err.Error(), "other records") || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
	t.Run("neither database may be in use by a service", func(t *testing.T) {
		t.Parallel()
		from, s := aStore(t, 1)
		_ = s.Close()
		serving, err := sqlite.Open(t.Context(), strings.TrimPrefix(from, "sqlite://"), sqlite.WithExclusive())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = serving.Close() }()
		other, o := aStore(t, 0)
		_ = o.Close()
		for _, args := range [][]string{{"--from", from, "--to", other}, {"--from", other, "--to", from}} {
			if _, _, err := topicdesk(t, append([]string{"storage", "copy"}, args...)...); err == nil ||
				!strings.Contains(err.Error(), "serves this database") {
				t.Errorf("%v: %v", args, err)
			}
		}
	})
}

// halting is stopping as a target.
type halting struct {
	copyTarget
	after int
}

func (h *halting) Load(ctx context.Context, records []any) error {
	s := &stopping{Dumper: h.copyTarget, after: h.after}
	err := s.Load(ctx, records)
	h.after = s.after
	return err
}

// stopping lets some writes through and then fails.
type stopping struct {
	storage.Dumper
	after int
}

func (s *stopping) Load(ctx context.Context, records []any) error {
	if len(records) == 0 {
		return nil
	}
	if s.after--; s.after < 0 {
		return storage.ErrUnavailable
	}
	return s.Dumper.Load(ctx, records)
}
