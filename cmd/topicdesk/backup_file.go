package main

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/topicdesk/topicdesk/storage/files"
)

// A backup is a tar file. Its last entry is a manifest, which lists the others with their hashes: a file that was cut
// off has none.
const (
	backupDatabase  = "topicdesk.db"
	backupFiles     = "files/" // contents and thumbnails of attachments follow
	backupKey       = secretsFile
	backupSimulator = "simulator.jsonl"
	backupManifest  = "manifest.json"

	backupFormat = 1
)

// manifest says what is in a backup.
type manifest struct {
	Format    int           `json:"format"`
	Version   string        `json:"topicdesk"` // the program that made it
	CreatedAt time.Time     `json:"createdAt"`
	Missing   int           `json:"missing"`           // attachments without content: removed while the backup was made, or before
	Damaged   int           `json:"damaged,omitempty"` // attachments whose content is not what their records say
	Entries   []backupEntry `json:"entries"`
}

// damaged is the key of a content that is not what its name says; "": the entry is whole.
func (e backupEntry) damaged() string {
	key, isFile := strings.CutPrefix(e.Name, backupFiles)
	if !isFile || files.Whole(key, e.SHA256) {
		return ""
	}
	return key
}

type backupEntry struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// backupWriter writes a backup.
type backupWriter struct {
	tar      *tar.Writer
	manifest manifest
}

func newBackupWriter(w io.Writer) *backupWriter {
	return &backupWriter{tar: tar.NewWriter(w), manifest: manifest{Format: backupFormat, Version: version,
		CreatedAt: time.Now().UTC().Truncate(time.Second), Entries: []backupEntry{}}}
}

// add writes an entry of exactly size bytes.
func (b *backupWriter) add(ctx context.Context, name string, size int64, from io.Reader) error {
	h := &tar.Header{Name: name, Size: size, Mode: 0o600, ModTime: b.manifest.CreatedAt}
	if err := b.tar.WriteHeader(h); err != nil {
		return err
	}
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(b.tar, sum), &untilDone{ctx, io.LimitReader(from, size)})
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if n != size {
		return fmt.Errorf("%s: only %d of %d bytes could be read", name, n, size)
	}
	b.manifest.Entries = append(b.manifest.Entries, backupEntry{name, size, hex.EncodeToString(sum.Sum(nil))})
	return nil
}

// addFile adds a file of this machine.
func (b *backupWriter) addFile(ctx context.Context, name, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	return b.add(ctx, name, info.Size(), f)
}

// close writes the manifest and the end of the file.
func (b *backupWriter) close() error {
	text, err := json.MarshalIndent(b.manifest, "", " ")
	if err != nil {
		return err
	}
	h := &tar.Header{Name: backupManifest, Size: int64(len(text)), Mode: 0o600, ModTime: b.manifest.CreatedAt}
	if err := b.tar.WriteHeader(h); err != nil {
		return err
	}
	if _, err := b.tar.Write(text); err != nil {
		return err
	}
	return b.tar.Close()
}

var errNoBackup = errors.New("this is no complete backup: it is damaged, was cut off, or is another kind of file")

// readBackup calls take for each entry of a backup, which must read it to its end, and then checks all of them
// against the manifest. What was taken is worth nothing if it returns an error.
func readBackup(ctx context.Context, from io.Reader, take func(name string, content io.Reader) error) (*manifest, error) {
	var found []backupEntry
	for entries := tar.NewReader(from); ; {
		h, err := entries.Next()
		if err != nil {
			return nil, fmt.Errorf("%w (%w)", errNoBackup, err)
		}
		if h.Name == backupManifest {
			return checkManifest(entries, found)
		}
		sum := sha256.New()
		content := io.TeeReader(&untilDone{ctx, entries}, sum)
		if err := take(h.Name, content); err != nil {
			if errors.Is(err, io.ErrUnexpectedEOF) {
				err = errNoBackup
			}
			return nil, err
		}
		if _, err := io.Copy(io.Discard, content); err != nil {
			return nil, fmt.Errorf("%w (%w)", errNoBackup, err)
		}
		found = append(found, backupEntry{h.Name, h.Size, hex.EncodeToString(sum.Sum(nil))})
	}
}

func checkManifest(text io.Reader, found []backupEntry) (*manifest, error) {
	raw, err := io.ReadAll(text)
	var m manifest
	if err == nil {
		err = json.NewDecoder(bytes.NewReader(raw)).Decode(&m)
	}
	if err != nil {
		return nil, fmt.Errorf("%w (its manifest can't be read: %w)", errNoBackup, err)
	}
	if m.Format != backupFormat {
		return nil, fmt.Errorf("this backup has format %d, and this program knows only %d; use the topicdesk that made it (%s)",
			m.Format, backupFormat, m.Version)
	}
	if len(m.Entries) != len(found) {
		return nil, fmt.Errorf("%w (it has %d entries, and its manifest %d)", errNoBackup, len(found), len(m.Entries))
	}
	for i, e := range m.Entries {
		if e != found[i] {
			return nil, fmt.Errorf("the backup is damaged: %s is not what its manifest says", e.Name)
		}
	}
	return &m, nil
}

// untilDone is a reader that fails when its context ends.
type untilDone struct {
	ctx context.Context
	r   io.Reader
}

func (u *untilDone) Read(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.r.Read(p)
}
