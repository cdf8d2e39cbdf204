// Package storagetest holds every store to the contract of package storage. A store's own test calls Run.
//
// The suite tests behaviour, never speed: a store that takes a millisecond per write and scans whole collections
// passes too. It knows no store but its own model in memory.
package storagetest

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/topicdesk/topicdesk/storage"
)

// Factory makes the stores of one kind.
type Factory struct {
	// Open returns a new, empty store, which it closes at the end of the test.
	Open func(t *testing.T) storage.Store
	// Reopen closes a store that Open or Reopen returned, and opens the same data again. Nil: the store is not durable.
	Reopen func(t *testing.T, s storage.Store) storage.Store
	// Crashes runs write, which writes to s. It returns what kill -9 would have left at each moment meanwhile, in order;
	// the last moment is after write has returned. Nil: not tested.
	Crashes func(t *testing.T, s storage.Store, write func()) []Crash
	Sizes   Sizes
}

// Crash is what a crash left behind.
type Crash struct {
	Moment string // for error texts, such as "before COMMIT"
	Open   func(t *testing.T) storage.Store
}

// Sizes says how much the suite writes. A zero value means the number in brackets, which suits a store that takes a
// millisecond per write.
type Sizes struct {
	Rows    int // in tests of lists and pages (40)
	Writers int // goroutines in tests of concurrency (8)
	Rounds  int // writes of each writer (20)
}

// Run holds the stores that f makes to the contract.
func Run(t *testing.T, f Factory) {
	defaults := func(n *int, otherwise int) {
		if *n == 0 {
			*n = otherwise
		}
	}
	defaults(&f.Sizes.Rows, 40)
	defaults(&f.Sizes.Writers, 8)
	defaults(&f.Sizes.Rounds, 20)
	for _, part := range []struct {
		name string
		test func(*testing.T, Factory)
	}{
		{"leases", testLeases},
		{"users", testUsers},
		{"lists of users", testUserLists},
		{"API keys", testAPIKeys},
		{"idempotency", testIdempotencies},
		{"due users", testDueUsers},
		{"groups", testGroups},
		{"tickets", testTickets},
		{"ticket lists", testTicketLists},
		{"ticket search", testTicketSearch},
		{"external ids", testExternalIDs},
		{"topics", testTopics},
		{"due tickets", testDueTickets},
		{"messages", testMessages},
		{"copies", testCopies},
		{"attachments", testAttachments},
		{"chats", testChats},
		{"events", testEvents},
		{"the log of events", testLog},
		{"readers of the log", testLogReaders},
		{"webhooks", testWebhooks},
		{"consumers", testConsumers},
		{"errors and problems", testMonitor},
		{"deliveries", testDeliveries},
		{"replays", testReplays},
		{"offsets", testOffsets},
		{"updates that wait", testUpdates},
		{"samples", testSamples},
		{"tallies", testTallies},
		{"records keep every field", testRoundTrip},
		{"hostile values", testHostile},
		{"concurrency", testConcurrency},
		{"fencing", testFencing},
		{"contexts", testContexts},
		{"closing", testClosing},
		{"durability", testDurability},
		{"dump and load", testDump},
		{"crashes", testCrashes},
		{"any sequence of calls", testMachine},
	} {
		t.Run(part.name, func(t *testing.T) { part.test(t, f) })
	}
}

// tb is what the suite needs of *testing.T and *rapid.T.
type tb interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// noError stops the test unless err is nil.
func noError(t tb, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// fails stops the test unless err is want, and no other error of the contract.
func fails(t tb, err, want error) {
	t.Helper()
	if got := kind(err); got != want {
		t.Fatalf("error: got %v (%v), want %v", err, got, want)
	}
}

// kind returns which error of the contract, or of a context, err is. When it is none of them, it returns err itself.
func kind(err error) error {
	for _, k := range []error{
		storage.ErrNotFound, storage.ErrConflict, storage.ErrExists, storage.ErrTopicTaken,
		storage.ErrExternalIDTaken, storage.ErrNumberTaken, storage.ErrNameTaken, storage.ErrNoIndex, storage.ErrSearch,
		storage.ErrUnavailable, storage.ErrSchema, context.Canceled, context.DeadlineExceeded,
	} {
		if errors.Is(err, k) {
			return k
		}
	}
	return err
}

// same compares records. Empty and nil slices are the same, and so are JSON values that differ only in white space.
func same(t tb, got, want any) {
	t.Helper()
	if diff := difference(got, want); diff != "" {
		t.Fatalf("got what is + and wanted what is -:\n%s", diff)
	}
}

func difference(got, want any) string {
	sameJSON := cmp.Comparer(func(a, b json.RawMessage) bool {
		var x, y any
		return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && cmp.Equal(x, y)
	})
	// Filtered by type: otherwise the comparer of json.RawMessage would apply to every []byte too.
	isJSON := func(p cmp.Path) bool { return p.Last().Type() == reflect.TypeFor[json.RawMessage]() }
	notBothEmpty := func(a, b json.RawMessage) bool { return len(a)+len(b) > 0 }
	return cmp.Diff(want, got, cmpopts.EquateEmpty(), cmp.FilterPath(isJSON, cmp.FilterValues(notBothEmpty, sameJSON)))
}
