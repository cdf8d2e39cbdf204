package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/config"
)

// TestADataDirServesOneDesk starts a second desk, with another database, in the DATA_DIR of one with a simulator.
func TestADataDirServesOneDesk(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	settings := func(database string) config.Config {
		values := map[string]string{"HTTP_ADDR": "127.0.0.1:0", "DATA_DIR": folder,
			"DATABASE_URL": "sqlite://" + filepath.Join(folder, database)}
		c, err := config.Load(func(name string) (string, bool) { v, ok := values[name]; return v, ok }, "")
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	first, err := runApp(t, settings("first.db"), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	state := filepath.Join(folder, "simulator.jsonl")
	kept, err := os.ReadFile(state)
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("process %d serves a desk in DATA_DIR %s already", os.Getpid(), folder)
	switch second, err := runApp(t, settings("second.db"), io.Discard); {
	case err == nil:
		t.Errorf("the second one serves, too: %v", second.stop())
	case !strings.Contains(err.Error(), want):
		t.Errorf("%v: %s is missing", err, want)
	}
	if _, err := os.Stat(filepath.Join(folder, "second.db")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the second one has made its database: %v", err)
	}
	if now, err := os.ReadFile(state); err != nil || !bytes.HasPrefix(now, kept) {
		t.Errorf("the simulator's state is another: %v", err)
	}
	file := filepath.Join(t.TempDir(), "desk.tar")
	if err := backup(t.Context(), settings("first.db"), file, newProgress(io.Discard)); err != nil {
		t.Errorf("backup beside the service: %v", err)
	}
	if err := restore(t.Context(), settings("third.db"), file, newProgress(io.Discard)); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("restore beside the service: %v", err)
	}
	if err := first.stop(); err != nil {
		t.Fatal(err)
	}
	again, err := runApp(t, settings("first.db"), io.Discard)
	if err != nil {
		t.Fatalf("the lock is still held: %v", err)
	}
	if err := again.stop(); err != nil {
		t.Fatal(err)
	}
}
