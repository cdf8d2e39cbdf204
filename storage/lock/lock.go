// Package lock keeps a second process away from what one serves: a database, a folder. It knows nothing of what that is.
package lock

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// File is an exclusive lock on a file. The kernel releases it when the process ends, however it ends. The file is never
// deleted: otherwise two processes could each hold a lock, one on the old file and one on a new one.
type File struct{ f *os.File }

// HeldError says that another process holds the lock.
type HeldError struct {
	Path   string
	Holder string // who it is: "process 123", or "another process"
}

func (e *HeldError) Error() string { return fmt.Sprintf("%s holds the lock file %s", e.Holder, e.Path) }

// Take takes the lock on the file at path, which it makes if it is missing. The error is a HeldError when another process
// holds the lock.
func Take(path string) (*File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("can't open the lock file: %w", err)
	}
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err != nil {
		holder := "another process"
		if text, e := io.ReadAll(io.LimitReader(f, 32)); e == nil && len(text) > 0 {
			holder = "process " + strings.TrimSpace(string(text))
		}
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, &HeldError{path, holder}
		}
		return nil, fmt.Errorf("can't lock %s: %w", path, err)
	}
	// The process id is only for the error above.
	if err := f.Truncate(0); err == nil {
		_, _ = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	return &File{f}, nil
}

// Release releases the lock. Closing the file would not be enough: a child process that is being started has the file
// open too, until it executes its program.
func (l *File) Release() error {
	return errors.Join(syscall.Flock(int(l.f.Fd()), syscall.LOCK_UN), l.f.Close())
}
