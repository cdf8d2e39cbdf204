package files

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"regexp"
	"strings"

	"github.com/topicdesk/topicdesk/storage"
)

// Named calls f once for each content and thumbnail that the records name, with its key. A backup has these and no
// others.
func Named(ctx context.Context, records Records, f func(key string) error) error {
	c, seen := &Cleaner{Records: records}, map[string]bool{}
	return c.eachRecord(ctx, func(a *storage.Attachment) error {
		prefixes := []string{keptUnder[a.State]}
		if prefixes[0] == "" || !shaShape.MatchString(a.SHA256) {
			return nil
		}
		if a.Thumbnail {
			prefixes = append(prefixes, thumbnailPrefix)
		}
		for _, prefix := range prefixes {
			key := contentKey(prefix, a.SHA256)
			if seen[key] {
				continue
			}
			seen[key] = true
			if err := f(key); err != nil {
				return err
			}
		}
		return nil
	})
}

// OpenKey opens what is kept under a key of Named, also when a Cleaner is just moving it aside.
func (s *Store) OpenKey(ctx context.Context, key string) (io.ReadCloser, int64, error) {
	for _, k := range []string{key, asidePrefix + key, key} { // it may be moved back between two looks
		r, err := s.bucket.NewReader(ctx, k, nil)
		if err == nil {
			return r, r.Size(), nil
		}
		if err = explain(key, err); !errors.Is(err, storage.ErrNotFound) {
			return nil, 0, err
		}
	}
	return nil, 0, fmt.Errorf("files: %s: %w", key, storage.ErrNotFound)
}

// ErrDamaged: a content is not what its attachment says.
var ErrDamaged = errors.New("damaged")

// Whole says whether what is kept under a key of Named is what was put there, by its SHA-256. Of a thumbnail nobody knows,
// and it can be made anew.
func Whole(key, sum string) bool {
	return strings.HasPrefix(key, thumbnailPrefix) || path.Base(key) == sum
}

// holdersRead is how many attachments of one content are named; the same file is rarely sent more often.
const holdersRead = 10_000

// Holders lists the attachments whose content is kept under a key of Named.
func Holders(ctx context.Context, records Records, key string) ([]Removal, error) {
	all, err := records.AttachmentsWith(ctx, path.Base(key), holdersRead)
	if err != nil {
		return nil, fmt.Errorf("files: %w", err)
	}
	var holders []Removal
	for i := range all {
		if prefix := keptUnder[all[i].State]; prefix != "" && strings.HasPrefix(key, prefix) {
			holders = append(holders, removalOf(&all[i]))
		}
	}
	return holders, nil
}

// keptUnder is where the content of an attachment is, by its state.
var keptUnder = map[string]string{storage.FileStored: contentPrefix, storage.FileInfected: quarantinePrefix}

var keyShape = regexp.MustCompile(`^(content|thumbnails|quarantine)/([0-9a-f]{2})/([0-9a-f]{64})$`)

// KeepKey keeps a file under a key of Named, completely and durably, or not at all. Content whose SHA-256 is not the
// key's is refused.
func (s *Store) KeepKey(ctx context.Context, key string, from io.Reader) (err error) {
	parts := keyShape.FindStringSubmatch(key)
	if parts == nil || parts[2] != parts[3][:2] {
		return fmt.Errorf("files: %q is not the name of a content", key)
	}
	f, err := os.CreateTemp(s.temp, "in-*")
	if err != nil {
		return fmt.Errorf("files: %w", err)
	}
	defer func() { _ = os.Remove(f.Name()) }() // put may have renamed it
	sum := sha256.New()
	_, err = io.Copy(io.MultiWriter(&syncing{f: f}, sum), &cancelled{ctx, from})
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("files: %w", err)
	}
	if !Whole(key, hex.EncodeToString(sum.Sum(nil))) {
		return fmt.Errorf("files: %s is %w: its content has another SHA-256", key, ErrDamaged)
	}
	if err := s.put(ctx, key, f.Name()); err != nil {
		return fmt.Errorf("files: keep %s: %w", key, err)
	}
	return nil
}
