package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"modernc.org/sqlite"
)

// backupPages is how many pages (of 4 kB) are copied between two looks at the context.
const backupPages = 2500

// Backup copies the database at path into a new file at to, as it is at one moment, while others read and write it.
// All the time it holds a read transaction: the copy need not begin anew when somebody commits, and the log is not
// restarted, so it grows by what is written meanwhile. told hears how many pages of how many are copied.
func Backup(ctx context.Context, path, to string, told func(done, of int)) (err error) {
	if _, err := os.Stat(path); err != nil {
		return fmt.Errorf("sqlite: %w", withAdvice(err))
	}
	c, err := connect(path, readerPragmas...)
	if err != nil {
		return explainOpen(path, err)
	}
	defer func() { err = errors.Join(err, c.close()) }()
	if err := c.run("BEGIN"); err != nil {
		return explainOpen(path, err)
	}
	if _, err := schemaVersion(c, migrations); err != nil { // BEGIN alone reads nothing yet
		return explainOpen(path, err)
	}
	for _, stale := range []string{to, to + "-journal", to + "-wal", to + "-shm"} {
		if err := os.Remove(stale); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("sqlite: %w", err)
		}
	}
	f, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600) // SQLite itself would let others read it
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		return fmt.Errorf("sqlite: %w", err)
	}
	return copyPages(ctx, c.driver, to, told)
}

func copyPages(ctx context.Context, from driver.Conn, to string, told func(done, of int)) error {
	b, err := from.(interface {
		NewBackup(to string) (*sqlite.Backup, error)
	}).NewBackup("file:" + escaped(to))
	if err != nil {
		return fmt.Errorf("sqlite: backup to %s: %w", to, err)
	}
	for more := true; more && err == nil; {
		if err = ctx.Err(); err != nil {
			break
		}
		if more, err = b.Step(backupPages); err != nil {
			err = fmt.Errorf("sqlite: backup to %s: %w", to, err)
		}
		told(b.PageCount()-b.Remaining(), b.PageCount())
	}
	return errors.Join(err, b.Finish())
}

// Check reads the whole database at path, which nobody else may have open, and returns an error if it is damaged.
func Check(path string) (err error) {
	c, err := connect(path, busyTimeout)
	if err != nil {
		return explainOpen(path, err)
	}
	defer func() { err = errors.Join(err, c.close()) }()
	found := ""
	err = c.query(c.extra("PRAGMA integrity_check(1)"), func(r row) error {
		found = r.text(0)
		return nil
	})
	switch {
	case err != nil:
		return explainOpen(path, err)
	case found != "ok":
		return fmt.Errorf("sqlite: %s is damaged: %s", path, found)
	}
	return nil
}

// Restoring is behind the name of a database that Place writes. Where such a file is and the database is not, a restore
// was interrupted, and Open makes no new database.
const Restoring = ".restoring"

// Place makes the database at path of what write writes, whole or not at all. It refuses to replace a database, and a
// service can't start meanwhile.
func Place(path string, write func(io.Writer) error) (err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("sqlite: can't create the directory of the database: %w", withAdvice(err))
	}
	// The same path as Open's, and so the same lock.
	dir, err := filepath.EvalSymlinks(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("sqlite: %w", err)
	}
	path = filepath.Join(dir, filepath.Base(path))
	lock, err := lockDatabase(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Release()) }()
	for _, there := range []string{path, path + "-wal"} { // SQLite would replay a log that belongs to another file
		if _, err := os.Stat(there); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("sqlite: %s exists already; move it away first, with %s-wal and %s-shm if they are there: %w",
				there, path, path, fs.ErrExist)
		}
	}
	f, err := os.OpenFile(path+Restoring, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("sqlite: %w", withAdvice(err))
	}
	if err := errors.Join(write(f), f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("sqlite: %w", err)
	}
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sqlite: %w", err)
	}
	return errors.Join(d.Sync(), d.Close())
}
