package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/storage/sqlite"
)

// TestFilesCommands runs the subcommands beside a service that has the database open.
func TestFilesCommands(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	t.Setenv("DATABASE_URL", "sqlite://"+filepath.Join(dir, "desk.db"))
	t.Setenv("DATA_DIR", filepath.Join(dir, "data"))
	t.Setenv("FILES_RETENTION", "30d")
	store, err := sqlite.Open(t.Context(), filepath.Join(dir, "desk.db"), sqlite.WithExclusive())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	}()
	const sha = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
	a := &storage.Attachment{AttachmentID: "-1:2.u", TicketID: "TICK-1", MessageID: "-1:2", FileName: "old.txt",
		FileSize: 3, SHA256: sha,
		State: storage.FileStored, CreatedAt: time.Now().AddDate(0, 0, -40)}
	if err := store.SaveAttachment(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) (string, error) {
		var out bytes.Buffer
		cmd := rootCommand()
		cmd.SetArgs(append([]string{"files"}, args...))
		cmd.SetOut(&out)
		cmd.SetErr(&bytes.Buffer{})
		err := cmd.ExecuteContext(t.Context())
		return out.String(), err
	}
	if out, err := run("check"); err == nil || !strings.Contains(out,
		"no content: attachment -1:2.u (old.txt, 3 bytes) of ticket TICK-1") {
		t.Errorf("check: %v\n%s", err, out)
	}
	content := filepath.Join(dir, "data", "files", "content", sha[:2], sha)
	if err := os.MkdirAll(filepath.Dir(content), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(content, []byte("abc"), 0o600); err != nil {
		t.Fatal(err)
	}
	for damaged, args := range map[string][]string{
		"": {"check"}, "abcd": {"check"}, "abx": {"check", "--hashes"},
	} {
		if err := os.WriteFile(content, []byte(damaged), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := run(args...)
		if err == nil || !strings.Contains(out, "damaged: attachment -1:2.u (old.txt, 3 bytes) of ticket TICK-1: it") ||
			!strings.Contains(out, "0 without content, 1 damaged") {
			t.Errorf("%q: %v\n%s", damaged, err, out)
		}
	}
	if err := os.WriteFile(content, []byte("abc"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := run("check", "--hashes"); err != nil || !strings.Contains(out,
		"1 attachments checked, 0 without content, 0 damaged, 0 contents without an attachment") {
		t.Errorf("check: %v\n%s", err, out)
	}
	if out, err := run("clean", "--dry-run"); err != nil || !strings.Contains(out,
		"would remove -1:2.u (old.txt, 3 bytes; closed ticket TICK-1): kept for 30 days") {
		t.Errorf("dry run: %v\n%s", err, out)
	}
	if _, err := os.Stat(content); err != nil {
		t.Error("a dry run removed the content")
	}
	if out, err := run("clean"); err != nil || !strings.Contains(out, "removed 1 attachments") {
		t.Errorf("clean: %v\n%s", err, out)
	}
	if _, err := os.Stat(content); !os.IsNotExist(err) {
		t.Errorf("the content is there still: %v", err)
	}
}
