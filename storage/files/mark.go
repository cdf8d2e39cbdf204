package files

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"gocloud.dev/gcerrors"

	"github.com/topicdesk/topicdesk/storage"
)

// MarkName is the key under which a store says whose files it has: the id of a desk. Whoever cleans up looks there first,
// since to another desk all of them look like contents without an attachment.
const MarkName = "desk-id"

// Mark returns the id of the desk whose files these are; "": nobody has written it down.
func (s *Store) Mark(ctx context.Context) (string, error) {
	text, err := s.bucket.ReadAll(ctx, MarkName)
	if gcerrors.Code(err) == gcerrors.NotFound {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("files: %s: %w", MarkName, withoutURL(err))
	}
	return strings.TrimSpace(string(text)), nil
}

// SetMark writes down that these are the files of a desk, unless there is a mark already. Of two desks that do so at the same
// time one may replace the other's: Mark says which one has them.
func (s *Store) SetMark(ctx context.Context, desk string) error {
	f, err := os.CreateTemp(s.temp, "mark-*")
	if err != nil {
		return fmt.Errorf("files: %w", err)
	}
	defer func() { _ = os.Remove(f.Name()) }() // put may have renamed it
	_, err = f.WriteString(desk + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("files: %w", err)
	}
	if err := s.put(ctx, MarkName, f.Name()); err != nil {
		return fmt.Errorf("files: %s: %w", MarkName, err)
	}
	return nil
}

// Folder returns the folder that FILES_URL names; "": it names no folder.
func Folder(address string) (string, error) {
	rest, ok := strings.CutPrefix(address, "file://")
	if !ok {
		return "", nil
	}
	return fileRoot(rest)
}

// Stored says whether the content of any attachment is kept, by the records.
func Stored(ctx context.Context, records Records) (bool, error) {
	err := (&Cleaner{Records: records}).eachRecord(ctx, func(a *storage.Attachment) error {
		if keptUnder[a.State] != "" && a.SHA256 != "" {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		return true, nil
	}
	return false, err
}

var errEnough = errors.New("enough")

// sampled is how many contents Sample looks at. They come by their SHA-256, which is as good as at random.
const sampled = 500

// Sample looks at some of the contents, whatever their age, and counts those that the records name and those that they don't.
func (s *Store) Sample(ctx context.Context, records Records) (named, unnamed int, err error) {
	c := &Cleaner{Records: records, Files: s}
	for _, prefix := range []string{contentPrefix, quarantinePrefix, asidePrefix} {
		n := 0
		err := s.each(ctx, prefix, func(sha string, _ int64, _ time.Time) error {
			if n++; n > sampled {
				return errEnough
			}
			known, err := c.named(ctx, sha)
			switch {
			case err != nil:
				return err
			case known:
				named++
			default:
				unnamed++
			}
			return nil
		})
		if err != nil && !errors.Is(err, errEnough) {
			return 0, 0, err
		}
	}
	return named, unnamed, nil
}
