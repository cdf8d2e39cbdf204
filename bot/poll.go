package bot

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"math"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Poller gets updates by getUpdates. Asking with an offset confirms all updates before it, forever. So the offset moves
// only behind what is handled or kept. While an update is not accepted, since its ticket's shard moves for example, the
// poller goes on with those after it, as far as one answer of Telegram's shows them; then it sets aside what waits (aside).
type Poller struct {
	// Wait is how long Telegram keeps a request open when there is no update; 0: 30 s.
	Wait time.Duration
	Log  *slog.Logger
	// Pause waits, and returns early when ctx ends. nil: a timer.
	Pause func(ctx context.Context, d time.Duration)
	// Now tells the time; nil: time.Now.
	Now func() time.Time
	// Patience is how long updates may take before the poller looks for newer ones; 0: 200 ms.
	Patience time.Duration
	// Keeper keeps what is set aside; nil: nothing is.
	Keeper Keeper

	toldConflict time.Time // when it was last logged that another program gets the updates
	conflicts    int       // refusals since then

	count                            prometheus.Gauge // of what is set aside; nil: it is not counted
	stuckAfter, dropEvery, tidyEvery time.Duration    // 0: the constants of these names
	asideAtMost                      int              // 0: the constant of this name
}

// Taker takes updates in. *Intake is one.
type Taker interface {
	// Decode reads an update; nil means that it is passed over.
	Decode(raw []byte) *Update
	// Accept handles an update. nil means that it may be confirmed; after an error it is to be handled again.
	Accept(ctx context.Context, u *Update) error
}

// The back-off between attempts.
const (
	pollWait         = 30 * time.Second
	pollPatience     = 200 * time.Millisecond
	handleBackoffMin = 50 * time.Millisecond
	handleBackoffMax = 5 * time.Second
	fetchBackoffMin  = 200 * time.Millisecond
	fetchBackoffMax  = 10 * time.Second
)

// conflictSays is how long a conflict with another program is not logged again: the two refuse each other many times a minute.
const conflictSays = time.Minute

// Run polls until ctx ends. from is the first offset to ask with: the last saved one, or 0.
//
// fetch gets the updates from offset on (Client.Updates). saved gets each new offset, once all updates below it are
// handled; it may be nil.
func (p *Poller) Run(
	ctx context.Context, from int64,
	fetch func(ctx context.Context, offset int64, wait time.Duration) ([]json.RawMessage, error),
	taker Taker, saved func(offset int64),
) {
	ctx, stop := context.WithCancel(ctx)
	s := newSequence(ctx, taker.Accept, p.pause)
	kept := p.newAside(s)
	defer kept.end()
	defer s.running.Wait()
	defer stop()
	if !kept.start(ctx, taker.Decode) {
		return
	}
	f := fetching{fetch: fetch, wait: cmp.Or(p.Wait, pollWait), backoff: backoff{min: fetchBackoffMin, max: fetchBackoffMax}}
	offset, had := from, map[int64]json.RawMessage{} // had: updates from offset on that were fetched before
	for ctx.Err() == nil {
		batch, err := f.next(ctx, offset, len(had) > 0)
		if err != nil {
			if ctx.Err() == nil {
				p.pause(ctx, p.fetchFailed(err, &f.backoff))
			}
			continue
		}
		if len(batch) == 0 && len(had) == 0 {
			f.backoff.reset()
			continue
		}
		updates := fresh(batch, had, kept.has, taker.Decode)
		if len(had) == 0 {
			// No update of the batch has a usable id. All that is left is to pause and to ask with the next offset: Telegram
			// returns the lowest ids first, so no other update can have the id that was asked for.
			p.Log.Error("updates without a usable update_id can't be confirmed",
				"updates", len(batch), "offset", offset)
			p.pause(ctx, f.backoff.next())
			if offset > 0 {
				offset++
			}
			continue
		}
		f.backoff.reset()
		s.add(updates)
		next, settled := s.settle(cmp.Or(p.Patience, pollPatience))
		if ctx.Err() != nil {
			return
		}
		if !settled && kept.take(ctx, had) {
			next, settled = s.first()
		}
		if settled {
			next = highest(had) + 1
		}
		maps.DeleteFunc(had, func(id int64, _ json.RawMessage) bool { return id < next })
		if next != offset && saved != nil {
			saved(next)
		}
		offset = next
		kept.offset.Store(offset)
	}
}

// highest is the highest of some ids. It can be lower than what was asked for: after a week without updates Telegram
// continues with a random id (Bot API, Update).
func highest(ids map[int64]json.RawMessage) (id int64) {
	for i := range ids {
		id = max(id, i)
	}
	return id
}

// fetching asks for updates.
type fetching struct {
	fetch   func(ctx context.Context, offset int64, wait time.Duration) ([]json.RawMessage, error)
	wait    time.Duration
	open    bool // the first request, and the first after a failure, don't wait for updates
	backoff backoff
}

// next asks for updates from offset on. It does not wait for them when it asks again for some that wait.
func (f *fetching) next(ctx context.Context, offset int64, again bool) ([]json.RawMessage, error) {
	wait := f.wait
	if !f.open || again {
		wait = 0
	}
	batch, err := f.fetch(ctx, offset, wait)
	f.open = err == nil
	return batch, err
}

// fresh decodes the updates of a batch that were not fetched before, and notes them. One without a usable id is passed
// over, and so is one that is set aside: it was not confirmed after all.
func fresh(
	batch []json.RawMessage, had map[int64]json.RawMessage, aside func(int64) bool, decode func([]byte) *Update,
) (updates []*Update) {
	for _, raw := range batch {
		id, usable := updateID(raw)
		usable = usable && id <= highestUpdateID
		if _, again := had[id]; again && usable {
			continue
		}
		if usable && aside(id) {
			had[id] = raw
			continue
		}
		u := decode(raw) // it says what is wrong
		if !usable {
			continue
		}
		had[id] = raw
		if u != nil {
			updates = append(updates, u)
		}
	}
	return updates
}

// fetchFailed logs why getUpdates failed and returns how long to pause.
func (p *Poller) fetchFailed(err error, b *backoff) time.Duration {
	d := b.next()
	switch {
	case errors.Is(err, ErrConflict):
		p.conflicts++
		if now := p.now(); p.toldConflict.IsZero() || now.Sub(p.toldConflict) >= conflictSays {
			p.Log.Error("another program gets the updates of this bot: two desks with one TELEGRAM_BOT_TOKEN, or a webhook that is set; "+
				"stop the other one, or give each desk a bot of its own", "times", p.conflicts, "in", d, "error", err)
			p.toldConflict, p.conflicts = now, 0
		}
	case errors.Is(err, ErrUnauthorized):
		p.Log.Error("getUpdates refused: the bot token is not valid, or no longer; check TELEGRAM_BOT_TOKEN",
			"in", d, "error", err)
	default:
		var api *APIError
		if errors.As(err, &api) {
			d = max(d, api.retryAfter())
		}
		p.Log.Warn("getUpdates failed; retrying", "in", d, "error", err)
	}
	return d
}

func (p *Poller) now() time.Time {
	if p.Now != nil {
		return p.Now()
	}
	return time.Now()
}

func (p *Poller) pause(ctx context.Context, d time.Duration) {
	if p.Pause != nil {
		p.Pause(ctx, d)
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// highestUpdateID is far above Telegram's ids, which have 32 bits. Without it an id could make the offset overflow,
// and a negative offset makes Telegram drop updates.
const highestUpdateID = 1 << 53

// updateID reads the id of an update, even if the rest of the update is unreadable.
func updateID(raw json.RawMessage) (int64, bool) {
	if rest, ok := bytes.CutPrefix(raw, []byte(`{"update_id":`)); ok { // as Telegram writes it
		if n := bytes.IndexAny(rest, ",}"); n > 0 && n < 19 {
			if id, err := strconv.ParseInt(string(rest[:n]), 10, 64); err == nil && id > 0 {
				return id, true
			}
		}
	}
	var u struct {
		ID int64 `json:"update_id"`
	}
	if json.Unmarshal(raw, &u) != nil || u.ID <= 0 || u.ID == math.MaxInt64 {
		return 0, false
	}
	return u.ID, true
}

// backoff doubles from min to max; up to a quarter of jitter is subtracted.

type backoff struct {
	min, max, now time.Duration
}

func (b *backoff) next() time.Duration {
	b.now = min(max(b.now*2, b.min), b.max)
	return b.now - rand.N(b.now/4+1)
}

func (b *backoff) reset() { b.now = 0 }
