package files

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/topicdesk/topicdesk/storage"
)

// Records is what a Cleaner needs of the desk's records.
type Records interface {
	storage.Attachments
	Ticket(ctx context.Context, ticketID string) (*storage.Ticket, error)
}

// Cleaner removes files that are too old or too many, and compares the content with the records. It may run while a
// service and another Cleaner do.
//
// Whoever keeps content first names it in a record, and then checks that the content is there. Whoever removes
// content first moves it aside, then checks whether a record names it, and if so moves it back. So when both happen
// concurrently, at least one of them sees the other (docs/decisions.md, D27).
type Cleaner struct {
	Records   Records
	Files     *Store
	Retention time.Duration // how long a file is kept; 0: forever
	MaxTotal  int64         // bytes of all files; 0: no limit
	Hashes    bool          // Check reads all contents, too
	Now       func() time.Time
	Seen      func() // told of each record and each content that is looked at; nil: nobody
	// Own says why the files are not known to be those of the desk of Records; then Clean touches nothing. nil: they are.
	Own func(ctx context.Context) error
	Log *slog.Logger
}

// Removal is an attachment whose file is removed, or would be.
type Removal struct {
	AttachmentID, TicketID, FileName, Reason string
	Size                                     int64 // bytes
	Closed                                   bool  // its ticket is closed
}

// Report says what Clean did, or would do.
type Report struct {
	Removed   []Removal
	Freed     int64 // bytes of content that no other attachment has
	Kept      int64 // bytes of content that stays
	Orphans   int   // contents that no record names
	Temporary int   // temporary files that a process has left
}

const (
	pageSize = 500
	// youngContent is the age below which content may belong to a record that is not written yet.
	youngContent = time.Hour
)

// holding is an attachment whose content is stored.
type holding struct {
	Removal
	sha       string
	infected  bool
	createdAt time.Time
}

// Clean removes files older than Retention, and then the oldest files until at most MaxTotal bytes are left. In both
// steps the files of closed tickets go first. Without do it only reports what it would do.
func (c *Cleaner) Clean(ctx context.Context, do bool) (*Report, error) {
	if c.Own != nil {
		if err := c.Own(ctx); err != nil {
			return nil, err
		}
	}
	all, err := c.holdings(ctx)
	if err != nil {
		return nil, err
	}
	report := &Report{}
	for _, h := range c.choose(all, report) {
		if do {
			removed, err := c.drop(ctx, h)
			if err != nil {
				return report, err
			}
			if !removed {
				continue
			}
		}
		report.Removed = append(report.Removed, h.Removal)
	}
	return report, c.tidy(ctx, do, report)
}

// holdings lists all attachments whose content is stored: those of closed tickets first, and of these the oldest
// first.
func (c *Cleaner) holdings(ctx context.Context) ([]holding, error) {
	var all []holding
	closed := map[string]bool{}
	err := c.eachRecord(ctx, func(a *storage.Attachment) error {
		if a.State != storage.FileStored && a.State != storage.FileInfected || a.SHA256 == "" {
			return nil
		}
		isClosed, known := closed[a.TicketID]
		if !known {
			t, err := c.Records.Ticket(ctx, a.TicketID)
			if err != nil && !errors.Is(err, storage.ErrNotFound) {
				return err
			}
			isClosed = t == nil || t.Status == "closed"
			closed[a.TicketID] = isClosed
		}
		removal := removalOf(a)
		removal.Closed = isClosed
		all = append(all, holding{
			Removal: removal, sha: a.SHA256, infected: a.State == storage.FileInfected, createdAt: a.CreatedAt,
		})
		return nil
	})
	slices.SortFunc(all, func(a, b holding) int {
		if a.Closed != b.Closed {
			if a.Closed {
				return -1
			}
			return 1
		}
		return cmp.Or(a.createdAt.Compare(b.createdAt), cmp.Compare(a.AttachmentID, b.AttachmentID))
	})
	return all, err
}

func (c *Cleaner) seen() {
	if c.Seen != nil {
		c.Seen()
	}
}

func removalOf(a *storage.Attachment) Removal {
	return Removal{AttachmentID: a.AttachmentID, TicketID: a.TicketID, FileName: a.FileName, Size: a.FileSize}
}

func (c *Cleaner) eachRecord(ctx context.Context, f func(*storage.Attachment) error) error {
	for after := ""; ; {
		page, err := c.Records.AttachmentsAfter(ctx, after, pageSize)
		if err != nil {
			return fmt.Errorf("files: %w", err)
		}
		for i := range page {
			c.seen()
			if err := f(&page[i]); err != nil {
				return fmt.Errorf("files: %w", err)
			}
		}
		if len(page) < pageSize {
			return nil
		}
		after = page[len(page)-1].AttachmentID
	}
}

// choose selects the files to remove, and reports how much that frees.
func (c *Cleaner) choose(all []holding, report *Report) (toRemove []holding) {
	users, chosen := map[string]int{}, make([]bool, len(all))
	for _, h := range all {
		if users[h.sha]++; users[h.sha] == 1 {
			report.Kept += h.Size
		}
	}
	choose := func(i int, reason string) {
		h := all[i]
		h.Reason, chosen[i] = reason, true
		toRemove = append(toRemove, h)
		if users[h.sha]--; users[h.sha] == 0 {
			report.Kept -= h.Size
			report.Freed += h.Size
		}
	}
	for i, h := range all {
		if c.Retention > 0 && c.Now().Sub(h.createdAt) > c.Retention {
			choose(i, fmt.Sprintf("kept for %s", Age(c.Retention)))
		}
	}
	for i := 0; i < len(all) && c.MaxTotal > 0 && report.Kept > c.MaxTotal; i++ {
		if !chosen[i] {
			choose(i, fmt.Sprintf("all files together took more than %s", Size(c.MaxTotal)))
		}
	}
	return toRemove
}

// drop records that the file is removed, and then removes the content if no other record names it.
func (c *Cleaner) drop(ctx context.Context, h holding) (bool, error) {
	a, err := c.Records.Attachment(ctx, h.AttachmentID)
	if err != nil {
		return false, fmt.Errorf("files: %w", err)
	}
	if a.SHA256 != h.sha || a.State != storage.FileStored && a.State != storage.FileInfected {
		return false, nil // the record was changed meanwhile
	}
	a.State, a.Reason, a.SHA256, a.Thumbnail = storage.FileRemoved, h.Reason, "", false
	a.DueAt, a.UpdatedAt = time.Time{}, c.Now()
	err = c.Records.SaveAttachment(ctx, a)
	if errors.Is(err, storage.ErrConflict) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("files: %w", err)
	}
	prefix := contentPrefix
	if h.infected {
		prefix = quarantinePrefix
	}
	_, err = c.removeContent(ctx, prefix, h.sha)
	return true, err
}

// removeContent removes content and its thumbnail, unless a record names it.
func (c *Cleaner) removeContent(ctx context.Context, prefix, sha string) (bool, error) {
	if named, err := c.named(ctx, sha); err != nil || named {
		return false, err
	}
	for _, p := range withThumbnail(prefix) {
		err := c.Files.move(ctx, contentKey(p, sha), asideKey(p, sha))
		if err != nil && !errors.Is(err, storage.ErrNotFound) {
			return false, fmt.Errorf("files: %w", err)
		}
	}
	return c.resolveAside(ctx, prefix, sha)
}

// withThumbnail lists the prefixes that are moved together. The thumbnail is first, so content that is aside has its
// thumbnail there too.
func withThumbnail(prefix string) []string {
	if prefix == contentPrefix {
		return []string{thumbnailPrefix, contentPrefix}
	}
	return []string{prefix}
}

func asideKey(prefix, sha string) string { return contentKey(asidePrefix+prefix, sha) }

// resolveAside moves content that was moved aside back if a record names it, and otherwise removes it.
func (c *Cleaner) resolveAside(ctx context.Context, prefix, sha string) (removed bool, err error) {
	named, err := c.named(ctx, sha)
	if err != nil {
		return false, err
	}
	for _, p := range withThumbnail(prefix) {
		if named {
			err = c.Files.move(ctx, asideKey(p, sha), contentKey(p, sha))
		} else {
			err = c.Files.remove(ctx, asideKey(p, sha))
		}
		if err != nil && !errors.Is(err, storage.ErrNotFound) {
			return false, err
		}
	}
	return !named, nil
}

func (c *Cleaner) named(ctx context.Context, sha string) (bool, error) {
	some, err := c.Records.AttachmentsWith(ctx, sha, 1)
	if err != nil {
		return false, fmt.Errorf("files: %w", err)
	}
	return len(some) > 0, nil
}

// tidy resolves what a killed Cleaner has left aside, and removes contents that no record names and temporary files.
func (c *Cleaner) tidy(ctx context.Context, do bool, report *Report) error {
	for _, prefix := range []string{thumbnailPrefix, contentPrefix, quarantinePrefix} {
		err := c.Files.each(ctx, asidePrefix+prefix, func(sha string, _ int64, _ time.Time) error {
			if !do {
				return nil
			}
			_, err := c.resolveAside(ctx, prefix, sha)
			return err
		})
		if err != nil {
			return err
		}
		if prefix == thumbnailPrefix {
			continue
		}
		err = c.Files.each(ctx, prefix, func(sha string, size int64, at time.Time) error {
			c.seen()
			if time.Since(at) < youngContent {
				return nil
			}
			named, err := c.named(ctx, sha)
			if err != nil || named {
				return err
			}
			report.Orphans++
			report.Freed += size
			if do {
				_, err = c.removeContent(ctx, prefix, sha)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	if !do {
		return nil
	}
	n, err := c.Files.SweepTemporary(time.Now().Add(-staleAfter))
	report.Temporary = n
	return err
}

// Run cleans immediately and then at every interval, until ctx ends.
func (c *Cleaner) Run(ctx context.Context, every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		report, err := c.Clean(ctx, true)
		switch {
		case err != nil && ctx.Err() == nil:
			c.Log.Error("files could not be cleaned up; will retry", "error", err)
		case err == nil && len(report.Removed)+report.Orphans+report.Temporary > 0:
			c.Log.Info("files cleaned up", "removed", len(report.Removed), "freed", Size(report.Freed),
				"kept", Size(report.Kept), "orphans", report.Orphans, "temporary", report.Temporary)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// Age writes a duration for people: in days if it is a whole number of them.
func Age(d time.Duration) string {
	if days := d / (24 * time.Hour); days > 0 && d%(24*time.Hour) == 0 {
		return fmt.Sprintf("%d days", days)
	}
	return d.String()
}
