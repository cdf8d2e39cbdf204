package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/storage"
)

// TestCheckpoint: while the writer is never idle, the checkpointer writes the log back beside it, so the log stays
// short.
func TestCheckpoint(t *testing.T) {
	if testing.Short() {
		t.Skip("long: writes 32 MB, and more")
	}
	const messages, body = 4000, 8 << 10 // 32 MB of messages, and more in the log
	fill := func(t *testing.T, s *Store) (longest int64) {
		t.Helper()
		var wg sync.WaitGroup
		for part := range int64(40) {
			wg.Go(func() {
				for n := range int64(messages / 40) {
					m := message(part*messages + n)
					m.Text = strings.Repeat("x", body)
					if err := s.InsertMessage(t.Context(), m); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		info, err := os.Stat(s.path + "-wal")
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	t.Run("the log of a busy writer stays short", func(t *testing.T) {
		s := openStore(t, WithoutSync(), withIdle(time.Hour), withCheckpoint(time.Millisecond, longLog))
		if size := fill(t, s); size > 16<<20 {
			t.Errorf("the log has %d MB", size>>20)
		}
		all, err := s.MessagesAfter(t.Context(), "T1", -1, 2*messages)
		if err != nil || len(all) != messages {
			t.Errorf("%d messages: %v", len(all), err)
		}
	})
	t.Run("overlapping readers, so that there is never none, don't make it grow without end", func(t *testing.T) {
		s := openStore(t, WithoutSync(), withIdle(time.Hour), withCheckpoint(time.Millisecond, 500))
		ctx, stop := context.WithCancel(t.Context())
		var readers sync.WaitGroup
		readers.Go(func() {
			// Overlapping: each keeps its snapshot until the other has read a page, which must take less than restartTimeout.
			var hands [2]*conn
			for i := range hands {
				c, err := connect(s.path, readerPragmas...)
				if err != nil {
					t.Error(err)
					return
				}
				defer func() { _ = c.close() }()
				hands[i] = c
			}
			for n := 0; ctx.Err() == nil; n++ {
				c := hands[n%2]
				if n > 1 {
					_ = c.run("COMMIT")
				}
				err := errors.Join(c.run("BEGIN"), c.run("SELECT sum(length(doc)) FROM (SELECT doc FROM messages LIMIT 100)"))
				if err != nil {
					t.Error(err)
				}
			}
		})
		size := fill(t, s)
		stop()
		readers.Wait()
		if size > 16<<20 {
			t.Errorf("the log has %d MB", size>>20)
		}
	})
	t.Run("a failure is reported until a checkpoint succeeds again, even when nobody writes", func(t *testing.T) {
		s := openStore(t, withIdle(time.Hour), withCheckpoint(10*time.Millisecond, longLog))
		dir := filepath.Dir(s.path)
		if err := os.Rename(dir, dir+".away"); err != nil { // open files stay usable; no connection can be opened
			t.Fatal(err)
		}
		n := int64(0)
		until := func(what string, is func(error) bool, write bool) {
			t.Helper()
			for deadline := time.Now().Add(20 * time.Second); !is(s.Ping(t.Context())); {
				if time.Now().After(deadline) {
					t.Fatal("never:", what)
				}
				if n++; write {
					if err := s.InsertMessage(t.Context(), message(n)); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		until("a failure", func(err error) bool {
			return errors.Is(err, storage.ErrUnavailable) && strings.Contains(err.Error(), "can't be written back into "+s.path)
		}, true)
		if err := os.Rename(dir+".away", dir); err != nil {
			t.Fatal(err)
		}
		until("mended", func(err error) bool { return err == nil }, false)
	})
	t.Run("a copy of the files at any moment has every acknowledged write", func(t *testing.T) {
		type copied struct {
			path string
			has  int64
		}
		var acknowledged atomic.Int64
		var copies []copied
		var s *Store
		dir, statements := t.TempDir(), 0
		// The writer is blocked in its hook, so the log can't restart; the checkpointer may be running.
		s = openStore(t, WithoutSync(), withCheckpoint(time.Millisecond, longLog), WithHook(func(Moment, string) {
			if statements++; s == nil || statements%300 != 0 {
				return
			}
			c := copied{filepath.Join(dir, fmt.Sprint(len(copies)), "desk.db"), acknowledged.Load()}
			if err := os.Mkdir(filepath.Dir(c.path), 0o700); err != nil {
				t.Error(err)
			}
			for _, suffix := range []string{"", "-wal"} {
				data, err := os.ReadFile(s.path + suffix)
				if err == nil {
					err = os.WriteFile(c.path+suffix, data, 0o600)
				}
				if err != nil {
					t.Error(err)
				}
			}
			copies = append(copies, c)
		}))
		var wg sync.WaitGroup
		const messages = 2000
		for part := range int64(4) {
			wg.Go(func() {
				for n := range int64(messages / 4) {
					if err := s.InsertMessage(t.Context(), message(part*messages+n)); err != nil {
						t.Error(err)
					}
					acknowledged.Add(1)
				}
			})
		}
		wg.Wait()
		onWriter(t, s, func(*writer) error { return nil }) // returns after the hook
		if len(copies) < 10 {
			t.Fatal("only so many copies:", len(copies))
		}
		for _, c := range copies {
			again, err := Open(t.Context(), c.path, WithoutSync())
			if err != nil {
				t.Fatal(err)
			}
			onWriter(t, again, func(w *writer) error {
				if all := rowsOf(t, w.conn, "PRAGMA integrity_check"); all[0].text(0) != "ok" {
					t.Errorf("%s: %v", c.path, all)
				}
				if n := rowsOf(t, w.conn, "SELECT count(*) FROM messages")[0].int(0); n < c.has {
					t.Errorf("%s has %d messages, %d were acknowledged", c.path, n, c.has)
				}
				return nil
			})
			if err := again.Close(); err != nil {
				t.Error(err)
			}
		}
	})
	t.Run("two stores on one file, closed while they work, leave everything in it and no log", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "desk.db")
		var both [2]*Store
		for i := range both {
			s, err := Open(t.Context(), path, WithoutSync(), withCheckpoint(time.Millisecond, 100))
			if err != nil {
				t.Fatal(err)
			}
			both[i] = s
		}
		var acknowledged atomic.Int64
		var wg sync.WaitGroup
		for i, s := range both {
			for part := range int64(4) {
				wg.Go(func() {
					for n := range int64(500) {
						if s.InsertMessage(t.Context(), message(int64(i)*1_000_000+part*1000+n)) != nil {
							return // closed
						}
						acknowledged.Add(1)
					}
				})
			}
		}
		for _, s := range both {
			for acknowledged.Load() < 500 {
				runtime.Gosched()
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
		wg.Wait()
		if _, err := os.Stat(path + "-wal"); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the log is there still: %v", err)
		}
		c, err := connect(path, readerPragmas...)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.close() }()
		if n := rowsOf(t, c, "SELECT count(*) FROM messages")[0].int(0); n < acknowledged.Load() {
			t.Errorf("%d messages, %d were acknowledged", n, acknowledged.Load())
		}
	})
	t.Run("this version of SQLite is safe", func(t *testing.T) {
		c := openConn(t)
		version := rowsOf(t, c, "SELECT sqlite_version()")[0].text(0)
		var major, minor, patch int
		_, err := fmt.Sscanf(version, "%d.%d.%d", &major, &minor, &patch)
		if err != nil || major*1_000_000+minor*1000+patch < 3_051_003 {
			t.Errorf("SQLite %s can lose a transaction when the log is written back beside a writer: %v", version, err)
		}
	})
}
