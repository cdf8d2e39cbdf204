package files

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/gabriel-vasile/mimetype"

	"github.com/topicdesk/topicdesk/storage"
)

// received is a storage.ReceivedFile: a temporary file that was checked.
type received struct {
	store     *Store
	path      string // empty: kept or discarded
	facts     storage.FileFacts
	thumbnail []byte
}

// Refuses implements storage.Files.
func (s *Store) Refuses(claim storage.FileClaim) *storage.RefusedError {
	if limit := s.rules.limit(claim.Kind); limit > 0 && claim.Size > limit {
		return s.rules.tooLarge(claim.Kind)
	}
	return nil
}

// Receive implements storage.Files.
func (s *Store) Receive(
	ctx context.Context, claim storage.FileClaim, from io.Reader,
) (_ storage.ReceivedFile, err error) {
	if refused := s.Refuses(claim); refused != nil {
		return nil, refused
	}
	f, err := os.CreateTemp(s.temp, "in-*")
	if err != nil {
		return nil, fmt.Errorf("files: %w", err)
	}
	r := &received{store: s, path: f.Name()}
	defer func() {
		err = errors.Join(err, f.Close())
		if err != nil {
			r.Discard()
		}
	}()
	if err := r.write(ctx, f, claim, from); err != nil {
		return nil, err
	}
	if err := r.check(ctx, f, claim); err != nil {
		return nil, err
	}
	if err := f.Sync(); err != nil {
		return nil, fmt.Errorf("files: %w", err)
	}
	return r, nil
}

// write copies the bytes to f. It stops at one byte more than is allowed.
func (r *received) write(ctx context.Context, f *os.File, claim storage.FileClaim, from io.Reader) error {
	limit := r.store.rules.limit(claim.Kind)
	if limit > 0 {
		from = io.LimitReader(from, limit+1)
	}
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(&syncing{f: f}, sum), &cancelled{ctx, from})
	switch {
	case err != nil:
		return fmt.Errorf("files: %w", err)
	case limit > 0 && n > limit:
		return r.store.rules.tooLarge(claim.Kind)
	case n == 0:
		return &storage.RefusedError{Reason: "empty", Rule: storage.RuleEmpty}
	}
	r.facts.Size, r.facts.SHA256 = n, hex.EncodeToString(sum.Sum(nil))
	return nil
}

// check finds out the type of the file, and refuses it or marks it as infected.
func (r *received) check(ctx context.Context, f *os.File, claim storage.FileClaim) error {
	content, err := mimetype.DetectReader(io.NewSectionReader(f, 0, r.facts.Size))
	if err != nil {
		return fmt.Errorf("files: %w", err)
	}
	if refused := r.store.rules.refuses(content, CleanName(claim.Name)); refused != nil {
		return refused
	}
	r.facts.MimeType = plainType(content.String())
	if c := r.store.clamav; c != nil {
		r.facts.Infected, err = c.scan(ctx, io.NewSectionReader(f, 0, r.facts.Size))
		if err != nil || r.facts.Infected != "" {
			return err
		}
	}
	p, err := r.store.studio.read(ctx, f, r.facts.Size, r.facts.MimeType)
	if err != nil || p == nil {
		return err
	}
	r.facts.Width, r.facts.Height, r.thumbnail = p.width, p.height, p.thumbnail
	r.facts.Thumbnail = len(p.thumbnail) > 0
	return nil
}

// Facts implements storage.ReceivedFile.
func (r *received) Facts() storage.FileFacts { return r.facts }

// Keep implements storage.ReceivedFile. It stores the thumbnail first, so content that is stored has its thumbnail.
func (r *received) Keep(ctx context.Context) error {
	if r.path == "" {
		return errors.New("files: the file was kept or discarded already")
	}
	if r.facts.Infected != "" {
		return r.keep(ctx, contentKey(quarantinePrefix, r.facts.SHA256))
	}
	if r.facts.Thumbnail {
		if err := r.keepThumbnail(ctx); err != nil {
			return err
		}
	}
	return r.keep(ctx, contentKey(contentPrefix, r.facts.SHA256))
}

func (r *received) keep(ctx context.Context, key string) error {
	if err := r.store.put(ctx, key, r.path); err != nil {
		return fmt.Errorf("files: keep %s: %w", r.facts.SHA256, err)
	}
	r.Discard()
	return nil
}

func (r *received) keepThumbnail(ctx context.Context) (err error) {
	f, err := os.CreateTemp(r.store.temp, "in-*")
	if err != nil {
		return fmt.Errorf("files: %w", err)
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.Write(r.thumbnail)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = r.store.put(ctx, contentKey(thumbnailPrefix, r.facts.SHA256), f.Name())
	}
	if err != nil {
		return fmt.Errorf("files: keep the thumbnail of %s: %w", r.facts.SHA256, err)
	}
	return nil
}

// Discard implements storage.ReceivedFile.
func (r *received) Discard() {
	if r.path != "" {
		_ = os.Remove(r.path) // it fails when the file was renamed; SweepTemporary removes what remains
		r.path = ""
	}
}

// syncing writes a large file to the disk piece by piece. Writing all of it at the end would delay the database's own
// syncs on the same disk.
type syncing struct {
	f    *os.File
	from int64 // the bytes before it are being written to the disk
	to   int64
}

const syncEvery = 1 << 20 // bytes

func (s *syncing) Write(p []byte) (int, error) {
	n, err := s.f.Write(p)
	if s.to += int64(n); err == nil && s.to-s.from >= syncEvery {
		err = writeOut(s.f, s.from, s.to-s.from)
		s.from = s.to
	}
	return n, err
}

// cancelled is a reader that fails when its context ends.
type cancelled struct {
	ctx context.Context
	r   io.Reader
}

func (c *cancelled) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// staleAfter is the age from which nobody uses a temporary file any more.
const staleAfter = 24 * time.Hour

// SweepTemporary removes the temporary files that were last written before the given time, and returns their number.
// While another process may use the folder, that time is staleAfter ago. A process that is alone, and has not
// received a file yet, removes all.
func (s *Store) SweepTemporary(before time.Time) (n int, err error) {
	entries, err := os.ReadDir(s.temp)
	if err != nil {
		return 0, fmt.Errorf("files: %w", err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || e.IsDir() || info.ModTime().After(before) {
			continue
		}
		if os.Remove(filepath.Join(s.temp, e.Name())) == nil {
			n++
		}
	}
	return n, nil
}
