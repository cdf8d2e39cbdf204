package cluster

import (
	"context"
	"fmt"
	"sync"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

const (
	keyEvery    = 500 * time.Millisecond // between two looks at the own key
	clockEvery  = 100 * time.Millisecond // between two looks at the clock
	pauseAtMost = 2 * time.Second        // of the process; others may have taken its shards over by then
)

// fence ends a node that must not go on: others have taken its shards over, or may have. A supervisor starts a new
// process, with a new id: the old one stays blocked by the others for ever.
type fence struct {
	c *Cluster

	ctx    context.Context
	cancel context.CancelFunc
	loops  sync.WaitGroup
	once   sync.Once
}

func newFence(c *Cluster) *fence {
	f := &fence{c: c}
	f.ctx, f.cancel = context.WithCancel(context.Background())
	return f
}

func (f *fence) begin() {
	now := time.Now()
	f.c.seen.Store(&now)
	f.loops.Go(f.watchKey)
	f.loops.Go(f.watchClock)
}

// revision is the one in which the own key was made; 0: there is no key.
func (f *fence) revision(ctx context.Context) (int64, error) {
	answer, err := f.c.etcd.Get(ctx, f.c.provider.key, clientv3.WithKeysOnly())
	if err != nil || len(answer.Kvs) == 0 {
		return 0, err
	}
	return answer.Kvs[0].CreateRevision, nil
}

// watchKey looks at the own key. If it is gone, or is another, the lease has ended, and others have taken the shards
// over. While etcd does not answer nobody can know, so this node then has no shards.
func (f *fence) watchKey() {
	for sure := true; f.wait(keyEvery); {
		asked := time.Now()
		ask, cancel := context.WithTimeout(f.ctx, keyEvery)
		created, err := f.revision(ask)
		cancel()
		switch {
		case f.ctx.Err() != nil:
			return
		case err == nil && created != f.c.provider.created:
			f.trip("others have taken its shards over: its lease in etcd has ended")
			return
		case sure && !f.c.Sure(): // even if the answer came just now, shards may have left meanwhile
			sure = false
			f.c.o.Log.Error("cluster: etcd does not answer, so this node has no shards until it does", "error", err)
			f.c.moved()
		}
		if err == nil {
			f.c.seen.Store(&asked)
			if !sure {
				sure = true
				f.c.o.Log.Info("cluster: etcd answers again, and this node has its shards still")
				f.c.moved()
			}
		}
	}
}

// watchClock notices that the process was paused.
func (f *fence) watchClock() {
	for last := time.Now(); f.wait(clockEvery); last = time.Now() {
		if gap := time.Since(last); gap > pauseAtMost {
			f.trip(fmt.Sprintf("the process was paused for %s", gap.Round(time.Millisecond)))
			return
		}
	}
}

func (f *fence) wait(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-f.ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// trip fences this node.
func (f *fence) trip(reason string) {
	f.once.Do(func() {
		f.c.fenced.Store(true)
		f.c.moved()
		go f.c.o.Fenced(reason) // it may end this fence
	})
}

// end ends the fence.
func (f *fence) end() {
	f.cancel()
	f.loops.Wait()
}
