package storage

// Unfinished is the oldest schema version that reads a database while a copy into it goes on: none, so that programs from
// before refuse it, too.
const Unfinished = 1 << 40

type unfinished struct{}

func (unfinished) Error() string {
	return "the database is half of a copy: `topicdesk storage copy` into it was interrupted, or is still running. To go on, give " +
		"the same command again; or use another database"
}

// Is says that programs must not touch the database.
func (unfinished) Is(target error) bool { return target == ErrSchema }
