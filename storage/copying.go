package storage

// Unfinished is the oldest schema version that reads a database while a copy into it goes on: none, so that programs from
// before refuse it, too.
const Unfinished = 1 << 40
