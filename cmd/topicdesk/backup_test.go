package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/config"
	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/storage/sqlite"
)

// archived is a desk for backups: records, attachments and a key, in a folder of its own.
type archived struct {
	*testing.T
	folder string
	store  *sqlite.Store // open, as a service has it
	files  int
}

func newArchived(t *testing.T, messages, files int) *archived {
	t.Helper()
	a := &archived{T: t, folder: t.TempDir(), files: files}
	store, err := sqlite.Open(t.Context(), a.database(), sqlite.WithExclusive(), sqlite.WithoutSync())
	a.must(err)
	a.store = store
	t.Cleanup(func() { _ = store.Close() })
	day := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	records := []any{&storage.User{TelegramID: 7, FirstName: "Nok", CreatedAt: day, Version: 4}}
	for n := range messages {
		records = append(records, a.message(n))
	}
	a.must(os.WriteFile(filepath.Join(a.folder, backupKey), []byte(strings.Repeat("k", 52)+"\n"), 0o600))
	contents, err := openFiles(t.Context(), a.config(), slog.New(slog.DiscardHandler))
	a.must(err)
	defer func() { a.must(contents.Close()) }()
	for n := range files {
		content := bytes.Repeat([]byte(fmt.Sprint("page ", n)), 10_000)
		sum := sha256.Sum256(content)
		sha := hex.EncodeToString(sum[:])
		a.must(contents.KeepKey(t.Context(), "content/"+sha[:2]+"/"+sha, bytes.NewReader(content)))
		records = append(records, &storage.Attachment{AttachmentID: fmt.Sprint("a", n), MessageID: "-1:0", TicketID: "T1",
			State: storage.FileStored, SHA256: sha, FileSize: int64(len(content)), CreatedAt: day, Version: 1})
	}
	a.must(store.Load(t.Context(), records))
	return a
}

func (a *archived) must(err error) {
	a.Helper()
	if err != nil {
		a.Fatal(err)
	}
}

func (a *archived) message(n int) *storage.Message {
	return &storage.Message{MessageID: fmt.Sprint("-1:", n), TicketID: "T1", Sequence: int64(n + 1),
		Text: strings.Repeat("No paper in the printer on floor 4. ", 10), Version: 1}
}

func (a *archived) database() string { return filepath.Join(a.folder, "topicdesk.db") }

func (a *archived) config() config.Config { return configIn(a.folder) }

func configIn(folder string) config.Config {
	return config.Config{DatabaseURL: config.Secret("sqlite://" + filepath.Join(folder, "topicdesk.db")), DataDir: folder}
}

// exported is all records of a desk.
func (a *archived) exported(database string) string {
	a.Helper()
	out, _, err := topicdesk(a.T, "storage", "export", "--from", "sqlite://"+database)
	a.must(err)
	return out
}

// restored restores a backup and checks that nothing is missing.
func (a *archived) restored(file, folder string) (database string) {
	a.Helper()
	a.must(restore(a.Context(), configIn(folder), file, newProgress(io.Discard)))
	database = filepath.Join(folder, "topicdesk.db")
	key, err := os.ReadFile(filepath.Join(folder, backupKey))
	if err != nil || len(key) != 53 {
		a.Errorf("the key for secrets is not there: %q %v", key, err)
	}
	store, err := sqlite.Open(a.Context(), database, sqlite.WithExclusive())
	a.must(err)
	defer func() { a.must(store.Close()) }()
	contents, err := openFiles(a.Context(), configIn(folder), slog.New(slog.DiscardHandler))
	a.must(err)
	defer func() { a.must(contents.Close()) }()
	result, err := newCleaner(configIn(folder), store, contents, slog.New(slog.DiscardHandler)).Check(a.Context())
	a.must(err)
	if result.Checked != a.files || len(result.Missing)+len(result.Unnamed) > 0 {
		a.Errorf("records and contents do not agree: %+v", result)
	}
	return database
}

func (a *archived) backedUp() (file string) {
	a.Helper()
	file = filepath.Join(a.TempDir(), "desk.tar")
	a.must(backup(a.Context(), a.config(), file, newProgress(io.Discard)))
	a.must(verifyBackup(a.Context(), file, newProgress(io.Discard)))
	return file
}

func TestBackup(t *testing.T) {
	t.Parallel()
	t.Run("it has the desk as it is at one moment, while messages are written", func(t *testing.T) {
		t.Parallel()
		const before = 5000
		a := newArchived(t, before, 20)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			for n := before; ; n++ {
				if err := a.store.Load(ctx, []any{a.message(n)}); err != nil {
					ended <- err
					return
				}
			}
		}()
		file := a.backedUp()
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		all := a.exported(a.database())
		if got := a.exported(a.restored(file, t.TempDir())); got == all {
			t.Log("nothing was written during the backup: nothing is proved about it")
		}
		store, err := sqlite.Open(t.Context(), a.restored(file, t.TempDir()))
		a.must(err)
		defer func() { a.must(store.Close()) }()
		n, err := store.Count(t.Context(), "messages")
		last, lastErr := store.LastSequence(t.Context(), "T1")
		if err := errors.Join(err, lastErr); err != nil || n < before || n != last {
			t.Errorf("%d messages, the last has number %d: %v", n, last, err)
		}
		if left, _ := filepath.Glob(file + "*"); len(left) != 1 {
			t.Errorf("it left %v", left)
		}
	})
	t.Run("what is there is not replaced", func(t *testing.T) {
		t.Parallel()
		a := newArchived(t, 10, 1)
		file := a.backedUp()
		if err := backup(t.Context(), a.config(), file, newProgress(io.Discard)); err == nil || !strings.Contains(err.Error(), "exists already") {
			t.Error(err)
		}
		if err := restore(t.Context(), a.config(), file, newProgress(io.Discard)); err == nil || !strings.Contains(err.Error(), "serves this database") {
			t.Errorf("beside a service: %v", err)
		}
		a.must(a.store.Close())
		before := a.exported(a.database())
		err := restore(t.Context(), a.config(), file, newProgress(io.Discard))
		for _, name := range []string{"move these files away", a.config().Database().Path, filepath.Join(a.folder, backupKey)} {
			if err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("%v: no word of %s", err, name)
			}
		}
		if a.exported(a.database()) != before {
			t.Error("the desk was changed")
		}
		other := t.TempDir()
		a.must(os.WriteFile(filepath.Join(other, backupKey), []byte("another key"), 0o600))
		if err := restore(t.Context(), configIn(other), file, newProgress(io.Discard)); err == nil || !strings.Contains(err.Error(), backupKey) {
			t.Errorf("another desk's key: %v", err)
		}
	})
	t.Run("a desk without its folder is refused, and none is made", func(t *testing.T) {
		t.Parallel()
		a := newArchived(t, 10, 3)
		other := filepath.Join(t.TempDir(), "other")
		c := a.config()
		c.DataDir = other
		for _, made := range []bool{false, true} {
			if made {
				a.must(os.MkdirAll(filepath.Join(other, "files"), 0o755))
			}
			file := filepath.Join(t.TempDir(), "desk.tar")
			err := backup(t.Context(), c, file, newProgress(io.Discard))
			if err == nil || !strings.Contains(err.Error(), "none of the desk's 3 attachments") || !strings.Contains(err.Error(), other) {
				t.Error(err)
			}
			if _, err := os.Stat(file); err == nil {
				t.Error("a backup was made")
			}
			if _, err := os.Stat(other); err == nil != made {
				t.Errorf("%s: %v", other, err)
			}
		}
		a.must(a.store.SaveWebhook(t.Context(), &storage.Webhook{WebhookID: "wh_1", URL: "https://crm.test", KeyID: "k"}))
		err := backup(t.Context(), c, filepath.Join(t.TempDir(), "desk.tar"), newProgress(io.Discard))
		if err == nil || !strings.Contains(err.Error(), "no secrets.key") {
			t.Error(err)
		}
	})
	t.Run("without a folder for it, the backup says so", func(t *testing.T) {
		t.Parallel()
		a, folder := newArchived(t, 1, 0), filepath.Join(t.TempDir(), "nonexist")
		err := backup(t.Context(), a.config(), filepath.Join(folder, "x.tar"), newProgress(io.Discard))
		if err == nil || err.Error() != "the folder "+folder+" does not exist" {
			t.Error(err)
		}
	})
	t.Run("a restore that fails says what to do next, and another backup can be restored there", func(t *testing.T) {
		t.Parallel()
		a := newArchived(t, 10, 1)
		file, folder := a.backedUp(), t.TempDir()
		whole, err := os.ReadFile(file)
		a.must(err)
		bad := filepath.Join(t.TempDir(), "bad.tar")
		a.must(os.WriteFile(bad, whole[:len(whole)/2], 0o600))
		err = restore(t.Context(), configIn(folder), bad, newProgress(io.Discard))
		if err == nil || !strings.Contains(err.Error(), "Restore another backup") || !strings.Contains(err.Error(), "topicdesk.db.restoring") {
			t.Error(err)
		}
		a.restored(file, folder)
	})
	t.Run("of a file that is no backup nothing is left, so that a service can begin there", func(t *testing.T) {
		t.Parallel()
		file, folder := filepath.Join(t.TempDir(), "garbage.tar"), t.TempDir()
		for _, garbage := range []string{"", "no backup at all", strings.Repeat("x", 4096)} {
			if err := os.WriteFile(file, []byte(garbage), 0o600); err != nil {
				t.Fatal(err)
			}
			err := restore(t.Context(), configIn(folder), file, newProgress(io.Discard))
			if err == nil || strings.Contains(err.Error(), "does not start") {
				t.Error(err)
			}
			if left, _ := filepath.Glob(filepath.Join(folder, "*.restoring")); len(left) > 0 {
				t.Errorf("left: %q", left)
			}
		}
	})
	t.Run("damage is found, wherever it is, and such a file is not restored", func(t *testing.T) {
		t.Parallel()
		a := newArchived(t, 200, 2)
		file := a.backedUp()
		whole, err := os.ReadFile(file)
		a.must(err)
		end := bytes.LastIndex(whole, []byte(`"createdAt"`)) // what follows the manifest is padding
		for i := range 24 {
			at := (end - 1) * i / 23
			flipped := bytes.Clone(whole)
			flipped[at] ^= 0x55
			for what, content := range map[string][]byte{"flipped": flipped, "cut off": whole[:at]} {
				name := filepath.Join(t.TempDir(), "bad.tar")
				a.must(os.WriteFile(name, content, 0o600))
				if err := verifyBackup(t.Context(), name, newProgress(io.Discard)); err == nil && !bytes.Equal(content[at:], whole[at:]) {
					if padding(whole, at) && what == "flipped" {
						continue
					}
					t.Errorf("%s at %d: it is not found", what, at)
				}
				folder := t.TempDir()
				if err := restore(t.Context(), configIn(folder), name, newProgress(io.Discard)); err == nil && !padding(whole, at) {
					t.Errorf("%s at %d: it is restored", what, at)
				}
			}
		}
	})
}

// TestBackupOfDamagedAttachments: what is damaged in the desk is damaged in its backup, and who backs up, checks or
// restores it is told.
func TestBackupOfDamagedAttachments(t *testing.T) {
	t.Parallel()
	a := newArchived(t, 10, 3)
	contents, err := filepath.Glob(filepath.Join(a.folder, "files", "content", "*", "*"))
	a.must(err)
	a.must(os.Truncate(contents[0], 0))
	twice, err := a.store.AttachmentsWith(t.Context(), filepath.Base(contents[1]), 1)
	a.must(err)
	twice[0].AttachmentID, twice[0].Version = "again", 1
	a.must(a.store.Load(t.Context(), []any{&twice[0]}))
	a.must(os.Remove(contents[1]))
	var told bytes.Buffer
	file := filepath.Join(t.TempDir(), "desk.tar")
	err = backup(t.Context(), a.config(), file, newProgress(&told))
	for _, want := range []string{"damaged: attachment a", "it has 0 bytes instead of ", "2 attachments without content, 1 damaged"} {
		if err == nil || !strings.Contains(err.Error(), "1 attachments of the desk are damaged") || !strings.Contains(told.String(), want) {
			t.Errorf("%v, and no %q in\n%s", err, want, told.String())
		}
	}
	told.Reset()
	err = verifyBackup(t.Context(), file, newProgress(&told))
	if err == nil || !strings.Contains(err.Error(), "1 attachments in it are damaged") || !strings.Contains(told.String(), "damaged: attachment a") {
		t.Errorf("%v\n%s", err, told.String())
	}
	told.Reset()
	a.must(restore(t.Context(), configIn(t.TempDir()), file, newProgress(&told)))
	if !strings.Contains(told.String(), "1 contents of attachments were damaged") {
		t.Error(told.String())
	}
}

// padding reports whether a byte of a tar file is between two entries, where nothing reads it.
func padding(tar []byte, at int) bool {
	return tar[at] == 0 && bytes.Trim(tar[at:at+512-at%512], "\x00") == nil
}

// TestBackupKilled kills backups and restores in the middle, with SIGKILL.
func TestBackupKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("long: a process for each moment")
	}
	t.Parallel()
	messages, moments := 4000, 3
	if long() {
		messages, moments = 20_000, 6
	}
	a := newArchived(t, messages, 100)
	want := a.exported(a.database())
	// run measures and kills from when the command has begun to write: a file has one of the names.
	run := func(folder string, kill time.Duration, begun []string, args ...string) (took time.Duration, code int) {
		t.Helper()
		self, err := os.Executable()
		a.must(err)
		cmd := exec.Command(self, args...)
		cmd.Dir = folder
		cmd.Env = []string{childEnv + "=" + childMain, "DATABASE_URL=sqlite://" + filepath.Join(folder, "topicdesk.db"), "DATA_DIR=" + folder,
			"GORACE=atexit_sleep_ms=0"} // the race detector's second at the end is not of the command
		a.must(cmd.Start())
		ended := make(chan struct{})
		go func() { defer close(ended); _ = cmd.Wait() }()
		writes := time.Now()
		look := time.NewTicker(time.Millisecond)
		defer look.Stop()
		for waits := true; waits; {
			select {
			case <-ended:
				waits = false
			case <-look.C:
				writes = time.Now()
				waits = !slices.ContainsFunc(begun, func(name string) bool { return !missing(name) })
			}
		}
		if kill > 0 {
			defer time.AfterFunc(kill, func() { _ = cmd.Process.Signal(syscall.SIGKILL) }).Stop()
		}
		<-ended
		return time.Since(writes), cmd.ProcessState.ExitCode()
	}
	backedUp := func(file string, kill time.Duration) (time.Duration, int) {
		t.Helper()
		return run(a.folder, kill, []string{file + ".db.part", file + ".part"}, "backup", file)
	}
	file := filepath.Join(t.TempDir(), "desk.tar")
	took, code := backedUp(file, 0)
	if code != 0 {
		t.Fatalf("exit code %d", code)
	}
	killed := 0
	for i := 1; i <= moments; i++ {
		again := filepath.Join(t.TempDir(), "desk.tar")
		if _, code := backedUp(again, took*time.Duration(i)/time.Duration(moments+1)); code != 0 {
			killed++
			if _, err := os.Stat(again); errors.Is(err, fs.ErrNotExist) {
				if _, code := backedUp(again, 0); code != 0 {
					t.Errorf("the same command ends with %d", code)
				}
			} // else killed after the last step: what has the name must be whole
		}
		a.must(verifyBackup(t.Context(), again, newProgress(io.Discard)))
	}
	if a.exported(a.database()) != want {
		t.Error("the desk was changed")
	}
	folder := t.TempDir()
	restored := func(folder string, kill time.Duration) (time.Duration, int) {
		t.Helper()
		return run(folder, kill, []string{filepath.Join(folder, "topicdesk.db.restoring")}, "restore", file)
	}
	took, code = restored(folder, 0)
	if code != 0 || a.exported(filepath.Join(folder, "topicdesk.db")) != want {
		t.Fatalf("exit code %d, or another desk", code)
	}
	interrupted := 0
	for i := 1; i <= moments; i++ {
		folder := t.TempDir()
		database := filepath.Join(folder, "topicdesk.db")
		if _, code := restored(folder, took*time.Duration(i)/time.Duration(moments+1)); code == 0 {
			continue
		}
		killed++
		if _, err := os.Stat(database); err == nil { // killed after the last step
			if a.exported(database) != want {
				t.Error("a killed restore has left another desk")
			}
			continue
		}
		if _, err := os.Stat(database + ".restoring"); err == nil {
			interrupted++
			if _, err := sqlite.Open(t.Context(), database); err == nil || !strings.Contains(err.Error(), "interrupted") {
				t.Errorf("a service would begin a new desk: %v", err)
			}
		}
		if a.exported(a.restored(file, folder)) != want {
			t.Error("the second attempt makes another desk")
		}
	}
	if killed == 0 || interrupted == 0 {
		t.Errorf("%d commands were killed, %d restores after they began to write: nothing is proved", killed, interrupted)
	}
}
