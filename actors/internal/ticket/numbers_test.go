package ticket

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/storage"
)

// counter hands out blocks of numbers.
type counter struct {
	storage.Store
	last   int64
	blocks []int
	call   func() error // what happens before; nil: nothing
}

func (c *counter) TakeNumbers(_ context.Context, n int) (int64, error) {
	if c.call != nil {
		if err := c.call(); err != nil {
			return 0, err
		}
	}
	c.blocks = append(c.blocks, n)
	c.last += int64(n)
	return c.last - int64(n) + 1, nil
}

// TestNumbers: a quiet desk takes one number at a time; blocks double while tickets come fast, up to a bound, and are of one
// number again afterwards. What is given back is used.
func TestNumbers(t *testing.T) {
	store, now := &counter{}, time.Unix(1_800_000_000, 0)
	env := envOf(t, store, &now)
	var n numbers
	want := int64(0)
	take := func() {
		t.Helper()
		want++
		if got, err := n.take(env); err != nil || got != want {
			t.Fatalf("got %d and %v, want %d", got, err, want)
		}
	}
	for range 10 {
		now = now.Add(time.Minute)
		take()
	}
	if len(store.blocks) != 10 || store.last != 10 {
		t.Errorf("a quiet desk took %v", store.blocks)
	}
	for range 2000 {
		take()
	}
	largest := 0
	for _, size := range store.blocks {
		largest = max(largest, size)
	}
	if largest != largestBlock || len(store.blocks) > 30 {
		t.Errorf("a busy desk took %v", store.blocks)
	}
	now = now.Add(time.Minute)
	for want < store.last {
		take()
	}
	take()
	if size := store.blocks[len(store.blocks)-1]; size != 1 {
		t.Errorf("a quiet desk takes %d again", size)
	}
	n.giveBack(want)
	want--
	take()
}

// TestNumbersOfLongAgo: what is left of a busy hour is not given weeks later, after numbers of other nodes.
func TestNumbersOfLongAgo(t *testing.T) {
	store, now := &counter{}, time.Unix(1_800_000_000, 0)
	env := envOf(t, store, &now)
	var n numbers
	for range 100 {
		taken(t, &n, env)
	}
	if store.last == 100 {
		t.Fatal("nothing is left")
	}
	n.giveBack(taken(t, &n, env))
	now = now.Add(2 * time.Hour)
	if got := taken(t, &n, env); got != store.last || store.blocks[len(store.blocks)-1] != 1 {
		t.Errorf("%d after %v", got, store.blocks)
	}
}

// TestNumbersFromSlowStorage: blocks grow while storage is slow, since then they are needed most.
func TestNumbersFromSlowStorage(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	store := &counter{call: func() error { now = now.Add(1100 * time.Millisecond); return nil }}
	env := envOf(t, store, &now)
	var n numbers
	for range 100 {
		taken(t, &n, env)
	}
	if len(store.blocks) > 10 {
		t.Errorf("it took %v", store.blocks)
	}
}

// TestNumbersWhileStorageIsAway: all that wait for a number learn of one failure, not each of its own after the others'.
func TestNumbersWhileStorageIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const many = 30
		away, now := errors.New("away"), time.Now()
		store := &counter{call: func() error { <-time.After(10 * time.Second); return away }}
		env := envOf(t, store, nil)
		var n numbers
		var all sync.WaitGroup
		for range many {
			all.Go(func() {
				if number, err := n.take(env); !errors.Is(err, away) {
					t.Error(number, err)
				}
			})
		}
		all.Wait()
		if took := time.Since(now); took != 10*time.Second {
			t.Errorf("the last one waited %v", took)
		}
		store.call = func() error { return nil }
		if got := taken(t, &n, env); got != 1 {
			t.Errorf("then comes %d", got)
		}
	})
}

// envOf is an environment at that time; nil: now.
func envOf(t *testing.T, store storage.Store, at *time.Time) *entity.Env {
	t.Helper()
	o := entity.EnvOptions{Store: store}
	if at != nil {
		o.Now = func() time.Time { return *at }
	}
	env, err := entity.NewEnv(o)
	if err != nil {
		t.Fatal(err)
	}
	return env
}

func taken(t *testing.T, n *numbers, env *entity.Env) int64 {
	t.Helper()
	number, err := n.take(env)
	if err != nil {
		t.Fatal(err)
	}
	return number
}
