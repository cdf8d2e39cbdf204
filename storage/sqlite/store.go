// Package sqlite keeps the desk's records in one SQLite file, for a service of one node.
//
// A record is a row: a JSON document, and the columns that constraints and statements need. One goroutine carries out
// all writes and commits those that wait together. Reads have connections of their own and see every acknowledged
// write. The package knows nothing of actors, Telegram or HTTP.
package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/storage/lock"
)

// Store is a storage.Store in one file.
type Store struct {
	options options
	path    string
	lock    *lock.File // nil unless WithExclusive

	migrated storage.Migrated // by Open
	refused  error            // by the check of WithCheck
	readers  *readers

	outdated atomic.Bool // the search index has an older folding, at least in part

	mu      sync.Mutex
	queue   []*request // writes that wait
	closing bool
	wake    chan struct{} // wakes the writer for the first waiting request, and for closing

	onCommit atomic.Pointer[func(time.Duration)]

	writer      *writer
	checkpoints *checkpointer

	writerDone chan struct{}
	closed     chan struct{}
	closeErr   error
}

var _ storage.Store = (*Store)(nil)

// Moment says when a Hook is called.
type Moment int

const (
	Before Moment = iota
	After
)

// Hook is called around every statement of the writer, on its goroutine.
type Hook func(m Moment, sql string)

type options struct {
	exclusive bool
	existing  bool
	asItIs    bool
	copying   bool
	noSync    bool
	hook      Hook
	check     func(ctx context.Context, s *Store) error
	idle      time.Duration
	readers   int

	checkpoint time.Duration
	longLog    int64
}

// Option changes how Open opens.
type Option func(*options)

// WithExclusive refuses the file while another process has it open with this option. The service uses it; subcommands
// that run beside the service do not. The lock ends with the process, even after kill -9.
func WithExclusive() Option { return func(o *options) { o.exclusive = true } }

// WithExisting refuses a path without a desk, with storage.ErrNotFound, instead of making a new one.
func WithExisting() Option { return func(o *options) { o.existing = true } }

// WithoutMigration refuses a database of an earlier release, with storage.ErrOutdated, instead of bringing it up to date.
func WithoutMigration() Option { return func(o *options) { o.asItIs = true } }

// WithCheck has a database of an earlier release checked before it is brought up to date. An error of check ends Open with that
// error, and leaves the database as it is. What check reads may fail, since the schema is an older one.
func WithCheck(check func(ctx context.Context, s *Store) error) Option {
	return func(o *options) { o.check = check }
}

// WithCopying is for the target of a copy: it opens a database that is half of one, and marks a new one so before anything
// else is in it. Everybody else is refused with storage.ErrUnfinished, until EndCopy.
func WithCopying() Option { return func(o *options) { o.copying = true } }

// WithHook is for tests that look at the files between any two statements.
func WithHook(h Hook) Option { return func(o *options) { o.hook = h } }

// WithoutSync is for tests that write much. Acknowledged writes then survive a crash of the process, but not of the
// machine.
func WithoutSync() Option { return func(o *options) { o.noSync = true } }

// OnCommit has a function called with how long each commit took that wrote something, or failed. It must not wait.
func (s *Store) OnCommit(told func(time.Duration)) { s.onCommit.Store(&told) }

// withIdle sets how long the writer waits for work before it empties the write-ahead log.
func withIdle(d time.Duration) Option { return func(o *options) { o.idle = d } }

// withCheckpoint sets how often the log is written back, and the number of frames from which the writer waits for
// readers to do so.
func withCheckpoint(every time.Duration, longLog int64) Option {
	return func(o *options) { o.checkpoint, o.longLog = every, longLog }
}

// busyTimeout is how long a statement waits while another process writes, in milliseconds.
const busyTimeout = "busy_timeout = 5000"

var (
	writerPragmas = []string{
		busyTimeout,
		"journal_mode = WAL",
		"synchronous = FULL", // in WAL mode: one fsync per commit, and acknowledged writes survive a crash of the machine
		"foreign_keys = OFF",
		"temp_store = MEMORY",
		"cache_size = -8192", // 8 MiB; the kernel caches the file too
		// The checkpointer writes the log back. A commit does so only when the checkpointer can't keep up with a burst of
		// large writes: after 32000 pages (128 MB).
		"wal_autocheckpoint = 32000",
		"journal_size_limit = 67108864",
	}
	readerPragmas = []string{busyTimeout, "query_only = ON", "temp_store = MEMORY", "cache_size = -1024"}
)

// Open opens the database file and brings its schema up to date. It creates the file and its directory if they are
// missing. The error is storage.ErrSchema when a newer program has made the database unreadable for this one.
func Open(ctx context.Context, path string, opts ...Option) (_ *Store, err error) {
	o := options{idle: 2 * time.Second, readers: 6, checkpoint: checkpointEvery, longLog: longLog}
	for _, opt := range opts {
		opt(&o)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if o.existing {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%w: sqlite: there is no file %s", storage.ErrNotFound, path)
		}
	}
	if err := prepareFile(path); err != nil {
		return nil, err
	}
	// Two paths to the same file must find the same lock.
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return nil, fmt.Errorf("sqlite: %w", err)
	}
	if path, err = filepath.Abs(path); err != nil {
		return nil, fmt.Errorf("sqlite: %w", err)
	}
	s := &Store{
		options: o, path: path, readers: newReaders(o.readers),
		wake: make(chan struct{}, 1), writerDone: make(chan struct{}), closed: make(chan struct{}),
	}
	if o.exclusive {
		if s.lock, err = lockDatabase(path); err != nil {
			return nil, err
		}
	}
	if err := s.openConns(ctx); err != nil {
		if s.refused == nil {
			err = explainOpen(path, err)
		}
		return nil, errors.Join(err, s.release())
	}
	go s.checkpoints.loop()
	go func() {
		defer close(s.writerDone)
		s.writer.loop()
	}()
	return s, nil
}

func (s *Store) openConns(ctx context.Context) error {
	c, err := s.connectWriter(ctx)
	if err != nil {
		return err
	}
	c.hook = s.options.hook
	s.writer, s.checkpoints = &writer{store: s, conn: c}, newCheckpointer(s)
	if s.options.copying {
		c.copying = true
		if err := beginCopy(c); err != nil {
			return errors.Join(err, c.close())
		}
	}
	before, err := schemaVersion(c, migrations)
	switch known := int64(len(migrations)); {
	case err != nil:
	case s.options.existing && before == 0:
		err = fmt.Errorf("%w: sqlite: %s is empty", storage.ErrNotFound, s.path)
	case s.options.asItIs && 0 < before && before < known && !c.unfinished:
		err = storage.Outdated(before, known)
	default:
		if s.options.check != nil && 0 < before && before < known {
			if err = s.checked(ctx); err != nil {
				break
			}
		}
		err = migrate(c, migrations)
	}
	if err == nil {
		s.migrated = migratedFrom(before)
		err = s.checkIndex(c)
	}
	if err != nil {
		return errors.Join(err, c.close())
	}
	for range s.options.readers {
		r, err := connect(s.path, readerPragmas...)
		if err != nil {
			return errors.Join(err, c.close())
		}
		s.readers.add(r)
	}
	return nil
}

// checked asks the check of WithCheck, which reads by a connection of its own.
func (s *Store) checked(ctx context.Context) error {
	r, err := connect(s.path, readerPragmas...)
	if err != nil {
		return err
	}
	s.readers.add(r)
	s.refused = s.options.check(ctx, s)
	return errors.Join(s.refused, s.readers.remove())
}

// Migrated says what Open did to the schema.
func (s *Store) Migrated() storage.Migrated { return s.migrated }

// connectWriter opens a connection that can write.
func (s *Store) connectWriter(ctx context.Context) (*conn, error) {
	c, err := connectWriter(ctx, s.path)
	if err != nil {
		return nil, err
	}
	if s.options.noSync {
		if err := c.run("PRAGMA synchronous = OFF"); err != nil {
			return nil, errors.Join(err, c.close())
		}
	}
	return c, nil
}

// connectWriter opens a connection that can write to the file at path. When two processes switch to WAL mode at the
// same moment, one may get SQLITE_BUSY immediately, whatever the busy timeout. So this retries for as long as
// busyTimeout.
func connectWriter(ctx context.Context, path string) (*conn, error) {
	for try := 1; ; try++ {
		c, err := connect(path, writerPragmas...)
		if err == nil || !busy(err) || try == 100 {
			return c, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// release closes the readers and releases the lock.
func (s *Store) release() error {
	all := []error{s.readers.close()}
	if s.lock != nil {
		all = append(all, s.lock.Release())
	}
	return errors.Join(all...)
}

// Close carries out the writes that wait, then closes the file. It may be called more than once, and from several
// goroutines. Later calls of the other methods return storage.ErrUnavailable.
func (s *Store) Close() error {
	s.mu.Lock()
	first := !s.closing
	s.closing = true
	s.mu.Unlock()
	if !first {
		<-s.closed
		return s.closeErr
	}
	s.signal()
	// The last connection to close writes the log back into the file and removes it. No other may be open then.
	all := []error{s.readers.close()}
	s.checkpoints.cancel()
	<-s.checkpoints.done
	<-s.writerDone
	for _, c := range []*conn{s.checkpoints.conn, s.writer.conn} {
		if c != nil {
			all = append(all, c.close())
		}
	}
	if s.lock != nil {
		all = append(all, s.lock.Release())
	}
	s.closeErr = errors.Join(all...)
	close(s.closed)
	return s.closeErr
}

// Ping writes no record. After a failed commit it writes a probe, to learn whether writing works again. It also fails
// while the log can't be written back, since the log would then grow until the disk is full.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.write(ctx, func(w *writer) error {
		if !w.failed {
			return nil
		}
		_, err := w.exec(probeSchema)
		return err
	}); err != nil {
		return err
	}
	if err := s.checkpoints.failure(); err != nil {
		return err
	}
	return s.read(ctx, func(c *conn) error {
		return c.query(readSchema, func(row) error { return nil })
	})
}

// read runs f with one of the read connections.
func (s *Store) read(ctx context.Context, f func(c *conn) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c, err := s.readers.take(ctx)
	if err != nil {
		return err
	}
	err = f(c)
	s.readers.give(c)
	return explain(err)
}
