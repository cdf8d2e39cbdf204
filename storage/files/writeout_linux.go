//go:build !arm

package files

import (
	"errors"
	"os"
	"syscall"
)

const syncFileRangeWrite = 2 // SYNC_FILE_RANGE_WRITE of sync_file_range(2)

// writeOut starts writing a part of a file to the disk, and does not wait for it. A sync would make the file system
// commit its journal, which delays the database's own syncs. The sync at the end makes the file durable.
func writeOut(f *os.File, from, size int64) error {
	err := syscall.SyncFileRange(int(f.Fd()), from, size, syncFileRangeWrite)
	if errors.Is(err, syscall.ENOSYS) || errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ESPIPE) {
		return nil // the file system can't do this: the sync at the end writes everything
	}
	return err
}
