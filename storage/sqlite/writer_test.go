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
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/storage"
)

func openStore(t *testing.T, opts ...Option) *Store {
	t.Helper()
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "desk.db"), opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// onWriter runs f on the writer's goroutine, in a transaction of its own.
func onWriter(t *testing.T, s *Store, f func(w *writer) error) {
	t.Helper()
	if err := s.write(t.Context(), f); err != nil {
		t.Fatal(err)
	}
}

// hold blocks the writer until release is called. Writes that are made meanwhile wait.
func hold(t *testing.T, s *Store) (release func()) {
	t.Helper()
	held, free, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		// Requests that come meanwhile share its transaction and can make it fail, so its own result says nothing.
		_ = s.write(context.Background(), func(*writer) error {
			close(held)
			<-free
			return nil
		})
	}()
	<-held
	return func() {
		close(free)
		<-done
	}
}

// waiting returns as soon as n writes wait.
func waiting(s *Store, n int) {
	for {
		s.mu.Lock()
		enough := len(s.queue) >= n
		s.mu.Unlock()
		if enough {
			return
		}
		runtime.Gosched()
	}
}

func message(n int64) *storage.Message {
	return &storage.Message{MessageID: fmt.Sprint("m", n), TicketID: "T1", Sequence: n}
}

func TestGroupCommit(t *testing.T) {
	t.Run("waiting writes share a commit, and a refused one fails alone", func(t *testing.T) {
		var commits int // on the writer's goroutine, read when it is idle
		s := openStore(t, WithHook(func(m Moment, sql string) {
			if m == After && sql == "COMMIT" {
				commits++
			}
		}))
		taken := message(-1)
		if err := s.InsertMessage(t.Context(), taken); err != nil {
			t.Fatal(err)
		}
		onWriter(t, s, func(*writer) error { commits = -1; return nil }) // its own commit makes it 0
		release := hold(t, s)
		var wg sync.WaitGroup
		for n := range int64(100) {
			wg.Go(func() {
				m := message(n)
				var want error
				if n%10 == 9 {
					m.Sequence, want = -1, storage.ErrConflict
				}
				if err := s.InsertMessage(t.Context(), m); !errors.Is(err, want) {
					t.Error(n, err)
				}
			})
		}
		waiting(s, 100)
		release()
		wg.Wait()
		var before int
		onWriter(t, s, func(*writer) error { before = commits; return nil })
		if before != 1 {
			t.Errorf("100 writes took %d commits", before)
		}
		all, err := s.MessagesAfter(t.Context(), "T1", -1, 1000)
		if err != nil || len(all) != 90 {
			t.Errorf("%d of 90 messages are stored: %v", len(all), err)
		}
	})
	t.Run("the number of writes in a commit is limited", func(t *testing.T) {
		var sizes []int
		s := openStore(t, WithHook(func(m Moment, sql string) {
			switch {
			case m == After && sql == "COMMIT":
				sizes = append(sizes, 0)
			case m == After && strings.HasPrefix(sql, "INSERT INTO messages") && len(sizes) > 0:
				sizes[len(sizes)-1]++
			}
		}))
		onWriter(t, s, func(*writer) error { sizes = nil; return nil })
		release := hold(t, s)
		var wg sync.WaitGroup
		for n := range int64(2 * maxBatch) {
			wg.Go(func() {
				if err := s.InsertMessage(t.Context(), message(n)); err != nil {
					t.Error(err)
				}
			})
		}
		waiting(s, 2*maxBatch)
		release()
		wg.Wait()
		onWriter(t, s, func(*writer) error {
			for _, n := range sizes {
				if n > maxBatch {
					t.Errorf("%d writes in one commit", n)
				}
			}
			return nil
		})
	})
	t.Run("a caller whose context ends returns immediately", func(t *testing.T) {
		s := openStore(t)
		release := hold(t, s)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		m := message(1)
		go func() { done <- s.InsertMessage(ctx, m) }()
		waiting(s, 1)
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) || m.Version != 0 {
			t.Error(err, m.Version)
		}
		release()
		// In general it may be stored or not. Here the writer saw in time that its context had ended.
		if _, err := s.Message(t.Context(), "m1"); !errors.Is(err, storage.ErrNotFound) {
			t.Error(err)
		}
	})
	t.Run("Close carries out the waiting writes", func(t *testing.T) {
		s := openStore(t)
		release := hold(t, s)
		done := make(chan error)
		go func() { done <- s.InsertMessage(t.Context(), message(1)) }()
		waiting(s, 1)
		closed := make(chan error)
		go func() { closed <- s.Close() }()
		release()
		if err := errors.Join(<-done, <-closed); err != nil {
			t.Fatal(err)
		}
		again, err := Open(t.Context(), s.path)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = again.Close() }()
		if _, err := again.Message(t.Context(), "m1"); err != nil {
			t.Error(err)
		}
	})
}

func TestTrouble(t *testing.T) {
	t.Run("a full disk fails writes, and nothing else; when there is room again, writes succeed", func(t *testing.T) {
		s := openStore(t)
		limit := func(pages int) {
			t.Helper()
			onWriter(t, s, func(w *writer) error { return w.conn.run(fmt.Sprintf("PRAGMA max_page_count = %d", pages)) })
		}
		if err := s.InsertMessage(t.Context(), message(1)); err != nil {
			t.Fatal(err)
		}
		limit(1) // the file may not grow
		failTogether(t, s)
		if _, err := s.Message(t.Context(), "m1"); err != nil {
			t.Error(err)
		}
		limit(1 << 30)
		if err := s.Ping(t.Context()); err != nil {
			t.Error(err)
		}
		if err := s.InsertMessage(t.Context(), message(2)); err != nil {
			t.Error(err)
		}
		last, err := s.LastSequence(t.Context(), "T1")
		if err != nil || last != 2 {
			t.Error(last, err)
		}
	})
	t.Run("while another process keeps writing, the store is unavailable", func(t *testing.T) {
		s := openStore(t)
		onWriter(t, s, func(w *writer) error { return w.conn.run("PRAGMA busy_timeout = 1") })
		other, err := connectWriter(t.Context(), s.path)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = other.close() }()
		if _, err := other.exec(begin); err != nil {
			t.Fatal(err)
		}
		if err := s.InsertMessage(t.Context(), message(1)); !errors.Is(err, storage.ErrUnavailable) {
			t.Error(err)
		}
		if err := s.Ping(t.Context()); !errors.Is(err, storage.ErrUnavailable) {
			t.Error("Ping:", err)
		}
		if _, err := s.LastSequence(t.Context(), "T1"); err != nil {
			t.Error("reads go on:", err)
		}
		if _, err := other.exec(rollback); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(s.InsertMessage(t.Context(), message(1)), s.Ping(t.Context())); err != nil {
			t.Error(err)
		}
	})
	t.Run("a lost connection is replaced", func(t *testing.T) {
		var broken *writer
		s := openStore(t, WithHook(func(m Moment, sql string) {
			if broken != nil && m == After && sql == "COMMIT" {
				if err := broken.conn.close(); err != nil {
					t.Error(err)
				}
				broken.conn, broken = nil, nil
			}
		}))
		onWriter(t, s, func(w *writer) error { broken = w; return nil })
		if err := s.InsertMessage(t.Context(), message(1)); err != nil {
			t.Error(err)
		}
	})
}

// failTogether expects that each of the writes that wait together fails with storage.ErrUnavailable.
func failTogether(t *testing.T, s *Store) {
	t.Helper()
	release := hold(t, s)
	var wg sync.WaitGroup
	for n := range int64(5) {
		wg.Go(func() {
			m := message(10 + n)
			m.Text = strings.Repeat("long ", 20_000)
			if err := s.InsertMessage(t.Context(), m); !errors.Is(err, storage.ErrUnavailable) || m.Version != 0 {
				t.Error(err, m.Version)
			}
		})
	}
	waiting(s, 5)
	release()
	wg.Wait()
}

// TestSync: an acknowledged write is on the disk, not only in the kernel's cache.
func TestSync(t *testing.T) {
	for want, opts := range map[int64][]Option{2: nil, 0: {WithoutSync()}} { // FULL and OFF
		s := openStore(t, opts...)
		onWriter(t, s, func(w *writer) error {
			for pragma, want := range map[string]any{"synchronous": want, "journal_mode": "wal"} {
				if got := rowsOf(t, w.conn, "PRAGMA "+pragma)[0][0]; got != want {
					t.Errorf("%s is %v, want %v", pragma, got, want)
				}
			}
			return nil
		})
	}
}

func TestEmptyLog(t *testing.T) {
	emptied := make(chan struct{}, 100)
	hook := WithHook(func(m Moment, sql string) {
		if m == After && sql == "PRAGMA "+busyTimeout {
			emptied <- struct{}{}
		}
	})
	s := openStore(t, withIdle(time.Millisecond), withCheckpoint(time.Hour, longLog), hook)
	log := func() int64 {
		info, err := os.Stat(s.path + "-wal")
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	if err := s.InsertMessage(t.Context(), message(1)); err != nil {
		t.Fatal(err)
	}
	<-emptied
	if log() != 0 {
		t.Error("an idle writer left a log of", log())
	}

	// A reader of an old state prevents the log from being emptied, and nothing else.
	reader, err := connect(s.path, readerPragmas...)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = reader.close() }()
	err = errors.Join(reader.run("BEGIN"), reader.query(lastSequence, func(row) error { return nil }, "T1"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.InsertMessage(t.Context(), message(2)); err != nil {
		t.Fatal(err)
	}
	<-emptied
	if log() == 0 {
		t.Error("the log was emptied under a reader")
	}
	if err := s.InsertMessage(t.Context(), message(3)); err != nil {
		t.Fatal(err)
	}
	if err := reader.run("COMMIT"); err != nil {
		t.Fatal(err)
	}
	for log() != 0 {
		<-emptied
	}
}
