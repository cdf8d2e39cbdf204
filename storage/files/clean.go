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

// Records are what a Cleaner needs of the desk's records.
type Records interface {
	storage.Attachments
	Ticket(ctx context.Context, ticketID string) (*storage.Ticket, error)
}

// Cleaner takes away what is kept too long or is too much, and compares what is kept with what the records say. It may run beside
// a service, and beside another Cleaner.
//
// Whoever keeps content names it in a record first, then looks whether it is there. Whoever removes content moves it aside first,
// then looks whether a record names it, and if so moves it back. So of two that meet, one sees the other.
type Cleaner struct {
	Records   Records
	Files     *Store
	Retention time.Duration // how long a file is kept; 0: for ever
	MaxTotal  int64         // bytes of all files; 0: no limit
	Now       func() time.Time
	Log       *slog.Logger
}

// Removal is a file that is taken away, or would be.
type Removal struct {
	AttachmentID, TicketID, FileName, Reason string
	Size                                     int64
	Closed                                   bool // its ticket is
}

// Report is what a Clean did, or would do.
type Report struct {
	Removed   []Removal
	Freed     int64 // bytes of content that no other attachment has
	Kept      int64 // bytes of content that stays
	Orphans   int   // contents that no record named
	Temporary int   // files that a process left behind
}

const (
	pageSize = 500
	// youngContent may belong to a record that is about to be written.
	youngContent = time.Hour
)

// holding is an attachment whose content is kept.
type holding struct {
	Removal
	sha       string
	infected  bool
	createdAt time.Time
}

// Clean removes files older than Retention, then the oldest until no more than MaxTotal bytes are left; in both, those of closed
// tickets go first. Without do it only says what it would do.
func (c *Cleaner) Clean(ctx context.Context, do bool) (*Report, error) {
	held, err := c.holdings(ctx)
	if err != nil {
		return nil, err
	}
	report := &Report{}
	for _, h := range c.choose(held, report) {
		if do {
			gone, err := c.drop(ctx, h)
			if err != nil {
				return report, err
			}
			if !gone {
				continue
			}
		}
		report.Removed = append(report.Removed, h.Removal)
	}
	return report, c.tidy(ctx, do, report)
}

// holdings lists all attachments whose content is kept, closed tickets first, the oldest first.
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
		all = append(all, holding{
			Removal: Removal{AttachmentID: a.AttachmentID, TicketID: a.TicketID, FileName: a.FileName, Size: a.FileSize, Closed: isClosed},
			sha:     a.SHA256, infected: a.State == storage.FileInfected, createdAt: a.CreatedAt,
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

func (c *Cleaner) eachRecord(ctx context.Context, f func(*storage.Attachment) error) error {
	for after := ""; ; {
		page, err := c.Records.AttachmentsAfter(ctx, after, pageSize)
		if err != nil {
			return fmt.Errorf("files: %w", err)
		}
		for i := range page {
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

// choose says which of them go, and works out what that frees.
func (c *Cleaner) choose(held []holding, report *Report) (gone []holding) {
	users, chosen := map[string]int{}, make([]bool, len(held))
	for _, h := range held {
		if users[h.sha]++; users[h.sha] == 1 {
			report.Kept += h.Size
		}
	}
	choose := func(i int, reason string) {
		h := held[i]
		h.Reason, chosen[i] = reason, true
		gone = append(gone, h)
		if users[h.sha]--; users[h.sha] == 0 {
			report.Kept -= h.Size
			report.Freed += h.Size
		}
	}
	for i, h := range held {
		if c.Retention > 0 && c.Now().Sub(h.createdAt) > c.Retention {
			choose(i, fmt.Sprintf("kept for %s", Age(c.Retention)))
		}
	}
	for i := 0; i < len(held) && c.MaxTotal > 0 && report.Kept > c.MaxTotal; i++ {
		if !chosen[i] {
			choose(i, fmt.Sprintf("all files together took more than %s", Size(c.MaxTotal)))
		}
	}
	return gone
}

// drop notes in the record that the file is gone, then removes the content if no other record has it.
func (c *Cleaner) drop(ctx context.Context, h holding) (bool, error) {
	a, err := c.Records.Attachment(ctx, h.AttachmentID)
	if err != nil {
		return false, fmt.Errorf("files: %w", err)
	}
	if a.SHA256 != h.sha || a.State != storage.FileStored && a.State != storage.FileInfected {
		return false, nil // somebody else did something about it
	}
	a.State, a.Reason, a.SHA256, a.Thumbnail, a.DueAt, a.UpdatedAt = storage.FileRemoved, h.Reason, "", false, time.Time{}, c.Now()
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

// removeContent removes content that no record names, and its thumbnail.
func (c *Cleaner) removeContent(ctx context.Context, prefix, sha string) (bool, error) {
	if named, err := c.named(ctx, sha); err != nil || named {
		return false, err
	}
	for _, p := range withThumbnail(prefix) {
		if err := c.Files.move(ctx, contentKey(p, sha), asideKey(p, sha)); err != nil && !errors.Is(err, storage.ErrNotFound) {
			return false, fmt.Errorf("files: %w", err)
		}
	}
	return c.settleAside(ctx, prefix, sha)
}

// withThumbnail lists what goes together, the thumbnail first: content that is aside has its thumbnail there too.
func withThumbnail(prefix string) []string {
	if prefix == contentPrefix {
		return []string{thumbnailPrefix, contentPrefix}
	}
	return []string{prefix}
}

func asideKey(prefix, sha string) string { return contentKey(asidePrefix+prefix, sha) }

// settleAside decides about content that was moved aside: it goes back if a record names it by now.
func (c *Cleaner) settleAside(ctx context.Context, prefix, sha string) (gone bool, err error) {
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

// tidy settles what a Cleaner left aside, and removes contents that no record names and what processes left behind.
func (c *Cleaner) tidy(ctx context.Context, do bool, report *Report) error {
	for _, prefix := range []string{thumbnailPrefix, contentPrefix, quarantinePrefix} {
		err := c.Files.each(ctx, asidePrefix+prefix, func(sha string, _ int64, _ time.Time) error {
			if !do {
				return nil
			}
			_, err := c.settleAside(ctx, prefix, sha)
			return err
		})
		if err != nil {
			return err
		}
		if prefix == thumbnailPrefix {
			continue
		}
		err = c.Files.each(ctx, prefix, func(sha string, size int64, at time.Time) error {
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

// Orphans is where records and contents do not agree.
type Orphans struct {
	Missing []Removal // records whose content is not there
	Unnamed []string  // contents that no record names, by SHA-256
	Checked int       // records
}

// Check compares, in either direction. What is written meanwhile is not reported.
func (c *Cleaner) Check(ctx context.Context) (*Orphans, error) {
	result := &Orphans{}
	err := c.eachRecord(ctx, func(a *storage.Attachment) error {
		prefix := map[string]string{storage.FileStored: contentPrefix, storage.FileInfected: quarantinePrefix}[a.State]
		if prefix == "" || !shaShape.MatchString(a.SHA256) {
			return nil
		}
		result.Checked++
		there, err := c.Files.bucket.Exists(ctx, contentKey(prefix, a.SHA256))
		if err != nil || there {
			return withoutURL(err)
		}
		now, err := c.Records.Attachment(ctx, a.AttachmentID) // it may have been cleaned up since the page was read
		if err == nil && now.SHA256 == a.SHA256 {
			result.Missing = append(result.Missing, Removal{AttachmentID: a.AttachmentID, TicketID: a.TicketID, FileName: a.FileName, Size: a.FileSize})
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, prefix := range []string{contentPrefix, quarantinePrefix, asidePrefix} {
		err := c.Files.each(ctx, prefix, func(sha string, _ int64, at time.Time) error {
			named, err := c.named(ctx, sha)
			if err == nil && !named && time.Since(at) >= youngContent || prefix == asidePrefix && err == nil && named {
				result.Unnamed = append(result.Unnamed, prefix+sha)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return result, nil
}

// Run cleans now and then, until ctx ends.
func (c *Cleaner) Run(ctx context.Context, every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		report, err := c.Clean(ctx, true)
		switch {
		case err != nil && ctx.Err() == nil:
			c.Log.Error("files could not be cleaned up; tried again later", "error", err)
		case err == nil && len(report.Removed)+report.Orphans+report.Temporary > 0:
			c.Log.Info("files cleaned up", "removed", len(report.Removed), "freed", Size(report.Freed), "kept", Size(report.Kept),
				"orphans", report.Orphans, "temporary", report.Temporary)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// Age words a time of days or hours.
func Age(d time.Duration) string {
	if days := d / (24 * time.Hour); days > 0 && d%(24*time.Hour) == 0 {
		return fmt.Sprintf("%d days", days)
	}
	return d.String()
}
