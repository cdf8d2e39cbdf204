package main

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/storage/sqlite"
)

// TestBackupOfAnOlderDesk: whoever comes from a release without `backup` takes this program's, before its first start. It
// leaves the database as it is, and has it as it was.
func TestBackupOfAnOlderDesk(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	a := &archived{T: t, folder: folder}
	old := olderDesk(t, a.database())

	file := filepath.Join(t.TempDir(), "desk.tar")
	a.must(backup(t.Context(), a.config(), file, newProgress(io.Discard)))
	a.must(verifyBackup(t.Context(), file, newProgress(io.Discard)))
	if now, err := os.ReadFile(a.database()); err != nil || !bytes.Equal(now, old) {
		t.Error("the older database was changed", err)
	}
	other := t.TempDir()
	a.must(restore(t.Context(), configIn(other), file, newProgress(io.Discard)))
	restored := filepath.Join(other, "topicdesk.db")
	before := migrated(t, restored)
	if before.From == before.To || before.From != migrated(t, a.database()).From {
		t.Errorf("the backup has schema %d of %d", before.From, before.To)
	}
}

// olderDesk makes a database as an older release left it.
func olderDesk(t *testing.T, path string) []byte {
	t.Helper()
	packed, err := os.Open("../../storage/sqlite/testdata/search1.db.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = packed.Close() }()
	unpacked, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	old, err := io.ReadAll(unpacked)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, old, 0o600); err != nil {
		t.Fatal(err)
	}
	return old
}

// TestCommandsLeaveAnOlderDesk as it is: the program of its release may be serving it, and could not read it afterwards.
func TestCommandsLeaveAnOlderDesk(t *testing.T) { // not parallel: it sets the environment
	folder := t.TempDir()
	database := filepath.Join(folder, "topicdesk.db")
	old := olderDesk(t, database)
	t.Setenv("DATA_DIR", folder)
	t.Setenv("DATABASE_URL", "sqlite://"+database)
	for _, args := range []string{
		"apikey list", "apikey create --name x --scopes tickets:read", "apikey create --new --name x --scopes tickets:read",
		"apikey revoke 0123456789abcdef", "files check", "files clean --dry-run", "storage export",
		"storage copy --from sqlite://" + database + " --to sqlite://" + filepath.Join(folder, "other.db"),
	} {
		_, _, err := topicdesk(t, strings.Fields(args)...)
		if !errors.Is(err, storage.ErrOutdated) || !strings.Contains(err.Error(), "topicdesk backup") {
			t.Errorf("%s: %v", args, err)
		}
		if now, err := os.ReadFile(database); err != nil || !bytes.Equal(now, old) {
			t.Fatalf("%s changes the database: %v", args, err)
		}
	}
}

// migrated opens a database, which brings it up to date, and says from where.
func migrated(t *testing.T, database string) (m struct{ From, To int64 }) {
	t.Helper()
	store, err := sqlite.Open(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	was := store.Migrated()
	m.From, m.To = was.From, was.To
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	return m
}
