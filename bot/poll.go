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

// Poller gets updates by getUpdates. Asking with an offset confirms all updates before it, forever. So the offset
// moves only after a whole batch is handled.
type Poller struct {
	// Wait is how long Telegram keeps a request open when there is no update; 0: 30 s.
	Wait time.Duration
	Log  *slog.Logger
	// Pause waits, and returns early when ctx ends. nil: a timer.
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

// Run polls until ctx ends. from is the first offset to ask with: the last saved one, or 0.
//
// fetch gets the updates from offset on (Client.Updates). handle handles a batch (Intake.HandleBatch). As long as it
// fails, Run calls it again with the same batch and fetches nothing newer. saved gets each new offset, once all
// updates below it are handled; it may be nil.
func (p *Poller) Run(
	ctx context.Context, from int64,
	fetch func(ctx context.Context, offset int64, wait time.Duration) ([]json.RawMessage, error),
	handle func(ctx context.Context, batch []json.RawMessage) error,
	saved func(offset int64),
) {
	offset := from
	fetchBackoff := backoff{min: fetchBackoffMin, max: fetchBackoffMax}
	wait := p.Wait
	if wait <= 0 {
		wait = pollWait
	}
	open := time.Duration(0) // the first request, and the first after a failure, don't wait for updates
	for ctx.Err() == nil {
		batch, err := fetch(ctx, offset, open)
		open = wait
		if err != nil {
			if ctx.Err() != nil {
				return
			}
			open = 0
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
			// No update of the batch has a usable id. All that is left is to pause and to ask with the next offset.
			p.Log.Error("updates without a usable update_id can't be confirmed",
				"updates", len(batch), "offset", offset)
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

// handleAll repeats handle until the batch is handled; false when ctx ended before.
func (p *Poller) handleAll(
	ctx context.Context, batch []json.RawMessage, handle func(context.Context, []json.RawMessage) error,
) bool {
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
		p.Log.Warn("updates not accepted; retrying", "updates", len(batch), "in", d, "error", err)
		p.pause(ctx, d)
	}
	return false
}

// fetchFailed logs why getUpdates failed and returns how long to pause.
func (p *Poller) fetchFailed(err error, b *backoff) time.Duration {
	d := b.next()
	switch {
	case errors.Is(err, ErrConflict):
		p.Log.Error("getUpdates refused: another program polls with this token, or a webhook is set",
			"in", d, "error", err)
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

// nextOffset is one above the highest update id of the batch. It can be lower than the offset before: after a week
// without updates Telegram continues with a random id (Bot API, Update). A batch without any usable id moves the
// offset by one: Telegram returns the lowest ids first, so no other update can have the id that was asked for.
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
