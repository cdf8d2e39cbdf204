package cluster

import (
	"context"
	"fmt"
	"sync"
	"time"
)

const (
	keyEvery    = 500 * time.Millisecond // between two looks at the own key
	lookWithin  = 500 * time.Millisecond // each of the two requests of a look
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

// begin begins when this node is a member. Its lease lasts from asked on, at least.
func (f *fence) begin(asked instant, members []member) {
	f.c.seen.Store(&asked)
	f.c.provider.publish(members)
	f.loops.Go(f.watchKey)
	f.loops.Go(f.watchClock)
}

// watchKey renews the lease and looks at the own key and at those of the others. If the own one is gone, or is another, the
// lease has ended, and others have taken the shards over. While etcd does not answer nobody can know, so this node then has
// no shards. That is 2 s before the lease ends, whatever etcd heard of it: it lasts from a moment after asked on.
func (f *fence) watchKey() {
	for sure, pause := true, keyEvery; f.wait(pause, f.c.provider.changed); {
		asked := f.c.now()
		lost, err := f.c.provider.look(f.ctx)
		switch {
		case f.ctx.Err() != nil:
			return
		case lost != "":
			f.trip(lost)
			return
		case sure && !f.c.Sure(): // even if the answer came just now, shards may have left meanwhile
			sure = false
			f.c.o.Log.Error("cluster: etcd does not answer, so this node has no shards until it does", "error", err)
			f.c.moved()
		}
		if pause = clockEvery; err == nil {
			pause = keyEvery
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
	for last := f.c.now(); f.wait(clockEvery, nil); last = f.c.now() {
		if gap := f.c.now().since(last); gap > pauseAtMost {
			f.trip(fmt.Sprintf("the process was paused for %s", gap.Round(time.Millisecond)))
			return
		}
	}
}

// wait waits for d, or until there is something in early. It says whether the fence goes on.
func (f *fence) wait(d time.Duration, early <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-f.ctx.Done():
		return false
	case <-timer.C:
		return true
	case <-early:
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
