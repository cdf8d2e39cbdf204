package sqlite

import (
	"context"
	"errors"
	"os"
)

// Remove removes the database at path, unless somebody uses it: it holds the lock of whoever serves it meanwhile, asks used about
// what is in it, and leaves a file that another process has open.
func Remove(ctx context.Context, path string, used func(ctx context.Context, s *Store) (bool, error)) (removed bool, err error) {
	l, err := lockDatabase(path)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, l.Release()) }()
	s, err := Open(ctx, path, WithExisting(), WithoutMigration())
	if err != nil {
		return false, err
	}
	is, err := used(ctx, s)
	if err = errors.Join(err, s.Close()); err != nil || is {
		return false, err
	}
	for _, beside := range []string{"-wal", "-shm"} { // gone when the last process has closed the database
		if _, err := os.Stat(path + beside); !errors.Is(err, os.ErrNotExist) {
			return false, err
		}
	}
	return true, os.Remove(path)
}
