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

// TestNoDeskIsMadeBesideAnother: it would take Telegram's updates, and the other one would never get them.
func TestNoDeskIsMadeBesideAnother(t *testing.T) { // not parallel: it changes the folder
	const token = "12345:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	for name, c := range map[string]struct {
		settings map[string]string
		files    []string
		want     string // "": it is made
	}{
		"nothing there":                    {map[string]string{"TELEGRAM_BOT_TOKEN": token}, nil, ""},
		"a desk where it was kept before":  {map[string]string{"TELEGRAM_BOT_TOKEN": token, "DATA_DIR": "var"}, []string{"data/topicdesk.db"}, "DATABASE_URL=sqlite://data/topicdesk.db"},
		"the same, and the database named": {map[string]string{"TELEGRAM_BOT_TOKEN": token, "DATA_DIR": "var", "DATABASE_URL": "sqlite://new.db"}, []string{"data/topicdesk.db"}, ""},
		"the key of a desk":                {map[string]string{"TELEGRAM_BOT_TOKEN": token}, []string{"data/secrets.key"}, "has the secrets.key of one"},
		"the key of a trial":               {nil, []string{"data/secrets.key"}, ""},
		"a folder that is missing":         {map[string]string{"DATABASE_URL": "sqlite://mnt/desk/x.db"}, nil, "no folder mnt/desk"},
		"a desk, and its key":              {map[string]string{"TELEGRAM_BOT_TOKEN": token}, []string{"data/topicdesk.db=x", "data/secrets.key"}, ""},
		"an empty database, and its key":   {map[string]string{"TELEGRAM_BOT_TOKEN": token}, []string{"data/topicdesk.db", "data/secrets.key"}, "data/topicdesk.db is empty"},
		"an empty database, and its files": {nil, []string{"data/topicdesk.db", "data/files/desk-id"}, "data/topicdesk.db is empty"},
		"an empty database, and its log":   {nil, []string{"data/topicdesk.db", "data/topicdesk.db-wal=x", "data/secrets.key"}, ""},
		"an empty file":                    {nil, []string{"data/topicdesk.db"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			for _, file := range c.files {
				name, content, _ := strings.Cut(file, "=")
				if err := writeWhole(name, []byte(content)); err != nil {
					t.Fatal(err)
				}
			}
			settings, err := config.Load(func(name string) (string, bool) { v, ok := c.settings[name]; return v, ok }, "")
			if err != nil {
				t.Fatal(err)
			}
			err = misplaced(settings)
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}
