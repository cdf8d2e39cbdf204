//go:build !arm

package files

import (
	"errors"
	"os"
	"syscall"
)

const syncFileRangeWrite = 2 // SYNC_FILE_RANGE_WRITE of sync_file_range(2)

// writeOut has a part of a file written to the disk without waiting for it: a sync would have the file system commit its journal,
// for which the database's own syncs wait. What makes the file safe is the sync at its end.
func writeOut(f *os.File, from, size int64) error {
	err := syscall.SyncFileRange(int(f.Fd()), from, size, syncFileRangeWrite)
	if errors.Is(err, syscall.ENOSYS) || errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ESPIPE) {
		return nil // a file system that can't: all of it comes at the end
	}
	return err
}
