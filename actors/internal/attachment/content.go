package attachment

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/topicdesk/topicdesk/storage"
)

// Content opens the bytes of an attachment, or of its thumbnail, and says how many they are; -1 for a thumbnail. What
// is not stored is storage.ErrNotFound.
func (k *Keeper) Content(ctx context.Context, attachmentID string, thumbnail bool) (io.ReadCloser, int64, error) {
	a, err := k.env.Store.Attachment(ctx, attachmentID)
	if err != nil {
		return nil, 0, err
	}
	if k.files == nil || a.State != storage.FileStored || thumbnail && !a.Thumbnail {
		return nil, 0, fmt.Errorf("attachment %s is %s: %w", attachmentID, a.State, storage.ErrNotFound)
	}
	if thumbnail {
		r, _, err := k.files.OpenThumbnail(ctx, a.SHA256)
		return r, -1, err
	}
	r, size, err := k.files.Open(ctx, a.SHA256)
	if err == nil && size != a.FileSize {
		_ = r.Close()
		return nil, 0, fmt.Errorf("%w: it has %d bytes instead of %d", ErrDamaged, size, a.FileSize)
	}
	return r, a.FileSize, err
}

// ErrDamaged: the content of a file is not what its record says.
var ErrDamaged = errors.New("the content is damaged")
