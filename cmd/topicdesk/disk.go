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

// leastFree is how much room in bytes the service needs to count as ready: on a disk that is nearly full a write fails now and
// then, and between two failures nothing else would show it.
const leastFree = 64 << 20

// diskCheck is a readiness check of the disks under some folders. One that is not there yet is judged by what it will be in.
func diskCheck(least uint64, folders ...string) func(context.Context) error {
	return func(context.Context) error {
		for _, folder := range folders {
			for {
				_, err := os.Stat(folder)
				if up := filepath.Dir(folder); errors.Is(err, fs.ErrNotExist) && up != folder {
					folder = up
					continue
				}
				break
			}
			free, known, err := freeOn(folder)
			switch {
			case err != nil:
				return fmt.Errorf("%s: %w", folder, err)
			case known && free < least:
				return fmt.Errorf("%s: only %d MB are free on its disk, of the %d that are needed", folder, free>>20, least>>20)
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
