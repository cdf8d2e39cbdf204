package storagetest

import (
	"slices"
	"sync"
	"testing"

	"github.com/topicdesk/topicdesk/storage"
)

func testLeases(t *testing.T, f Factory) {
	ctx := t.Context()
	t.Run("epochs of an entity count up, and the newest lease is shown", func(t *testing.T) {
		s := f.Open(t)
		_, err := s.Lease(ctx, "ticket/T1")
		fails(t, err, storage.ErrNotFound)
		for want := int64(1); want <= 3; want++ {
			owner := []string{"a", "b", "a"}[want-1]
			epoch, err := s.TakeLease(ctx, "ticket/T1", owner, minute(int(want)))
			noError(t, err)
			same(t, epoch, want)
			lease, err := s.Lease(ctx, "ticket/T1")
			noError(t, err)
			same(t, lease, storage.Lease{Entity: "ticket/T1", Epoch: want, Owner: owner, TakenAt: minute(int(want))})
		}
		epoch, err := s.TakeLease(ctx, "ticket/T2", "a", day)
		noError(t, err)
		same(t, epoch, int64(1))
	})
	t.Run("all who take a lease concurrently get different epochs, without gaps", func(t *testing.T) {
		s := f.Open(t)
		var (
			wg     sync.WaitGroup
			mu     sync.Mutex
			epochs []int64
		)
		for range f.Sizes.Writers {
			wg.Go(func() {
				last := int64(0)
				for range f.Sizes.Rounds {
					epoch, err := s.TakeLease(ctx, "ticket/T1", "x", day)
					if err != nil || epoch <= last {
						t.Errorf("epoch %d after %d: %v", epoch, last, err)
						return
					}
					last = epoch
					mu.Lock()
					epochs = append(epochs, epoch)
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		slices.Sort(epochs)
		for i, epoch := range epochs {
			same(t, epoch, int64(i+1))
		}
	})
}

func testOffsets(t *testing.T, f Factory) {
	ctx := t.Context()
	s := f.Open(t)
	offset := func(name string, want int64) {
		t.Helper()
		got, err := s.Offset(ctx, name)
		noError(t, err)
		same(t, got, want)
	}
	offset("bot", 0)
	noError(t, s.SaveOffset(ctx, "bot", -5)) // before the beginning
	offset("bot", 0)
	noError(t, s.SaveOffset(ctx, "bot", 7))
	noError(t, s.SaveOffset(ctx, "other bot", 3))
	offset("bot", 7)
	noError(t, s.SaveOffset(ctx, "bot", 7))
	noError(t, s.SaveOffset(ctx, "bot", 6)) // never back
	offset("bot", 7)
	noError(t, s.SaveOffset(ctx, "bot", 1<<62))
	offset("bot", 1<<62)
	offset("other bot", 3)

	t.Run("of offsets saved concurrently the highest stays", func(t *testing.T) {
		var wg sync.WaitGroup
		for w := range f.Sizes.Writers {
			wg.Go(func() {
				for n := range f.Sizes.Rounds {
					if err := s.SaveOffset(ctx, "busy", int64(n*f.Sizes.Writers+w+1)); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		offset("busy", int64(f.Sizes.Rounds*f.Sizes.Writers))
	})
}
