package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/topicdesk/topicdesk/config"
	"github.com/topicdesk/topicdesk/storage/files"
	"github.com/topicdesk/topicdesk/storage/lock"
	"github.com/topicdesk/topicdesk/storage/sqlite"
)

// lockDataDir keeps other desks away from DATA_DIR, which it makes if it is missing. The lock of the database does not: a
// desk with another database would replace the simulator's state here, and sign with this desk's key.
func lockDataDir(c config.Config) (*lock.File, error) {
	if err := os.MkdirAll(c.DataDir, 0o700); err != nil {
		return nil, fmt.Errorf("can't create DATA_DIR %s: %w", c.DataDir, err)
	}
	l, err := lock.Take(filepath.Join(c.DataDir, "desk.lock"))
	var held *lock.HeldError
	if errors.As(err, &held) {
		return nil, fmt.Errorf("%s serves a desk in DATA_DIR %s already (lock file %s); stop it first, or set DATA_DIR to "+
			"another folder for this desk", held.Holder, c.DataDir, held.Path)
	}
	if err != nil {
		return nil, fmt.Errorf("DATA_DIR %s: %w", c.DataDir, err)
	}
	return l, nil
}

// misplaced refuses to make a new desk where one is elsewhere, or was here: it would take Telegram's updates, and the other
// one would never get them.
func misplaced(c config.Config) error {
	db := c.Database()
	if db.Kind == config.DatabaseSQLite && emptied(c) {
		return fmt.Errorf("the database %s is empty, and there is a desk's %s or attachments: put a copy of the database there (`topicdesk "+
			"restore`, with that file moved away). For a new desk, move all of DATA_DIR %s away", db.Path, secretsFile, c.DataDir)
	}
	if db.Kind != config.DatabaseSQLite || exists(db.Path) || exists(db.Path+sqlite.Restoring) {
		return nil
	}
	folder, former := filepath.Dir(db.Path), filepath.Join("data", "topicdesk.db")
	switch {
	case folder != filepath.Clean(c.DataDir) && !exists(folder):
		return fmt.Errorf("DATABASE_URL: there is no folder %s. Make it if a new desk is to be there; if there should be one, see whether "+
			"its disk is mounted", folder)
	case c.UsesSimulator():
		return nil // a trial may begin anew
	case db.Path == filepath.Join(c.DataDir, "topicdesk.db") && exists(former):
		return fmt.Errorf("there is no desk in %s, but one in %s, where earlier releases kept it whatever DATA_DIR said. Move it there with "+
			"the files beside it whose names begin with %s, or set DATABASE_URL=sqlite://%s", db.Path, former, filepath.Base(former), former)
	case exists(filepath.Join(c.DataDir, secretsFile)):
		return fmt.Errorf("there is no desk in %s, but DATA_DIR %s has the %s of one. Put its database there, or set DATABASE_URL; for a new "+
			"desk, move that file away", db.Path, c.DataDir, secretsFile)
	}
	return nil
}

// emptied says whether the database has no bytes, as after a copy that failed or on a full disk, while what is made after it is
// there. SQLite would take it for a new one.
func emptied(c config.Config) bool {
	path := c.Database().Path
	if size(path) != 0 || size(path+"-wal") > 0 { // the log may have all of it
		return false
	}
	folder, err := files.Folder(c.Files().URL)
	return exists(filepath.Join(c.DataDir, secretsFile)) || err == nil && folder != "" && exists(filepath.Join(folder, files.MarkName))
}

// size is how many bytes a file has; -1: there is none, or that can't be found out.
func size(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return -1
	}
	return info.Size()
}

// exists says whether there is something at a path, or whether that can't be found out.
func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}
