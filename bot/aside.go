package bot

import (
	"cmp"
	"context"
	"encoding/json"
	"sync"
	"sync/atomic"
	"time"
)

// Keeper keeps updates that are set aside. It may be called from several goroutines.
type Keeper interface {
	// Waiting lists what is kept, in order, of ids above after; several at a time, and none when there are no more.
	Waiting(ctx context.Context, after int64) (ids []int64, bodies []json.RawMessage, err error)
	// SetAside keeps updates; bodies are those of ids, which are in order. One that is kept already stays as it is.
	SetAside(ctx context.Context, ids []int64, bodies []json.RawMessage) error
	// Drop keeps updates no longer.
	Drop(ctx context.Context, ids []int64) error
	// Newest returns nil when no other poller has begun since this one did. One that begins lists what is kept after that.
	Newest(ctx context.Context) error
}

// aside are the updates that a poller has set aside: Telegram has them no more, since the offset is beyond them. The sequence
// hands them in as before, and the keeper has them until they are accepted, so that the next poller can.
//
// Two pollers may run at once for some seconds. The older one keeps updates first, then looks whether it is the newest, and
// only then confirms them: what it has confirmed, the newer one finds when it begins. What it kept and did not confirm, the
// newer one gets from Telegram. An update is dropped by whoever knows that it was accepted.
type aside struct {
	p      *Poller
	s      *sequence
	offset atomic.Int64 // below it, all is confirmed
	ended  sync.WaitGroup
	stop   context.CancelFunc // nil: nothing runs
	retry  time.Time          // when the keeper may be asked again, after a failure

	keeping sync.Mutex // held while the keeper stores or drops, so that nothing is dropped before it is stored
	mu      sync.Mutex
	sizes   map[int64]int // in bytes, of what is not accepted yet and is kept, or may be
	bytes   int           // their sum
	spare   []int64       // what is to be dropped
	full    bool          // it was said that there is no room
}

const (
	asideWindow = 50 // of the 100 updates that Telegram shows: from more on, what waits is set aside
	asideAtMost = 10_000
	asideBytes  = 64 << 20
	stuckAfter  = 500 * time.Millisecond
	dropEvery   = time.Second
	tidyEvery   = time.Minute
	lastDrop    = 2 * time.Second // how long the end waits for the keeper
)

func (p *Poller) newAside(s *sequence) *aside {
	a := &aside{p: p, s: s, sizes: map[int64]int{}}
	s.told = a.accepted
	return a
}

// start hands in what earlier pollers have set aside. Newer updates come behind it, so it returns only when all of it is in
// the sequence; false: ctx has ended.
func (a *aside) start(ctx context.Context, decode func([]byte) *Update) bool {
	if a.p.Keeper == nil {
		return true
	}
	b := backoff{min: fetchBackoffMin, max: fetchBackoffMax}
	for after := int64(0); ; {
		ids, bodies, err := a.p.Keeper.Waiting(ctx, after)
		switch {
		case ctx.Err() != nil:
			return false
		case err != nil:
			a.p.Log.Warn("updates that were set aside can't be read; retrying", "error", err)
			a.p.pause(ctx, b.next())
			continue
		case len(ids) == 0:
			run, stop := context.WithCancel(ctx)
			a.stop = stop
			a.ended.Go(func() { a.run(run) })
			return true
		}
		b.reset()
		after = ids[len(ids)-1]
		a.p.Log.Info("updates that were set aside are handed in", "updates", len(ids))
		a.handIn(ids, bodies, decode)
	}
}

func (a *aside) handIn(ids []int64, bodies []json.RawMessage, decode func([]byte) *Update) {
	var updates []*Update
	for i, id := range ids {
		if a.has(id) {
			continue
		}
		a.note(id, len(bodies[i]))
		if u := decode(bodies[i]); u != nil {
			updates = append(updates, u)
		} else {
			a.accepted(id)
		}
	}
	a.s.add(updates)
	a.s.letGo(ids)
}

// take sets aside what waits, if it is stuck and fills more than half of what Telegram shows. It says whether the offset may
// move on.
func (a *aside) take(ctx context.Context, had map[int64]json.RawMessage) bool {
	if a.p.Keeper == nil || len(had) <= asideWindow || time.Now().Before(a.retry) {
		return false
	}
	ids := a.s.stuck(cmp.Or(a.p.stuckAfter, stuckAfter))
	if len(ids) == 0 || !a.room(ids, had) {
		return false
	}
	bodies := make([]json.RawMessage, len(ids))
	for i, id := range ids {
		bodies[i] = had[id]
	}
	a.keeping.Lock()
	defer a.keeping.Unlock()
	for i, id := range ids {
		a.note(id, len(bodies[i]))
	}
	for _, id := range a.s.gone(ids) { // accepted before it was noted
		a.accepted(id)
	}
	err := a.p.Keeper.SetAside(ctx, ids, bodies)
	if err == nil {
		err = a.p.Keeper.Newest(ctx)
	}
	if err != nil {
		a.retry = time.Now().Add(dropEvery)
		if ctx.Err() == nil {
			a.p.Log.Warn("updates that are not accepted can't be set aside, so newer ones wait, too", "updates", len(ids), "error", err)
		}
		return false
	}
	a.s.letGo(ids)
	a.p.Log.Info("updates that are not accepted yet are set aside, and newer ones go on", "updates", len(ids), "first", ids[0])
	return true
}

// room says whether so much more may be set aside.
func (a *aside) room(ids []int64, bodies map[int64]json.RawMessage) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	n, bytes := len(a.sizes), a.bytes
	for _, id := range ids {
		if _, again := a.sizes[id]; !again {
			n, bytes = n+1, bytes+len(bodies[id])
		}
	}
	if n <= cmp.Or(a.p.asideAtMost, asideAtMost) && bytes <= asideBytes {
		a.full = false
		return true
	}
	if !a.full {
		a.full = true
		a.p.Log.Warn("too many updates are set aside: newer ones stay with Telegram until some are accepted",
			"updates", len(a.sizes), "bytes", a.bytes)
	}
	return false
}

func (a *aside) note(id int64, bytes int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, again := a.sizes[id]; !again {
		a.sizes[id] = bytes
		a.bytes += bytes
	}
	a.count(len(a.sizes))
}

// has says whether an update is set aside.
func (a *aside) has(id int64) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, is := a.sizes[id]
	return is
}

// accepted notes that an update need not be kept.
func (a *aside) accepted(id int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	bytes, is := a.sizes[id]
	if !is {
		return
	}
	delete(a.sizes, id)
	a.bytes -= bytes
	a.spare = append(a.spare, id)
	a.count(len(a.sizes))
}

func (a *aside) count(n int) {
	if a.p.count != nil {
		a.p.count.Set(float64(n))
	}
}

// run drops what was accepted, together and once in a while: until then, a crash has it handed in again.
func (a *aside) run(ctx context.Context) {
	drop, tidy := time.NewTicker(cmp.Or(a.p.dropEvery, dropEvery)), time.NewTicker(cmp.Or(a.p.tidyEvery, tidyEvery))
	defer drop.Stop()
	defer tidy.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-drop.C:
			a.drop(ctx)
		case <-tidy.C:
			a.tidy(ctx)
		}
	}
}

func (a *aside) drop(ctx context.Context) {
	a.keeping.Lock()
	defer a.keeping.Unlock()
	a.mu.Lock()
	ids := a.spare
	a.spare = nil
	a.mu.Unlock()
	if len(ids) == 0 {
		return
	}
	if err := a.p.Keeper.Drop(ctx, ids); err != nil {
		a.mu.Lock()
		a.spare = append(a.spare, ids...)
		a.mu.Unlock()
		if ctx.Err() == nil {
			a.p.Log.Warn("updates that are accepted are kept on; retrying", "updates", len(ids), "error", err)
		}
	}
}

// tidy drops what an older poller kept after this one had begun. Only this one has confirmed it, so it is accepted, or set
// aside here, once the offset is beyond it. What a newer poller keeps was not there yet when Newest was asked.
func (a *aside) tidy(ctx context.Context) {
	var stray []int64
	for after, below := int64(0), a.offset.Load(); ; {
		ids, _, err := a.p.Keeper.Waiting(ctx, after)
		if err != nil {
			return
		}
		for _, id := range ids {
			if id < below && !a.keeps(id) {
				stray = append(stray, id)
			}
		}
		if len(ids) == 0 {
			break
		}
		after = ids[len(ids)-1]
	}
	if len(stray) > 0 && a.p.Keeper.Newest(ctx) == nil {
		a.mu.Lock()
		a.spare = append(a.spare, stray...)
		a.mu.Unlock()
	}
}

// keeps says whether this poller knows an update that is kept.
func (a *aside) keeps(id int64) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, is := a.sizes[id]
	for _, spare := range a.spare {
		is = is || spare == id
	}
	return is
}

// end drops what was accepted. Nothing is accepted any more.
func (a *aside) end() {
	if a.stop == nil {
		return
	}
	a.stop()
	a.ended.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), lastDrop)
	defer cancel()
	a.drop(ctx)
	a.count(0)
}

// HandIn hands in what pollers have left, for a desk that does not poll any more. It returns when all of it is accepted, or
// ctx ends.
func (p *Poller) HandIn(ctx context.Context, taker Taker) {
	ctx, stop := context.WithCancel(ctx)
	s := newSequence(ctx, taker.Accept, p.pause)
	kept := p.newAside(s)
	defer kept.end()
	defer s.running.Wait()
	defer stop()
	if kept.start(ctx, taker.Decode) {
		s.running.Wait()
	}
}
