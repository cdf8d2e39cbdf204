package sqlite

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/storage"
)

// TestCheckpoint: a writer that is never idle has its log written back beside it, so that it stays short.
func TestCheckpoint(t *testing.T) {
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
	t.Run("readers that come one after another, never none, don't make it grow without end", func(t *testing.T) {
		s := openStore(t, WithoutSync(), withIdle(time.Hour), withCheckpoint(time.Millisecond, 500))
		ctx, stop := context.WithCancel(t.Context())
		var readers sync.WaitGroup
		readers.Go(func() {
			// Hand over hand: each holds on to what it sees until the other has read a page.
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
				if err := errors.Join(c.run("BEGIN"), c.run("SELECT sum(length(doc)) FROM (SELECT doc FROM messages LIMIT 300)")); err != nil {
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
	t.Run("a failure is told until it works again", func(t *testing.T) {
		s := openStore(t, withIdle(time.Hour), withCheckpoint(time.Hour, longLog)) // its own goroutine has nothing to do
		k, path := s.checkpoints, s.path
		s.path = filepath.Join(t.TempDir(), "gone", "desk.db")
		k.run()
		s.path = path
		if err := s.Ping(t.Context()); !errors.Is(err, storage.ErrUnavailable) || !strings.Contains(err.Error(), "can't be written back") || k.rest.Load() {
			t.Error(err)
		}
		k.run()
		if err := s.Ping(t.Context()); err != nil || !k.rest.Load() {
			t.Error(err)
		}
	})
}
