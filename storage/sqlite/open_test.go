package sqlite_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/storage/sqlite"
)

func open(t *testing.T, path string, opts ...sqlite.Option) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path, opts...)
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

func TestOpen(t *testing.T) {
	t.Run("the file and its directory are created, for their owner only", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "a", "b", "desk.db")
		open(t, path)
		for name, want := range map[string]os.FileMode{path: 0o600, path + "-wal": 0o600, filepath.Dir(path): 0o700} {
			info, err := os.Stat(name)
			if err != nil {
				t.Fatal(err)
			}
			if got := info.Mode().Perm(); got != want {
				t.Errorf("%s has mode %o, want %o", name, got, want)
			}
		}
	})
	t.Run("any file name works", func(t *testing.T) {
		dir := t.TempDir()
		for _, name := range []string{
			"a b.db", "50%.db", "what?mode=memory", "a#b", "ตั๋ว.db", "%3f", "a&b=c;d", "file:x", ":memory:",
		} {
			path := filepath.Join(dir, name)
			s := open(t, path)
			if err := s.SaveOffset(t.Context(), "bot", 5); err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			info, err := os.Stat(path)
			if err != nil || info.Size() == 0 {
				t.Errorf("%q is not where the data went: %v", name, err)
			}
		}
	})
	t.Run("a log without its database is not destroyed", func(t *testing.T) {
		dir := t.TempDir()
		path, away := filepath.Join(dir, "desk.db"), filepath.Join(dir, "moved.db")
		s := open(t, path)
		if err := s.SaveOffset(t.Context(), "bot", 5); err != nil {
			t.Fatal(err)
		}
		files := map[string][]byte{} // as a process leaves them that is killed
		for _, name := range []string{path, path + "-wal"} {
			content, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			files[name] = content
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		for name, content := range files {
			if err := os.WriteFile(name, content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Rename(path, away); err != nil {
			t.Fatal(err)
		}
		if _, err := sqlite.Open(t.Context(), path); err == nil || !strings.Contains(err.Error(), path+"-wal is, with changes") {
			t.Fatalf("opened: %v", err)
		}
		if err := os.Rename(away, path); err != nil {
			t.Fatal(err)
		}
		if offset, err := open(t, path).Offset(t.Context(), "bot"); err != nil || offset != 5 {
			t.Errorf("offset %d, %v", offset, err)
		}
	})
	t.Run("the error says why a file can't be opened", func(t *testing.T) {
		dir := t.TempDir()
		write := func(name, text string) string {
			path := filepath.Join(dir, name)
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			return path
		}
		header, err := os.ReadFile(filled(t))
		if err != nil {
			t.Fatal(err)
		}
		damaged := []byte(string(header))
		for i := 100; i < len(damaged); i++ {
			damaged[i] = 0xa5
		}
		for path, want := range map[string]string{
			"":  "is empty",
			dir: "is a directory",
			write("text.db", strings.Repeat("no database ", 999)): "is not an SQLite database",
			write("damaged.db", string(damaged)):                  "is damaged",
			filepath.Join(write("file", ""), "desk.db"):           "can't create the directory",
		} {
			_, err := sqlite.Open(t.Context(), path)
			dir := strings.TrimSuffix(path, "/desk.db")
			if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), dir) {
				t.Errorf("%q: got %v, want %q", path, err, want)
			}
		}
	})
	t.Run("without rights, the error says who must have them", func(t *testing.T) {
		if os.Geteuid() == 0 {
			t.Skip("root may do everything")
		}
		path := filled(t)
		if err := os.Chmod(path, 0o400); err != nil {
			t.Fatal(err)
		}
		_, err := sqlite.Open(t.Context(), path)
		if err == nil || !strings.Contains(err.Error(), "needs to read and write it") {
			t.Error(err)
		}
	})
	t.Run("a context that has ended opens nothing", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		path := filepath.Join(t.TempDir(), "desk.db")
		if _, err := sqlite.Open(ctx, path); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if _, err := os.Stat(path); !os.IsNotExist(err) {
			t.Error("the file was made:", err)
		}
	})
	t.Run("many concurrent opens create one database", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "desk.db")
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				s, err := sqlite.Open(t.Context(), path)
				if err != nil {
					t.Error(err)
					return
				}
				if err := s.SaveOffset(t.Context(), fmt.Sprint(i), 1); err != nil {
					t.Error(err)
				}
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	})
}

// filled returns the path of a closed database with something in it.
func filled(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "desk.db")
	s := open(t, path)
	if err := s.SaveOffset(t.Context(), "bot", 5); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestExclusive(t *testing.T) {
	path := filepath.Join(t.TempDir(), "desk.db")
	serve := open(t, path, sqlite.WithExclusive())
	_, err := sqlite.Open(t.Context(), path, sqlite.WithExclusive())
	want := fmt.Sprintf("process %d serves this database already", os.Getpid())
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
	link := filepath.Join(t.TempDir(), "link.db")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.Open(t.Context(), link, sqlite.WithExclusive()); err == nil {
		t.Error("another way to the same file was let in")
	}
	// A subcommand that runs beside the service.
	beside := open(t, path)
	for i, s := range []*sqlite.Store{serve, beside, serve, beside} {
		if err := s.SaveOffset(t.Context(), "bot", int64(i+1)); err != nil {
			t.Fatal(err)
		}
		for _, reader := range []*sqlite.Store{serve, beside} {
			if got, err := reader.Offset(t.Context(), "bot"); err != nil || got != int64(i+1) {
				t.Fatal(got, err)
			}
		}
	}
	if err := serve.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, path, sqlite.WithExclusive())
}

// TestKill kills a writing process with SIGKILL and checks that every acknowledged write is stored.
func TestKill(t *testing.T) {
	if path := os.Getenv("SQLITE_TEST_KILL"); path != "" {
		writeUntilKilled(t, path)
	}
	if testing.Short() {
		t.Skip("long: kills processes")
	}
	path := filepath.Join(t.TempDir(), "desk.db")
	next := int64(1)
	for range 3 {
		cmd := exec.Command(os.Args[0], "-test.run=^TestKill$")
		cmd.Env = append(os.Environ(), "SQLITE_TEST_KILL="+path, fmt.Sprint("SQLITE_TEST_FROM=", next))
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		acknowledged := next - 1
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if _, err := fmt.Sscanf(lines.Text(), "stored %d", &acknowledged); err != nil {
				t.Log(lines.Text())
			}
			if acknowledged >= next+200 {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
				break
			}
		}
		for lines.Scan() { // what was printed before the kill
			_, _ = fmt.Sscanf(lines.Text(), "stored %d", &acknowledged)
		}
		_ = cmd.Wait()
		if acknowledged < next+200 {
			t.Fatal("the other process ended by itself at", acknowledged)
		}
		s := open(t, path, sqlite.WithExclusive()) // the lock ended with the killed process
		last, err := s.LastSequence(t.Context(), "T1")
		if err != nil || last < acknowledged || last > acknowledged+1 {
			t.Fatalf("%d messages were acknowledged, the last one found is %d (%v)", acknowledged, last, err)
		}
		messages, err := s.MessagesAfter(t.Context(), "T1", 0, 1<<20)
		if err != nil || int64(len(messages)) != last {
			t.Fatalf("%d of %d messages are there (%v)", len(messages), last, err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		next = last + 1
	}
}

func writeUntilKilled(t *testing.T, path string) {
	s, err := sqlite.Open(t.Context(), path, sqlite.WithExclusive())
	if err != nil {
		t.Fatal(err)
	}
	var from int64
	if _, err := fmt.Sscan(os.Getenv("SQLITE_TEST_FROM"), &from); err != nil {
		t.Fatal(err)
	}
	for n := from; ; n++ {
		m := &storage.Message{MessageID: fmt.Sprint(n), TicketID: "T1", Sequence: n, SentAt: time.UnixMilli(n)}
		if err := s.InsertMessage(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		fmt.Println("stored", n)
	}
}
