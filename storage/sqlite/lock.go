package sqlite

import (
	"errors"
	"fmt"

	"github.com/topicdesk/topicdesk/storage/lock"
)

// lockDatabase takes the lock of whoever serves the database at path.
func lockDatabase(path string) (*lock.File, error) {
	l, err := lock.Take(path + ".lock")
	var held *lock.HeldError
	if errors.As(err, &held) {
		return nil, fmt.Errorf("sqlite: %s serves this database already (lock file %s); stop it first", held.Holder, held.Path)
	}
	if err != nil {
		return nil, fmt.Errorf("sqlite: %w", withAdvice(err))
	}
	return l, nil
}
