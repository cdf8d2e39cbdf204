package storage

import "fmt"

// Migrated says what opening a database did to its schema. Both stores have a method of that name that returns it.
type Migrated struct {
	From, To int64 // versions; the same: nothing. From 0: the database is new
	Closed   bool  // programs that know no version beyond From can't read it any more
}

// Outdated is the error of a program that must leave a schema of version from as it is, and knows version to.
func Outdated(from, to int64) error {
	return fmt.Errorf("%w: its schema is %d, and this program's %d. Only `topicdesk serve` brings it up to date, and then there may be no way "+
		"back: make a backup first (`topicdesk backup`), or give this command with the program that serves the desk now", ErrOutdated, from, to)
}
