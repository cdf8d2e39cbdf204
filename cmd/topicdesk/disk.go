package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/topicdesk/topicdesk/config"
)

// leastFree is how many bytes must be free for the service to count as ready. On a disk that is nearly full a write
// fails now and then, and nothing else would show it between two failures.
const leastFree = 64 << 20

// disk is what a system says about a disk, in bytes.
type disk struct {
	free uint64 // what the service may still write
	size uint64
}

// diskCheck is a readiness check of the disks that hold some folders. For a folder that does not exist yet it checks
// the folder in which it will be created.
func diskCheck(least uint64, folders ...string) func(context.Context) error {
	return func(context.Context) error {
		for _, folder := range folders {
			folder = folderOrAbove(folder)
			d, known, err := diskOf(folder)
			switch {
			case err != nil:
				return fmt.Errorf("%s: %w", folder, err)
			case known && d.free < least:
				return fmt.Errorf("%s: its disk has only %d MB free; %d MB are needed", folder, d.free>>20, least>>20)
			}
		}
		return nil
	}
}

// diskFolders are the folders that the service writes to.
func diskFolders(c config.Config) []string {
	folders := []string{c.DataDir}
	if db := c.Database(); db.Kind == config.DatabaseSQLite {
		folders = append(folders, filepath.Dir(db.Path))
	}
	return folders
}

// folderOrAbove is a folder, or the nearest one above it that exists.
func folderOrAbove(folder string) string {
	for {
		_, err := os.Stat(folder)
		up := filepath.Dir(folder)
		if !errors.Is(err, fs.ErrNotExist) || up == folder {
			return folder
		}
		folder = up
	}
}
