package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"

	"github.com/topicdesk/topicdesk/storage"
)

// Prefixes of keys. The first two hex digits of the SHA-256 follow, so that no folder gets too many files.
const (
	contentPrefix    = "content/"
	thumbnailPrefix  = "thumbnails/"
	quarantinePrefix = "quarantine/" // infected content
	asidePrefix      = "aside/"      // content that is being removed: see Cleaner, and docs/decisions.md, D27
)

// Options configure a Store.
type Options struct {
	URL    string // file:///folder, or s3://bucket?region=… in a build with the tag s3
	Dir    string // for temporary files; a file:// store uses its own folder tmp instead
	Rules  Rules
	ClamAV string // host:port or unix:/path of a clamd; empty: none
	Log    *slog.Logger
}

// Store is a storage.Files.
type Store struct {
	bucket *blob.Bucket
	root   string // folder of a file:// store; empty: another kind of store
	temp   string
	rules  Rules
	studio *studio
	clamav *clamd
	log    *slog.Logger
}

var _ storage.Files = (*Store)(nil)

// Open opens the store that o.URL names. It creates the folder of a file:// store.
func Open(ctx context.Context, o Options) (*Store, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Store{temp: o.Dir, rules: o.Rules, studio: newStudio(o.Rules.MaxPixels), log: o.Log}
	if o.ClamAV != "" {
		s.clamav = &clamd{addr: o.ClamAV}
	}
	scheme, rest, ok := strings.Cut(o.URL, "://")
	open := openers[scheme]
	if !ok || open == nil {
		return nil, fmt.Errorf("files: this program can't keep files in %s://: %s", scheme, supported())
	}
	var err error
	if scheme == "file" {
		s.root, err = fileRoot(rest)
		if err != nil {
			return nil, err
		}
		s.temp = filepath.Join(s.root, "tmp") // in the same file system, since a rename gives a file its name
	}
	if err := makeDir(s.temp); err != nil {
		return nil, fmt.Errorf("files: %w", err)
	}
	if s.bucket, err = open(ctx, o.URL, s.root); err != nil {
		return nil, fmt.Errorf("files: %w", withoutURL(err))
	}
	return s, nil
}

// fileRoot returns the folder that a file:// address names. file://relative/path is relative to the working directory.
func fileRoot(rest string) (string, error) {
	path, err := url.PathUnescape(rest)
	if err != nil || path == "" {
		return "", errors.New("files: file:// needs a folder, such as file:///var/lib/topicdesk/files")
	}
	return filepath.Abs(filepath.FromSlash(path))
}

// Close releases the resources of the store.
func (s *Store) Close() error { return s.bucket.Close() }

var shaShape = regexp.MustCompile(`^[0-9a-f]{64}$`)

func contentKey(prefix, sha string) string { return prefix + sha[:2] + "/" + sha }

// Open implements storage.Files.
func (s *Store) Open(ctx context.Context, sha256 string) (io.ReadCloser, int64, error) {
	return s.read(ctx, contentPrefix, sha256)
}

// OpenThumbnail implements storage.Files.
func (s *Store) OpenThumbnail(ctx context.Context, sha256 string) (io.ReadCloser, int64, error) {
	return s.read(ctx, thumbnailPrefix, sha256)
}

func (s *Store) read(ctx context.Context, prefix, sha string) (io.ReadCloser, int64, error) {
	if !shaShape.MatchString(sha) {
		return nil, 0, fmt.Errorf("files: content %q: %w", sha, storage.ErrNotFound)
	}
	r, err := s.bucket.NewReader(ctx, contentKey(prefix, sha), nil)
	if err != nil {
		return nil, 0, explain(sha, err)
	}
	return r, r.Size(), nil
}

func explain(sha string, err error) error {
	if gcerrors.Code(err) == gcerrors.NotFound {
		return fmt.Errorf("files: content %s: %w", sha, storage.ErrNotFound)
	}
	return fmt.Errorf("files: content %s: %w", sha, withoutURL(err))
}

// withoutURL removes the address from an error, since it may contain keys.
func withoutURL(err error) error {
	var urlErr *url.Error
	if errors.As(err, &urlErr) {
		return urlErr.Err
	}
	return err
}

// put stores a file under a key, completely and durably, or not at all. from is a temporary file that was synced; put
// may rename it.
func (s *Store) put(ctx context.Context, key, from string) error {
	there, err := s.bucket.Exists(ctx, key)
	if err != nil || there {
		return withoutURL(err)
	}
	if s.root != "" {
		// The library renames too, but syncs neither the file nor its folder.
		return s.rename(from, s.path(key))
	}
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	return withoutURL(s.bucket.Upload(ctx, key, f, &blob.WriterOptions{ContentType: "application/octet-stream"}))
}

// path returns the file of a key in a file:// store.
func (s *Store) path(key string) string { return filepath.Join(s.root, filepath.FromSlash(key)) }

// rename gives a file its name durably, so that it still has it after a power failure.
func (s *Store) rename(from, to string) error {
	dir := filepath.Dir(to)
	if err := makeDir(dir); err != nil {
		return err
	}
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return syncDir(dir)
}

// makeDir creates a folder, readable by its owner only, and its missing parents, durably.
func makeDir(dir string) error {
	if info, err := os.Stat(dir); err == nil && info.IsDir() {
		return nil
	}
	parent := filepath.Dir(dir)
	if parent != dir {
		if err := makeDir(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return syncDir(parent)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// move gives content another key. After a crash the content may have both keys.
func (s *Store) move(ctx context.Context, from, to string) error {
	if s.root != "" {
		err := s.rename(s.path(from), s.path(to))
		if errors.Is(err, os.ErrNotExist) {
			return storage.ErrNotFound
		}
		return err
	}
	if err := s.bucket.Copy(ctx, to, from, nil); err != nil {
		return explain(from, err)
	}
	return s.remove(ctx, from)
}

// remove deletes a key. A key that does not exist is no error.
func (s *Store) remove(ctx context.Context, key string) error {
	err := s.bucket.Delete(ctx, key)
	if gcerrors.Code(err) == gcerrors.NotFound {
		return nil
	}
	return withoutURL(err)
}

// each calls f for everything that is kept under a prefix, with its SHA-256, its size and when it was written.
func (s *Store) each(ctx context.Context, prefix string, f func(sha string, size int64, at time.Time) error) error {
	list := s.bucket.List(&blob.ListOptions{Prefix: prefix})
	for {
		object, err := list.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return withoutURL(err)
		}
		sha := object.Key[strings.LastIndexByte(object.Key, '/')+1:]
		if object.IsDir || !shaShape.MatchString(sha) {
			continue
		}
		if err := f(sha, object.Size, object.ModTime); err != nil {
			return err
		}
	}
}
