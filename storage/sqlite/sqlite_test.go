package sqlite_test

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/storage/sqlite"
	"github.com/topicdesk/topicdesk/storage/storagetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestStore holds the store to the contract.
func TestStore(t *testing.T) {
	if os.Getenv("TOPICDESK_LONG") == "" { // each random sequence of calls needs a database of its own: 40 are enough
		checks := flag.Lookup("rapid.checks").Value
		before := checks.String()
		if err := checks.Set("40"); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = checks.Set(before) })
	}
	sizes := storagetest.Sizes{Rows: 60, Writers: 16, Rounds: 25}
	if testing.Short() {
		sizes = storagetest.Sizes{Rows: 60, Writers: 4, Rounds: 8}
	}
	k := &killer{stores: map[storage.Store]*killed{}}
	empty := filepath.Join(t.TempDir(), "desk.db")
	if err := open(t, empty).Close(); err != nil {
		t.Fatal(err)
	}
	storagetest.Run(t, storagetest.Factory{
		Open: func(t *testing.T) storage.Store {
			path := filepath.Join(t.TempDir(), "desk.db")
			copyFiles(t, empty, path) // the test opens hundreds of stores, so the migrations run only once
			return k.open(t, path)
		},
		Reopen:  k.reopen,
		Crashes: k.crashes,
		Sizes:   sizes,
	})
}

// killer copies a store's files between any two statements. That is what kill -9 at that moment would leave: the
// kernel has what the process has written, and the rest is lost.
type killer struct {
	mu     sync.Mutex
	stores map[storage.Store]*killed
}

type killed struct {
	path string
	at   func(moment string) // nil: no kill is wanted
}

func (k *killer) open(t *testing.T, path string) storage.Store {
	t.Helper()
	this := &killed{path: path}
	// A kill leaves the same with and without sync. TestTornLog covers a crash of the machine.
	s, err := sqlite.Open(t.Context(), path, sqlite.WithoutSync(), sqlite.WithHook(func(m sqlite.Moment, sql string) {
		k.mu.Lock()
		defer k.mu.Unlock()
		if at := this.at; at != nil {
			at(fmt.Sprint(map[sqlite.Moment]string{sqlite.Before: "before ", sqlite.After: "after "}[m], sql))
		}
	}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	k.mu.Lock()
	defer k.mu.Unlock()
	k.stores[s] = this
	return s
}

func (k *killer) reopen(t *testing.T, s storage.Store) storage.Store {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return k.open(t, k.stores[s].path)
}

func (k *killer) crashes(t *testing.T, s storage.Store, write func()) (crashes []storagetest.Crash) {
	t.Helper()
	this := k.stores[s]
	dir := t.TempDir()
	at := func(moment string) {
		path := filepath.Join(dir, fmt.Sprint(len(crashes)), "desk.db")
		copyFiles(t, this.path, path)
		crashes = append(crashes, storagetest.Crash{
			Moment: moment, Open: func(t *testing.T) storage.Store { return k.open(t, path) },
		})
	}
	set := func(f func(string)) {
		k.mu.Lock()
		defer k.mu.Unlock()
		this.at = f
	}
	set(at)
	write()
	set(nil)
	at("after the write returned")
	return crashes
}

// copyFiles copies a database with its log. Opening it creates the index of the log (-shm) again.
func copyFiles(t *testing.T, from, to string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		t.Error(err)
	}
	for _, suffix := range []string{"", "-wal"} {
		if err := copyFile(from+suffix, to+suffix); err != nil && !os.IsNotExist(err) {
			t.Error(err)
		}
	}
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		return err
	}
	return out.Close()
}
