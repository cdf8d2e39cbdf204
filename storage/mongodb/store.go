// Package mongodb keeps the desk's records in MongoDB, for services of one node or many.
//
// A record is a document with the record's own fields, and with what indexes need besides them. Each write is one
// write of one document. There are no transactions, no change streams and no sessions, so a standalone server, a
// replica set and a sharded cluster all serve. The package knows nothing of actors, Telegram or HTTP.
package mongodb

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"

	"github.com/topicdesk/topicdesk/storage"
)

// Store is a storage.Store in one database of a MongoDB server, replica set or cluster.
type Store struct {
	options  settings
	name     string // of the database, with its hosts, for errors
	nobody   bool   // the address has no user
	client   *mongo.Client
	database *mongo.Database
	// replicated says that another server could take over as primary, so a write of this one may still be rolled back.
	replicated bool
	// doubt is set when the server could not be reached or could not carry out a command. Ping then tries a write.
	doubt atomic.Bool
	// outdated is set while the search index has an older folding, at least in part.
	outdated atomic.Bool
	migrated storage.Migrated // by Open
	refused  error            // by the check of WithCheck
	// unfinished is set when the database is half of a copy, which this store may open.
	unfinished atomic.Bool

	mu      sync.Mutex
	closing bool
	running sync.WaitGroup // calls of the contract

	closed   chan struct{}
	closeErr error
}

var _ storage.Store = (*Store)(nil)

// Migrated says what Open did to the schema.
func (s *Store) Migrated() storage.Migrated { return s.migrated }

type settings struct {
	connect time.Duration
	command time.Duration
	schema  time.Duration
	steps   []migration

	says      func(upTo time.Duration) // nil: nobody is told that the server is waited for
	saysAfter time.Duration

	existing bool
	asItIs   bool
	check    func(ctx context.Context, s *Store) error
	copying  bool
}

// Option changes how Open opens.
type Option func(*settings)

// WithTimeouts replaces the time limits: connect for finding the server at Open (10 s), command for each command (5
// s). A call makes at most two attempts, so it takes at most twice the limit of a command.
func WithTimeouts(connect, command time.Duration) Option {
	return func(s *settings) { s.connect, s.command = connect, command }
}

// WithWaiting calls say when Open has not found the server after a while; upTo is how long it waits in all.
func WithWaiting(after time.Duration, say func(upTo time.Duration)) Option {
	return func(s *settings) { s.saysAfter, s.says = after, say }
}

// WithExisting refuses a database without a desk, with storage.ErrNotFound, instead of making a new one.
func WithExisting() Option { return func(s *settings) { s.existing = true } }

// WithoutMigration refuses a database of an earlier release, with storage.ErrOutdated, instead of bringing it up to date.
func WithoutMigration() Option { return func(s *settings) { s.asItIs = true } }

// WithCheck has a database of an earlier release checked before it is brought up to date. An error of check ends Open with that
// error, and leaves the database as it is. What check reads may fail, since the schema is an older one.
func WithCheck(check func(ctx context.Context, s *Store) error) Option {
	return func(s *settings) { s.check = check }
}

// WithCopying is for the target of a copy: it opens a database that is half of one, and marks a new one so before anything
// else is in it. Everybody else is refused with storage.ErrUnfinished, until EndCopy.
func WithCopying() Option { return func(s *settings) { s.copying = true } }

// Open connects to the database dbName at uri and brings its schema up to date. Whatever is wrong, it returns within
// seconds, with an error of one line that says what to do. The error is storage.ErrSchema when a newer program has
// made the database unreadable for this one, and storage.ErrUnavailable when the server can't be reached or can't
// write at the moment. The options of the uri apply, except those that the contract depends on: writes wait for a
// majority, and reads go to the primary and see only what a majority has.
func Open(ctx context.Context, uri, dbName string, opts ...Option) (*Store, error) {
	s := &Store{
		options: settings{connect: 10 * time.Second, command: 5 * time.Second, schema: time.Minute, steps: migrations},
		closed:  make(chan struct{}),
	}
	for _, opt := range opts {
		opt(&s.options)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := s.connect(ctx, uri, dbName); err != nil {
		return nil, err
	}
	err := s.prepare(ctx)
	for try := 1; err != nil && s.refused == nil && try < openTries && s.passing(ctx, err); try++ {
		select {
		case <-ctx.Done():
		case <-time.After(openPause << try):
		}
		err = s.prepare(ctx)
	}
	if err != nil {
		if s.refused == nil {
			err = s.explainOpen(ctx, err)
		}
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// How often Open tries to bring the database up to date, and the pause before, which doubles each time. Several nodes that
// start at once on an empty database get into each other's way; all that they do may be done twice.
const (
	openTries = 4
	openPause = 100 * time.Millisecond
)

// prepare finds the server and brings the database up to date.
func (s *Store) prepare(ctx context.Context) error {
	if err := s.greet(ctx); err != nil {
		return err
	}
	if err := s.migrate(ctx); err != nil {
		return err
	}
	if err := s.numberRest(ctx); err != nil {
		return err
	}
	return s.checkIndex(ctx)
}

// passing says whether an error of prepare may be gone the next time. One that took its whole time to come is told.
func (s *Store) passing(ctx context.Context, err error) bool {
	if ctx.Err() != nil || mongo.IsTimeout(err) || strings.Contains(err.Error(), "server selection") || unauthorized(err) {
		return false
	}
	// Two nodes make and remove the indexes of different steps, and one that is being made can't serve a query yet.
	return errors.Is(s.explain(err), storage.ErrUnavailable) || hasCode(err, codeIndexOptionsConflict) ||
		hasCode(err, codeBadValue) && strings.Contains(err.Error(), "hint")
}

// Close waits for the calls that are in progress, then disconnects. It may be called more than once, and from several
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
	s.running.Wait() // the time limit of a command bounds each
	ctx, cancel := context.WithTimeout(context.Background(), s.options.command)
	defer cancel()
	if err := s.client.Disconnect(ctx); err != nil && !errors.Is(err, mongo.ErrClientDisconnected) {
		s.closeErr = fmt.Errorf("mongodb: disconnect: %w", err)
	}
	close(s.closed)
	return s.closeErr
}

// begin admits a call unless the store is closing or ctx has ended. After begin has returned nil, end must follow.
func (s *Store) begin(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return errClosed
	}
	s.running.Add(1)
	return nil
}

func (s *Store) end() { s.running.Done() }

// Ping reads the schema from the primary, so it also notices when a newer program has made the database unreadable for
// this one. After a failure it writes a probe, to learn whether writing works again.
func (s *Store) Ping(ctx context.Context) error {
	return s.run(ctx, func(ctx context.Context) error {
		if _, err := s.schemaVersion(ctx); err != nil {
			return err
		}
		if !s.doubt.Load() {
			return nil
		}
		if err := s.probe(ctx); err != nil {
			return err
		}
		s.doubt.Store(false)
		return nil
	})
}

// run runs f with the time limit of a command. When f fails with storage.ErrUnavailable, it runs f once more. f must
// be a read, or a write that may be repeated.
func (s *Store) run(ctx context.Context, f func(ctx context.Context) error) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	return s.twice(ctx, f)
}

func (s *Store) twice(ctx context.Context, f func(ctx context.Context) error) error {
	err := s.attempt(ctx, f)
	if errors.Is(err, storage.ErrUnavailable) && pause(ctx) {
		err = s.attempt(ctx, f)
	}
	return err
}

// attempt runs f with the time limit of a command. Its error is one of the contract, of ctx, or a lasting one.
func (s *Store) attempt(ctx context.Context, f func(ctx context.Context) error) error {
	return s.within(ctx, s.options.command, f)
}

// within is attempt with another time limit.
func (s *Store) within(ctx context.Context, limit time.Duration, f func(ctx context.Context) error) error {
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := f(limited)
	if ended := over(ctx); err != nil && ended != nil {
		return fmt.Errorf("%w (%s)", ended, oneLine(lastPart(err.Error()))) // the text says what it waited for
	}
	if err = s.explain(err); errors.Is(err, storage.ErrUnavailable) {
		s.doubt.Store(true)
	}
	return err
}

// over says why ctx has ended, or returns nil. A connection may notice the deadline before the context does.
func over(ctx context.Context) error {
	if deadline, ok := ctx.Deadline(); ok && ctx.Err() == nil && !time.Now().Before(deadline) {
		return context.DeadlineExceeded
	}
	return ctx.Err()
}

// pause waits a moment before a second attempt. It returns false when ctx ends meanwhile.
func pause(ctx context.Context) bool {
	t := time.NewTimer(50 * time.Millisecond)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// in returns the collection for ordinary reads, which see what the primary knows a majority to have, and for writes.
func (s *Store) in(collection string) *mongo.Collection { return s.database.Collection(collection) }

// certain returns the collection for linearizable reads, where the absence of a record decides something. The server
// answers such a read only after a majority has confirmed that it is still the primary. Otherwise a primary that was
// cut off, and does not know its successor yet, could show an acknowledged write as missing. A standalone server
// needs no such confirmation.
func (s *Store) certain(collection string) *mongo.Collection {
	if !s.replicated {
		return s.in(collection)
	}
	return s.database.Collection(collection, options.Collection().SetReadConcern(readconcern.Linearizable()))
}
