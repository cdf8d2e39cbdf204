package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/topicdesk/topicdesk/config"
	"github.com/topicdesk/topicdesk/storage/lock"
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
