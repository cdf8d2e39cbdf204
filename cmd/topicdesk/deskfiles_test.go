package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/config"
	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/storage/files"
	"github.com/topicdesk/topicdesk/storage/sqlite"
)

// filesDesk is a desk in a folder of its own, which serves with the simulator.
type filesDesk struct {
	*testing.T
	folder, files string
}

func (d filesDesk) config() config.Config {
	return settingsOf(d.T, map[string]string{"DATA_DIR": d.folder, "HTTP_ADDR": "127.0.0.1:0",
		"FILES_URL": "file://" + d.files})
}

// serves runs the service until it runs.
func (d filesDesk) serves() {
	d.Helper()
	d.says("")
}

// says runs the service until it runs and has logged a text.
func (d filesDesk) says(text string) {
	d.Helper()
	logged := make(lines, 1000)
	r, err := runApp(d.T, d.config(), logged)
	if err != nil {
		d.Fatal(err)
	}
	for late := time.After(time.Minute); text != ""; {
		select {
		case line := <-logged:
			if strings.Contains(line, text) {
				text = ""
			}
		case <-late:
			d.Fatalf("it does not say %q", text)
		}
	}
	if err := r.stop(); err != nil {
		d.Fatal(err)
	}
}

func (d filesDesk) refuses(want ...string) {
	d.Helper()
	_, err := runApp(d.T, d.config(), io.Discard)
	strange := (*strangeFilesError)(nil)
	if !errors.As(err, &strange) {
		d.Fatalf("it ends with %v", err)
	}
	for _, part := range want {
		if !strings.Contains(err.Error(), part) {
			d.Errorf("%q is not in %q", part, err)
		}
	}
}

// has gives the desk attachments, which are a day old.
func (d filesDesk) has(contents ...string) {
	d.Helper()
	store, err := sqlite.Open(d.Context(), filepath.Join(d.folder, "topicdesk.db"))
	if err != nil {
		d.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	old := time.Now().AddDate(0, 0, -1)
	for _, content := range contents {
		sum := sha256.Sum256([]byte(content))
		sha := hex.EncodeToString(sum[:])
		a := &storage.Attachment{AttachmentID: "-1:2." + content, TicketID: "TICK-1", MessageID: "-1:2", FileName: content,
			FileSize: int64(len(content)), SHA256: sha, State: storage.FileStored, CreatedAt: old}
		if err := store.SaveAttachment(d.Context(), a); err != nil {
			d.Fatal(err)
		}
		name := filepath.Join(d.files, "content", sha[:2], sha)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			d.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			d.Fatal(err)
		}
		if err := os.Chtimes(name, old, old); err != nil {
			d.Fatal(err)
		}
	}
}

// contents counts what is kept.
func (d filesDesk) contents() int {
	d.Helper()
	all, err := filepath.Glob(filepath.Join(d.files, "content", "*", "*"))
	if err != nil {
		d.Fatal(err)
	}
	return len(all)
}

func (d filesDesk) clean(args ...string) error {
	d.Helper()
	for name, value := range map[string]string{"DATABASE_URL": "sqlite://" + filepath.Join(d.folder, "topicdesk.db"),
		"DATA_DIR": d.folder, "FILES_URL": "file://" + d.files} {
		d.Setenv(name, value)
	}
	cmd := rootCommand()
	cmd.SetArgs(append([]string{"files", "clean"}, args...))
	cmd.SetOut(io.Discard)
	cmd.SetErr(&bytes.Buffer{})
	return cmd.ExecuteContext(d.Context())
}

// TestAnotherDesksFilesStay: to a desk that does not know them, they look like contents without an attachment.
func TestAnotherDesksFilesStay(t *testing.T) { // not parallel: it sets the environment for a command
	att := filepath.Join(t.TempDir(), "att")
	own, other := filesDesk{t, t.TempDir(), att}, filesDesk{t, t.TempDir(), att}
	own.serves()
	if err := os.Remove(filepath.Join(att, files.MarkName)); err != nil {
		t.Fatal(err)
	}
	own.has("one", "two", "three")

	if other.says("nothing is cleaned up there"); own.contents() != 3 {
		t.Errorf("beside a desk from before there were marks, %d contents are left", own.contents())
	}
	if err := other.clean(); err == nil || own.contents() != 3 {
		t.Errorf("files clean: %v, and %d contents are left", err, own.contents())
	}
	if _, err := os.Stat(filepath.Join(att, files.MarkName)); err == nil {
		t.Error("a desk that was just made has marked another one's files")
	}

	own.serves() // and marks them, as their records name them
	other.refuses("another desk", att)
	if err := other.clean(); err == nil || own.contents() != 3 {
		t.Errorf("files clean: %v, and %d contents are left", err, own.contents())
	}
	filesDesk{t, t.TempDir(), att}.refuses("another desk", att) // one that is just made
	if own.serves(); own.contents() != 3 {
		t.Errorf("%d contents are left to their own desk", own.contents())
	}
}

// TestOwnFilesAreCleaned: the mark keeps nobody from what a clean-up is for.
func TestOwnFilesAreCleaned(t *testing.T) { // not parallel: it sets the environment for a command
	d := filesDesk{t, t.TempDir(), filepath.Join(t.TempDir(), "att")}
	d.serves()
	d.has("one", "two", "three")
	filesDesk{t, t.TempDir(), d.files}.has("four")
	if err := d.clean("--dry-run"); err != nil || d.contents() != 4 {
		t.Errorf("a dry run: %v, and %d contents are left", err, d.contents())
	}
	if err := d.clean(); err != nil || d.contents() != 3 {
		t.Errorf("%v, and %d contents are left", err, d.contents())
	}
}

// TestMissingFilesAreNoNewFolder: where a disk is not mounted, the start would make a folder, and keep new files there.
func TestMissingFilesAreNoNewFolder(t *testing.T) {
	t.Parallel()
	d := filesDesk{t, t.TempDir(), filepath.Join(t.TempDir(), "disk", "att")}
	d.serves() // of a new desk, it makes the folder
	d.has("one")
	d.serves()
	disk, away := filepath.Dir(d.files), filepath.Join(t.TempDir(), "away")
	if err := os.Rename(disk, away); err != nil {
		t.Fatal(err)
	}
	d.refuses("its disk is mounted", d.files)
	if exists(disk) {
		t.Error("a folder was made")
	}
	if err := os.MkdirAll(d.files, 0o700); err != nil { // where the disk is to be mounted
		t.Fatal(err)
	}
	d.refuses("its disk is mounted", d.files)
	if err := os.RemoveAll(disk); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(away, disk); err != nil {
		t.Fatal(err)
	}
	d.serves()
	if err := os.Remove(filepath.Join(d.files, files.MarkName)); err != nil { // a copy of the contents alone
		t.Fatal(err)
	}
	d.serves()
	if !exists(filepath.Join(d.files, files.MarkName)) {
		t.Error("the desk's own files are not marked again")
	}
}

// mark is the id that the files have.
func (d filesDesk) mark() string {
	d.Helper()
	text, err := os.ReadFile(filepath.Join(d.files, files.MarkName))
	if err != nil {
		d.Fatal(err)
	}
	return string(text)
}

// TestACopyOfADeskKeepsItsFiles: the desk's id goes where its records go.
func TestACopyOfADeskKeepsItsFiles(t *testing.T) {
	t.Parallel()
	d := filesDesk{t, t.TempDir(), filepath.Join(t.TempDir(), "att")}
	d.says("made a new desk")
	d.has("one", "two")
	tar := filepath.Join(t.TempDir(), "desk.tar")
	if err := backup(t.Context(), d.config(), tar, newProgress(io.Discard)); err != nil {
		t.Fatal(err)
	}

	copied := filesDesk{t, t.TempDir(), d.files}
	from, err := openDesk(t.Context(), "sqlite://"+filepath.Join(d.folder, "topicdesk.db"), alone, existing)
	if err != nil {
		t.Fatal(err)
	}
	to, err := openTarget(t.Context(), "sqlite://"+filepath.Join(copied.folder, "topicdesk.db"))
	if err != nil {
		t.Fatal(err)
	}
	err = copyInto(t.Context(), from, to, newProgress(io.Discard))
	if err := errors.Join(err, from.Close(), to.Close()); err != nil {
		t.Fatal(err)
	}
	if copied.serves(); d.contents() != 2 {
		t.Errorf("beside a copy, %d contents are left", d.contents())
	}

	restored := filesDesk{t, t.TempDir(), filepath.Join(t.TempDir(), "restored")}
	if err := restore(t.Context(), restored.config(), tar, newProgress(io.Discard)); err != nil {
		t.Fatal(err)
	}
	if restored.serves(); restored.contents() != 2 || restored.mark() != d.mark() {
		t.Errorf("%d contents are restored, marked %q instead of %q", restored.contents(), restored.mark(), d.mark())
	}
}

// TestNodesMarkFilesTogether: nodes of one desk that start at the same time agree on its id.
func TestNodesMarkFilesTogether(t *testing.T) {
	t.Parallel()
	d := filesDesk{t, t.TempDir(), filepath.Join(t.TempDir(), "att")}
	records, err := sqlite.Open(t.Context(), filepath.Join(d.folder, "topicdesk.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = records.Close() }()
	const nodes = 8
	begin, ended := make(chan struct{}), make(chan error, nodes)
	for range nodes {
		store, err := openFiles(t.Context(), d.config(), d.config().Logger(io.Discard))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = store.Close() }()
		go func() {
			<-begin
			ended <- claimFiles(t.Context(), records, store, d.config())
		}()
	}
	close(begin)
	for range nodes {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	lease, err := records.Lease(t.Context(), leaseOfFiles)
	if err != nil || lease.Epoch < 2 || strings.TrimSpace(d.mark()) != lease.Owner {
		t.Errorf("the desk is %+v (%v), and its files are marked %q", lease, err, d.mark())
	}
}
