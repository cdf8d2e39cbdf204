package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"modernc.org/sqlite"
	codes "modernc.org/sqlite/lib"

	"github.com/topicdesk/topicdesk/storage"
)

var errClosed = fmt.Errorf("%w: the store is closed", storage.ErrUnavailable)

// code returns SQLite's primary result code, 0 when err is not SQLite's.
func code(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code() & 0xff
	}
	return 0
}

// transient says of an error of SQLite that the same call may succeed later.
func transient(err error) bool {
	switch code(err) {
	case codes.SQLITE_FULL, codes.SQLITE_IOERR, codes.SQLITE_BUSY, codes.SQLITE_LOCKED, codes.SQLITE_NOMEM,
		codes.SQLITE_CANTOPEN, codes.SQLITE_READONLY, codes.SQLITE_PROTOCOL, codes.SQLITE_INTERRUPT:
		return true
	}
	return false
}

// broken says that after this error the state of the transaction is unknown: it must be rolled back as a whole.
func broken(err error) bool {
	switch code(err) {
	case codes.SQLITE_CORRUPT, codes.SQLITE_NOTADB, codes.SQLITE_MISUSE, codes.SQLITE_INTERNAL, codes.SQLITE_ABORT:
		return true
	}
	return transient(err)
}

// explain turns an error of SQLite into one of the contract.
func explain(err error) error {
	switch {
	case err == nil:
		return nil
	case transient(err) && !errors.Is(err, storage.ErrUnavailable):
		return fmt.Errorf("%w: sqlite: %w", storage.ErrUnavailable, err)
	case code(err) != 0:
		return fmt.Errorf("sqlite: %w", err)
	}
	return err
}

// prepareFile creates the directory and the file, readable by their owner only. Its errors say in plain words why it
// can't.
func prepareFile(path string) error {
	if path == "" {
		return errors.New("sqlite: the path of the database is empty")
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return fmt.Errorf("sqlite: %s is a directory; give the path of a database file", path)
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(path + Restoring); err == nil {
			return fmt.Errorf("sqlite: restoring %s was interrupted: give `topicdesk restore` again, or remove %s for a new desk",
				path, path+Restoring)
		}
		if log, err := os.Stat(path + "-wal"); err == nil && log.Size() > 0 { // SQLite would take a log without its database for rubbish
			return fmt.Errorf("sqlite: %[1]s is not there, but %[1]s-wal is, with changes that no other file has: put %[1]s back beside it, "+
				"or move %[1]s-wal and %[1]s-shm away for a new desk", path)
		}
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("sqlite: can't create the directory of the database: %w", withAdvice(err))
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("sqlite: can't open the database for writing: %w", withAdvice(err))
	}
	return f.Close()
}

// withAdvice adds to an error of the file system what to do about it.
func withAdvice(err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%w (the user that runs topicdesk must be able to read and write it)", err)
	}
	return err
}

// explainOpen says in plain words why the database at path can't be opened.
func explainOpen(path string, err error) error {
	switch code(err) {
	case codes.SQLITE_NOTADB:
		return fmt.Errorf("sqlite: %s is not an SQLite database, or its beginning is damaged: %w", path, err)
	case codes.SQLITE_CORRUPT:
		return fmt.Errorf("sqlite: %s is damaged; restore a backup: %w", path, err)
	case codes.SQLITE_READONLY:
		return fmt.Errorf("sqlite: %s can't be written (read-only disk, or no rights to it or its directory): %w", path, err)
	case codes.SQLITE_CANTOPEN:
		return fmt.Errorf("sqlite: %s, or its -wal or -shm file beside it, can't be opened. These files are written even to read the database, so "+
			"of a read-only disk copy the whole folder to another one first: %w", path, err)
	}
	return fmt.Errorf("sqlite: %s: %w", path, explain(err))
}
