package bot

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"math/rand/v2"
	"strconv"
	"time"
)

// Poller takes updates by getUpdates. Asking with an offset confirms what comes before it, for ever: so the offset moves
// only when a whole batch has been handled.
type Poller struct {
	// Wait is how long Telegram holds a request open when there is nothing new; 30 s when 0.
	Wait time.Duration
	Log  *slog.Logger
	// Pause waits; it returns early when ctx ends. nil: by the clock.
	Pause func(ctx context.Context, d time.Duration)
}

// The back-off between attempts.
const (
	pollWait         = 30 * time.Second
	handleBackoffMin = 50 * time.Millisecond
	handleBackoffMax = 5 * time.Second
	fetchBackoffMin  = 200 * time.Millisecond
	fetchBackoffMax  = 10 * time.Second
)

// Run polls until ctx ends, and then returns. from is the first offset to ask with: the last saved one, or 0.
//
// fetch asks for the updates from offset on (Client.Updates). handle takes a batch in (Intake.HandleBatch); as long as it fails the same
// batch is handed to it again, and nothing newer is asked for. saved is told each new offset, which must not be used
// before: everything below it is handled.
func (p *Poller) Run(ctx context.Context, from int64, fetch func(ctx context.Context, offset int64, wait time.Duration) ([]json.RawMessage, error),
	handle func(ctx context.Context, batch []json.RawMessage) error, saved func(offset int64)) {
	offset := from
	fetchBackoff := backoff{min: fetchBackoffMin, max: fetchBackoffMax}
	wait := p.Wait
	if wait <= 0 {
		wait = pollWait
	}
	hold := time.Duration(0) // the first request, and the first after trouble, is answered at once: updates come in again
	for ctx.Err() == nil {
		batch, err := fetch(ctx, offset, hold)
		hold = wait
		if err != nil {
			if ctx.Err() != nil {
				return
			}
			hold = 0
			p.pause(ctx, p.fetchFailed(err, &fetchBackoff))
			continue
		}
		if len(batch) == 0 {
			fetchBackoff.reset()
			continue
		}
		if !p.handleAll(ctx, batch, handle) {
			return
		}
		next, found := nextOffset(offset, batch)
		if !found {
			// Nothing in the batch has a usable id: asking again, a little further and not at once, is all that can be done.
			p.Log.Error("updates without a usable update_id can't be confirmed", "updates", len(batch), "offset", offset)
			p.pause(ctx, fetchBackoff.next())
			offset = next
			continue
		}
		fetchBackoff.reset()
		offset = next
		if saved != nil {
			saved(offset)
		}
	}
}

// handleAll hands the batch in until it is handled; false when ctx ended before.
func (p *Poller) handleAll(ctx context.Context, batch []json.RawMessage, handle func(context.Context, []json.RawMessage) error) bool {
	b := backoff{min: handleBackoffMin, max: handleBackoffMax}
	for ctx.Err() == nil {
		err := handle(ctx, batch)
		if err == nil {
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		d := b.next()
		p.Log.Warn("updates not accepted, again soon", "updates", len(batch), "in", d, "error", err)
		p.pause(ctx, d)
	}
	return false
}

// fetchFailed logs why nothing came and returns how long to pause.
func (p *Poller) fetchFailed(err error, b *backoff) time.Duration {
	d := b.next()
	switch {
	case errors.Is(err, ErrConflict):
		p.Log.Error("getUpdates refused: another program polls with this token, or a webhook is set; only one may", "in", d, "error", err)
	case errors.Is(err, ErrUnauthorized):
		p.Log.Error("getUpdates refused: the bot token is not valid (any more); check TELEGRAM_BOT_TOKEN", "in", d, "error", err)
	default:
		var api *APIError
		if errors.As(err, &api) {
			d = max(d, api.retryAfter())
		}
		p.Log.Warn("getUpdates failed, again soon", "in", d, "error", err)
	}
	return d
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

// nextOffset is one above the highest update id of the batch. That can be lower than before: after a week without updates
// Telegram goes on with a random id (Bot API, Update). A batch that bears no id at all moves it by one: Telegram gives the
// lowest ids first, so nothing else can have the id that was asked for.
func nextOffset(offset int64, batch []json.RawMessage) (next int64, found bool) {
	highest := int64(0)
	for _, raw := range batch {
		if id, ok := updateID(raw); ok && id <= highestUpdateID {
			highest, found = max(highest, id), true
		}
	}
	switch {
	case found:
		return highest + 1, true
	case offset > 0:
		return offset + 1, false
	}
	return offset, false
}

// highestUpdateID is far above what Telegram gives (32 bits). One above the highest of all would be a negative offset, which
// makes Telegram forget updates.
const highestUpdateID = 1 << 53

// updateID reads the id of an update that may be unreadable otherwise.
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

// backoff doubles from min to max, with up to a quarter of jitter taken off.
type backoff struct {
	min, max, now time.Duration
}

func (b *backoff) next() time.Duration {
	b.now = min(max(b.now*2, b.min), b.max)
	return b.now - rand.N(b.now/4+1)
}

func (b *backoff) reset() { b.now = 0 }
