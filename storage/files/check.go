package files

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"gocloud.dev/gcerrors"

	"github.com/topicdesk/topicdesk/storage"
)

// Orphans says where records and contents differ.
type Orphans struct {
	Missing []Removal // records whose content is missing
	Damaged []Removal // records whose content is not what they say; Reason says how
	Unnamed []string  // contents that no record names: prefix and SHA-256
	Checked int       // records that were checked
}

// Check compares records and contents, in both directions: names and sizes, with Hashes also what each content is. It does
// not report what is written meanwhile.
func (c *Cleaner) Check(ctx context.Context) (*Orphans, error) {
	result := &Orphans{}
	err := c.eachRecord(ctx, func(a *storage.Attachment) error {
		prefix := keptUnder[a.State]
		if prefix == "" || !shaShape.MatchString(a.SHA256) {
			return nil
		}
		result.Checked++
		reason, there, err := c.damage(ctx, contentKey(prefix, a.SHA256), a.FileSize)
		if err != nil || there && reason == "" {
			return err
		}
		now, err := c.Records.Attachment(ctx, a.AttachmentID) // it may have been cleaned up since the page was read
		if err != nil || now.SHA256 != a.SHA256 {
			return err
		}
		found := removalOf(a)
		if found.Reason = reason; there {
			result.Damaged = append(result.Damaged, found)
		} else {
			result.Missing = append(result.Missing, found)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, prefix := range []string{contentPrefix, quarantinePrefix, asidePrefix} {
		err := c.Files.each(ctx, prefix, func(sha string, _ int64, at time.Time) error {
			c.seen()
			named, err := c.named(ctx, sha)
			if err == nil && (!named && time.Since(at) >= youngContent || named && prefix == asidePrefix) {
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

// damage says what is wrong with a content, of which size bytes were kept; "": nothing.
func (c *Cleaner) damage(ctx context.Context, key string, size int64) (reason string, there bool, err error) {
	attributes, err := c.Files.bucket.Attributes(ctx, key)
	switch {
	case gcerrors.Code(err) == gcerrors.NotFound:
		return "", false, nil
	case err != nil:
		return "", false, withoutURL(err)
	case attributes.Size != size:
		return fmt.Sprintf("it has %d bytes instead of %d", attributes.Size, size), true, nil
	case !c.Hashes:
		return "", true, nil
	}
	content, _, err := c.Files.OpenKey(ctx, key)
	if errors.Is(err, storage.ErrNotFound) {
		return "", false, nil
	}
	if err != nil {
		return "", true, err
	}
	defer func() { _ = content.Close() }()
	sum := sha256.New()
	if _, err := io.Copy(sum, &cancelled{ctx, content}); err != nil {
		return "", true, fmt.Errorf("files: %s: %w", key, withoutURL(err))
	}
	if !Whole(key, hex.EncodeToString(sum.Sum(nil))) {
		return "its SHA-256 is another", true, nil
	}
	return "", true, nil
}
