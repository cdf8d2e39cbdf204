package storage

// Migrated says what opening a database did to its schema. Both stores have a method of that name that returns it.
type Migrated struct {
	From, To int64 // versions; the same: nothing. From 0: the database is new
	Closed   bool  // programs that know no version beyond From can't read it any more
}
