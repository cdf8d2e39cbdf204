package mongotest_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// heart knows how long this machine stood still: how late its own beat is, and how long the database takes to answer a ping. FerretDB carries out
// one command after the other, so where others have the processor its queue is what a desk waits for, and no fault of the desk.
type heart struct {
	mu    sync.Mutex
	stood []stall
}

// stall is how long something was late, and until when.
type stall struct {
	at   time.Time
	late time.Duration
}

const (
	beatEvery = 20 * time.Millisecond
	pingEvery = 250 * time.Millisecond
)

// newHeart begins to look at the machine and at a database.
func newHeart(t *testing.T, database string) *heart {
	h := &heart{}
	client, err := mongo.Connect(options.Client().ApplyURI(database))
	must(t, err)
	ctx, end := context.WithCancel(context.Background())
	var looking sync.WaitGroup
	looking.Go(func() {
		last := time.Now()
		each(ctx, beatEvery, func() {
			now := time.Now()
			h.note(now, now.Sub(last)-beatEvery)
			last = now
		})
	})
	looking.Go(func() {
		each(ctx, pingEvery, func() {
			began := time.Now()
			if client.Ping(ctx, nil) == nil { // one that is away is no slow one
				h.note(time.Now(), time.Since(began))
			}
		})
	})
	t.Cleanup(func() {
		end()
		looking.Wait()
		_ = client.Disconnect(context.Background())
	})
	return h
}

// each calls f at every tick until ctx ends.
func each(ctx context.Context, every time.Duration, f func()) {
	again := time.NewTicker(every)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-again.C:
			f()
		}
	}
}

func (h *heart) note(now time.Time, late time.Duration) {
	if late < beatEvery {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stood = append(h.stood, stall{now, late})
}

// longest is how long the machine stood still at most since a moment.
func (h *heart) longest(since time.Time) (longest time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range h.stood {
		if s.at.After(since) {
			longest = max(longest, s.late)
		}
	}
	return longest
}

// loosely is a limit as it is judged: the long form has the machine to itself. In the short form other tests run beside it, so the limit is
// three times as long, and longer still where the machine stood still. A desk that does not go on is found all the same.
func loosely(limit, stalled time.Duration) time.Duration {
	if long() {
		return limit
	}
	return 3*limit + 20*stalled
}

// stoodStill is how long the machine may stand still before the short form forgives what a slow database makes fail.
const stoodStill = 500 * time.Millisecond

// fault is Errorf, unless the short form's machine has stood still for too long since a moment.
func (d *desks) fault(since time.Time, format string, args ...any) {
	d.Helper()
	if stood := d.heart.longest(since); stood > stoodStill && !long() {
		d.Logf(format+"; but this machine stood still for %v", append(args, rounded(stood))...)
		return
	}
	d.Errorf(format, args...)
}
