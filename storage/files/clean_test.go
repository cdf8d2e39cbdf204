package files

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/storage/sqlite"
)

var today = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// cellar is a database with an open and a closed ticket, and a store of files.
type cellar struct {
	t       *testing.T
	records *sqlite.Store
	files   *Store
	cleaner *Cleaner
}

func newCellar(t *testing.T) *cellar {
	t.Helper()
	records, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "desk.db"), sqlite.WithoutSync())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := records.Close(); err != nil {
			t.Error(err)
		}
	})
	for id, status := range map[string]string{"OPEN": "open", "CLOSED": "closed"} {
		ticket := &storage.Ticket{TicketID: id, Status: status, Home: storage.Topic{TopicID: "home"}}
		if err := records.SaveTicket(t.Context(), ticket); err != nil {
			t.Fatal(err)
		}
	}
	store := open(t, Options{})
	return &cellar{t, records, store, &Cleaner{Records: records, Files: store, Now: func() time.Time { return today }}}
}

// put stores a file of a ticket as a download does, so many days ago.
func (c *cellar) put(id, ticket, data string, days int) *storage.Attachment {
	c.t.Helper()
	a, err := c.keep(id, ticket, data, days)
	if err != nil {
		c.t.Fatal(err)
	}
	return a
}

func (c *cellar) keep(id, ticket, data string, days int) (*storage.Attachment, error) {
	ctx := context.Background()
	r, err := c.files.Receive(ctx, storage.FileClaim{}, strings.NewReader(data))
	if err != nil {
		return nil, err
	}
	defer r.Discard()
	f := r.Facts()
	a := &storage.Attachment{AttachmentID: id, TicketID: ticket, MessageID: "m", FileName: id + ".txt",
		SHA256: f.SHA256, FileSize: f.Size,
		State: storage.FileDownloading, CreatedAt: today.AddDate(0, 0, -days)}
	if err := c.records.SaveAttachment(ctx, a); err != nil {
		return nil, err
	}
	if err := r.Keep(ctx); err != nil {
		return nil, err
	}
	a.State = storage.FileStored
	return a, c.records.SaveAttachment(ctx, a)
}

func (c *cellar) clean(do bool) string {
	c.t.Helper()
	report, err := c.cleaner.Clean(c.t.Context(), do)
	if err != nil {
		c.t.Fatal(err)
	}
	var gone []string
	for _, r := range report.Removed {
		gone = append(gone, r.AttachmentID)
	}
	return fmt.Sprintf("%s; %d freed, %d kept, %d orphans",
		strings.Join(gone, " "), report.Freed, report.Kept, report.Orphans)
}

func (c *cellar) agree() {
	c.t.Helper()
	result, err := c.cleaner.Check(c.t.Context())
	if err != nil || len(result.Missing)+len(result.Unnamed) > 0 {
		c.t.Errorf("records and contents do not agree: %+v, %v", result, err)
	}
}

func TestCleanByAge(t *testing.T) {
	c := newCellar(t)
	c.cleaner.Retention = 90 * 24 * time.Hour
	c.put("a", "OPEN", "aaaa", 100)
	c.put("b", "CLOSED", "bb", 95)
	c.put("c", "CLOSED", "c", 10)
	shared := c.put("d", "OPEN", "aaaa", 1) // the same content as a
	const want = "b a; 2 freed, 5 kept, 0 orphans"
	if got := c.clean(false); got != want {
		t.Errorf("a dry run: got %s, want %s", got, want)
	}
	if n := filesIn(t, c.files.root); n != 3 {
		t.Errorf("a dry run left %d contents of 3", n)
	}
	if got := c.clean(true); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := c.clean(true); got != "; 0 freed, 5 kept, 0 orphans" {
		t.Errorf("again: got %s", got)
	}
	if got := content(t, c.files, c.files.Open, shared.SHA256); string(got) != "aaaa" {
		t.Errorf("the content that another attachment has: %q", got)
	}
	a, err := c.records.Attachment(t.Context(), "a")
	if err != nil || a.State != storage.FileRemoved || a.SHA256 != "" || a.Reason != "kept for 90 days" {
		t.Errorf("got %+v, %v", a, err)
	}
	if n := filesIn(t, c.files.root); n != 2 {
		t.Errorf("%d contents are left, want 2", n)
	}
	c.agree()
}

func TestCleanBySize(t *testing.T) {
	c := newCellar(t)
	c.cleaner.MaxTotal = 10
	c.put("old", "OPEN", "12345", 50)
	c.put("closed", "CLOSED", "abcdef", 2)
	c.put("older closed", "CLOSED", "ABCD", 3)
	c.put("young", "OPEN", "xyz", 1)
	if got, want := c.clean(true), "older closed closed; 10 freed, 8 kept, 0 orphans"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	c.cleaner.MaxTotal = 7
	if got, want := c.clean(true), "old; 5 freed, 3 kept, 0 orphans"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	c.agree()
}

func TestOrphansAreFoundInBothDirections(t *testing.T) {
	c := newCellar(t)
	gone := c.put("gone", "OPEN", "gone", 1)
	lonely := c.put("lonely", "OPEN", "lonely", 1)
	c.put("fine", "OPEN", "fine", 1)
	path := func(sha string) string { return filepath.Join(c.files.root, "content", sha[:2], sha) }
	lost := lonely.SHA256
	lonely.SHA256, lonely.State = "", storage.FileRemoved
	young := keep(t, c.files, "", "", []byte("its record is about to be written"))
	if err := errors.Join(os.Remove(path(gone.SHA256)), c.records.SaveAttachment(t.Context(), lonely),
		os.Chtimes(path(lost), time.Time{}, time.Now().Add(-2*time.Hour))); err != nil {
		t.Fatal(err)
	}
	result, err := c.cleaner.Check(t.Context())
	if err != nil || len(result.Missing) != 1 || result.Missing[0].AttachmentID != "gone" ||
		fmt.Sprint(result.Unnamed) != "[content/"+lost+"]" {
		t.Errorf("got %+v, %v", result, err)
	}
	if got := c.clean(true); !strings.Contains(got, "1 orphans") {
		t.Errorf("got %s", got)
	}
	if _, _, err := c.files.Open(t.Context(), lost); !errors.Is(err, storage.ErrNotFound) {
		t.Errorf("the orphan: %v", err)
	}
	content(t, c.files, c.files.Open, young.SHA256)
}

// TestACleanerThatWasKilled: content that it had moved aside is moved back if a record names it, and removed
// otherwise.
func TestACleanerThatWasKilled(t *testing.T) {
	c := newCellar(t)
	named := c.put("named", "OPEN", "named", 1)
	facts := keep(t, c.files, "", "", []byte("unnamed"))
	for _, sha := range []string{named.SHA256, facts.SHA256} {
		if err := c.files.move(t.Context(), contentKey(contentPrefix, sha), asideKey(contentPrefix, sha)); err != nil {
			t.Fatal(err)
		}
	}
	c.clean(true)
	content(t, c.files, c.files.Open, named.SHA256)
	if n := filesIn(t, c.files.root); n != 1 {
		t.Errorf("%d contents are left, want 1", n)
	}
	c.agree()
}

// TestCleanBesideAService: files with the same few contents are stored and removed concurrently. Every record that
// says that its content is stored has it.
func TestCleanBesideAService(t *testing.T) {
	c := newCellar(t)
	c.cleaner.Retention = time.Hour
	const writers, rounds = 3, 24
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range rounds {
				// Two of three are old enough to be removed immediately.
				days := []int{0, 9, 9}[i%3]
				if _, err := c.keep(fmt.Sprintf("%d/%d", w, i), "OPEN", fmt.Sprint("content ", i%4), days); err != nil {
					t.Errorf("keep: %v", err)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		if _, err := c.cleaner.Clean(t.Context(), true); err != nil {
			t.Fatal(err)
		}
	}
	c.agree()
	stored, err := c.records.AttachmentsAfter(t.Context(), "", 1000)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, a := range stored {
		if a.State == storage.FileStored {
			n++
			content(t, c.files, c.files.Open, a.SHA256)
		}
	}
	if n != writers*rounds/3 {
		t.Errorf("%d files are stored, want %d", n, writers*rounds/3)
	}
}

func TestCleanMeetsManyRecords(t *testing.T) {
	c := newCellar(t)
	sha := c.put("first", "OPEN", "the same for all", 1).SHA256
	var all []storage.Attachment
	for i := range 10_000 {
		all = append(all, storage.Attachment{
			AttachmentID: fmt.Sprintf("x%05d", i), TicketID: "CLOSED", MessageID: "m", SHA256: sha, FileSize: 16,
			State: storage.FileStored, CreatedAt: today.AddDate(-1, 0, 0)})
	}
	if err := c.records.InsertAttachments(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	c.cleaner.MaxTotal = 16
	if got := c.clean(true); got != "; 0 freed, 16 kept, 0 orphans" {
		t.Errorf("10,001 attachments with one content: got %s", got)
	}
	result, err := c.cleaner.Check(t.Context())
	if err != nil || result.Checked != 10_001 || len(result.Missing) > 0 {
		t.Errorf("got %d checked, %v", result.Checked, err)
	}
}
