package ticket

import (
	"context"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/storage"
)

// counter hands out blocks of numbers.
type counter struct {
	storage.Store
	last   int64
	blocks []int
}

func (c *counter) TakeNumbers(_ context.Context, n int) (int64, error) {
	c.blocks = append(c.blocks, n)
	c.last += int64(n)
	return c.last - int64(n) + 1, nil
}

// TestNumbers: a quiet desk takes one number at a time; blocks double while tickets come fast, up to a bound, and are of one
// number again afterwards. What is given back is used.
func TestNumbers(t *testing.T) {
	store, now := &counter{}, time.Unix(1_800_000_000, 0)
	env, err := entity.NewEnv(entity.EnvOptions{Store: store, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
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
