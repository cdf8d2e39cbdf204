package mongotest_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.uber.org/goleak"

	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/storage/mongodb"
	"github.com/topicdesk/topicdesk/storage/mongodb/mongotest"
	"github.com/topicdesk/topicdesk/storage/storagetest"
)

func TestMain(m *testing.M) {
	debug.SetGCPercent(400) // FerretDB makes a tree of each document: a third of the time was the collector's
	if dir := os.Getenv(serverEnv); dir != "" {
		if err := runServer(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if os.Getenv("TOPICDESK_LONG") == "" {
		_ = flag.Set("rapid.checks", "12") // random sequences of calls: each needs a database of its own
	}
	// More parallel tests than there are processors: most of the time they wait, half a second after each cut
	// connection. A -parallel flag takes precedence, since flags are parsed later.
	_ = flag.Set("test.parallel", strconv.Itoa(6*runtime.GOMAXPROCS(0)))
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("database/sql.(*DB).connectionOpener"), goleak.Cleanup(func(status int) {
		if builtIn != "" {
			_ = os.RemoveAll(builtIn)
		}
		os.Exit(status)
	}))
}

var databases atomic.Int64

// newDatabase returns a database name that no other test has.
func newDatabase() string { return fmt.Sprintf("topicdesk_%d_%d", os.Getpid(), databases.Add(1)) }

// ferret starts FerretDB behind its proxy for one test.
func ferret(t *testing.T) *mongotest.Server {
	t.Helper()
	s, err := mongotest.Start(t.TempDir(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}

// opener opens stores, and knows the database of each.
type opener struct {
	uri   string
	index func(t *testing.T, database string)
	drop  bool // drops the databases at the end
	mu    sync.Mutex
	names map[storage.Store]string
}

func (o *opener) open(t *testing.T, database string, opts ...mongodb.Option) *mongodb.Store {
	t.Helper()
	s, err := mongodb.Open(t.Context(), o.uri, database, opts...)
	// The time limits of some tests are so short that a busy machine exceeds them.
	deadline := time.Now().Add(20 * time.Second)
	for errors.Is(err, storage.ErrUnavailable) && time.Now().Before(deadline) {
		s, err = mongodb.Open(t.Context(), o.uri, database, opts...)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	if o.index != nil {
		o.index(t, database)
	}
	o.dropAtEnd(t, database)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.names[s] = database
	return s
}

// dropAtEnd drops a database when the test ends, on a server that outlives it.
func (o *opener) dropAtEnd(t *testing.T, database string) {
	if !o.drop {
		return
	}
	t.Cleanup(func() {
		client, err := mongo.Connect(options.Client().ApplyURI(o.uri))
		if err == nil {
			err = errors.Join(client.Database(database).Drop(context.Background()), client.Disconnect(context.Background()))
		}
		if err != nil {
			t.Error(err)
		}
	})
}

func (o *opener) reopen(t *testing.T, s storage.Store) storage.Store {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	o.mu.Lock()
	name := o.names[s]
	o.mu.Unlock()
	return o.open(t, name)
}

func onFerret(t *testing.T) (*mongotest.Server, *opener) {
	t.Helper()
	server := ferret(t)
	index := func(t *testing.T, database string) {
		t.Helper()
		if err := server.Index(t.Context(), database); err != nil {
			t.Fatal(err)
		}
	}
	return server, &opener{uri: server.URI(), names: map[storage.Store]string{}, index: index}
}

// TestStore holds the store to the contract, on FerretDB. It tests behaviour, not speed.
func TestStore(t *testing.T) {
	t.Parallel()
	server, o := onFerret(t)
	storagetest.Run(t, storagetest.Factory{
		Open:   func(t *testing.T) storage.Store { return o.open(t, newDatabase()) },
		Reopen: o.reopen,
		Crashes: func(t *testing.T, s storage.Store, write func()) []storagetest.Crash {
			return crashes(t, server, o, s, write)
		},
		Sizes: storagetest.Sizes{Rows: 30, Writers: 6, Rounds: 12},
	})
}

// crashes copies the server's files before and after each command. That is what killing everything at that moment
// leaves.
func crashes(
	t *testing.T, server *mongotest.Server, o *opener, s storage.Store, write func(),
) (all []storagetest.Crash) {
	t.Helper()
	database := o.names[s]
	at := func(moment string) {
		dir := t.TempDir()
		if err := server.Copy(database, dir); err != nil {
			t.Error(err)
		}
		all = append(all, storagetest.Crash{Moment: moment, Open: func(t *testing.T) storage.Store {
			left, err := mongotest.Start(dir, "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(left.Stop)
			s, err := mongodb.Open(t.Context(), left.URI(), database)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = s.Close() })
			return s
		}})
	}
	server.Watch(at)
	write()
	server.Watch(nil)
	at("after the write returned")
	return all
}

// TestStoreOnRealServer holds the store to the contract on the server that MONGODB_TEST_URI names.
func TestStoreOnRealServer(t *testing.T) {
	o := onRealServer(t)
	storagetest.Run(t, storagetest.Factory{
		Open:   func(t *testing.T) storage.Store { return o.open(t, newDatabase()) },
		Reopen: o.reopen,
		Sizes:  storagetest.Sizes{Rows: 60, Writers: 16, Rounds: 25},
	})
}

func onRealServer(t *testing.T) *opener {
	t.Helper()
	if realURI() == "" {
		t.Skip("MONGODB_TEST_URI is not set: this test needs the address of a real MongoDB server, mongodb://…")
	}
	return &opener{uri: realURI(), names: map[storage.Store]string{}, drop: true}
}
