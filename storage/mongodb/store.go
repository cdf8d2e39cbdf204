// Package mongodb keeps the desk's records in MongoDB, for services of one node or many.
//
// Every record is a document with the record's own fields, and beside them what indexes need. Each write is one write of
// one document; there are no transactions, no change streams and no sessions, so that a standalone server, a replica set
// and a sharded cluster will do alike. It knows nothing of actors, Telegram or HTTP.
package mongodb

import (
	"context"
	"errors"
	"fmt"
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
	name     string // of the database, with its hosts, for messages
	client   *mongo.Client
	database *mongo.Database
	// replicated: the server has others that could take over from it, so that what it has written may still be undone.
	replicated bool
	// doubt is set when the server could not be reached, or could not do what it was told: Ping then tries a write.
	doubt atomic.Bool

	mu      sync.Mutex
	closing bool
	calls   sync.WaitGroup

	closed   chan struct{}
	closeErr error
}

var _ storage.Store = (*Store)(nil)

type settings struct {
	connect time.Duration
	command time.Duration
	schema  time.Duration
	steps   []migration
}

// Option changes how Open opens.
type Option func(*settings)

// WithTimeouts replaces the limits: of finding and asking the server at Open (10 s), and of each command (5 s). A call
// makes at most two attempts, so it takes at most twice the second.
func WithTimeouts(connect, command time.Duration) Option {
	return func(s *settings) { s.connect, s.command = connect, command }
}

// Open connects to the database dbName at uri and brings its schema up to date. Whatever is wrong, it returns within
// seconds, with an error of one line that says what to do: storage.ErrSchema when a newer program has made the database
// unreadable for this one, storage.ErrUnavailable when the server can't be reached or can't write at the moment.
// Options of the uri stand, except those that the promises of the contract rest on: writes wait for a majority, reads go
// to the primary and see only what a majority has.
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
	err := s.greet(ctx)
	if err == nil {
		err = s.migrate(ctx)
	}
	if err != nil {
		return nil, errors.Join(s.explainOpen(ctx, err), s.Close())
	}
	return s, nil
}

// Close waits for the calls that run, then leaves the server; it may be called more than once, and from several
// goroutines. Calls that come later get storage.ErrUnavailable.
func (s *Store) Close() error {
	s.mu.Lock()
	first := !s.closing
	s.closing = true
	s.mu.Unlock()
	if !first {
		<-s.closed
		return s.closeErr
	}
	s.calls.Wait() // each is bounded by the limit of a command
	ctx, cancel := context.WithTimeout(context.Background(), s.options.command)
	defer cancel()
	if err := s.client.Disconnect(ctx); err != nil && !errors.Is(err, mongo.ErrClientDisconnected) {
		s.closeErr = fmt.Errorf("mongodb: disconnect: %w", err)
	}
	close(s.closed)
	return s.closeErr
}

// begin admits a call unless the store is closing or ctx is done; end has to follow when it does.
func (s *Store) begin(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return errClosed
	}
	s.calls.Add(1)
	return nil
}

func (s *Store) end() { s.calls.Done() }

// Ping asks the primary for the schema, and so learns too when a newer program has made the database unreadable for this
// one. After trouble it writes a probe, to learn whether writing works again.
func (s *Store) Ping(ctx context.Context) error {
	return s.call(ctx, func(ctx context.Context) error {
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

// call runs f with the limit of a command, and once more when it failed for a reason that may pass. f must be a read, or
// a write that may be repeated.
func (s *Store) call(ctx context.Context, f func(ctx context.Context) error) error {
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

// attempt runs f with the limit of a command. Its error is one of the contract or of ctx.
func (s *Store) attempt(ctx context.Context, f func(ctx context.Context) error) error {
	limited, cancel := context.WithTimeout(ctx, s.options.command)
	defer cancel()
	err := f(limited)
	if ended := over(ctx); err != nil && ended != nil {
		return fmt.Errorf("%w (%s)", ended, oneLine(lastPart(err.Error()))) // what it waited for
	}
	if err = s.explain(err); errors.Is(err, storage.ErrUnavailable) {
		s.doubt.Store(true)
	}
	return err
}

// over says why ctx has ended, if it has. A connection may notice the end before the context does.
func over(ctx context.Context) error {
	if deadline, ok := ctx.Deadline(); ok && ctx.Err() == nil && !time.Now().Before(deadline) {
		return context.DeadlineExceeded
	}
	return ctx.Err()
}

// pause waits a moment before a second attempt, and says whether one is still wanted.
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

// in is the collection as every query reads it: what a majority has, as the primary knows it.
func (s *Store) in(collection string) *mongo.Collection { return s.database.Collection(collection) }

// certain is the collection for reads that decide. The server answers only when it has made sure, by a majority of the
// others, that it is the primary still and that what it answers can't be undone: a primary that was cut off and does not
// know of its successor yet would otherwise show an acknowledged write as missing. A standalone server has no others.
func (s *Store) certain(collection string) *mongo.Collection {
	if !s.replicated {
		return s.in(collection)
	}
	return s.database.Collection(collection, options.Collection().SetReadConcern(readconcern.Linearizable()))
}
