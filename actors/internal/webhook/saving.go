package webhook

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/topicdesk/topicdesk/storage"
)

const (
	// saveAtMost is how many deliveries are written together.
	saveAtMost = 500
	// saveEvery is how far apart writes of deliveries are, unless saveSoon of them wait. Nobody waits for them; after a crash
	// those that were not written are attempted again.
	saveEvery = 100 * time.Millisecond
	saveSoon  = 200
	// progressEvery is how far apart writes of how far the endpoint is are.
	progressEvery = time.Second
	// countsEvery is how far apart they are while it comes no further.
	countsEvery = time.Minute
)

// progress is how far an endpoint is.
type progress struct {
	positions []int64
	behind    []storage.BehindTicket
}

// saved says what came of writing deliveries.
type saved struct {
	run      int64
	items    []*item
	rows     []*storage.Delivery
	counted  int
	progress *progress // to be written now; nil: not yet
	err      error
}

// rowOf is an event's delivery, which begins here if there is none.
func (r *run) rowOf(x *item) *storage.Delivery {
	if x.row == nil {
		e := x.event
		x.row = &storage.Delivery{WebhookID: r.w.ID, EventID: e.EventID, TicketID: e.TicketID, Number: e.Number, Type: e.Type,
			Partition: e.Partition, Position: e.Position, EventAt: e.At}
	}
	return x.row
}

// write marks an event's delivery to be written.
func (r *run) write(x *item) {
	now := r.w.now()
	if x.row.CreatedAt.IsZero() {
		x.row.CreatedAt = now
	}
	x.row.UpdatedAt = now
	if !x.dirty {
		x.dirty = true
		r.dirty = append(r.dirty, x)
	}
}

// flush writes deliveries beside the entity's turns, many together, and sometimes how far the endpoint is: what is then
// passed is written before.
func (r *run) flush() error {
	now := r.w.Now()
	since := now.Sub(r.progress)
	due := r.moved && (since >= progressEvery || r.w.Draining()) || r.counted && since >= countsEvery
	if r.moved && !due {
		r.wake(r.progress.Add(progressEvery))
	}
	if r.saving || len(r.dirty) == 0 && !due && !(r.moved && r.ending) {
		return nil
	}
	if wait := saveEvery - now.Sub(r.saved); wait > 0 && !r.ending && !r.park && !r.w.Draining() && len(r.dirty) < saveSoon {
		r.wake(now.Add(wait))
		return nil
	}
	r.saved = now
	n := min(len(r.dirty), saveAtMost)
	m := &saved{run: r.number, items: r.dirty[:n:n]}
	r.dirty = r.dirty[n:]
	if len(r.dirty) == 0 {
		r.dirty = nil
	}
	for _, x := range m.items {
		row := *x.row
		m.rows = append(m.rows, &row)
		x.dirty, x.writing = false, true
		m.counted += x.counted
		x.counted = 0
	}
	if len(r.dirty) == 0 && (due || r.ending) {
		m.progress = r.progressNow()
		r.moved, r.counted, r.progress = false, false, now
	}
	r.saving, r.batch = true, m.items
	w, ctx := r.w, r.w.Env.Ctx
	w.Go(func() {
		defer func() {
			if p := recover(); p != nil {
				m.err = fmt.Errorf("panic: %v", p)
			}
			w.Note(m)
		}()
		if len(m.rows) > 0 {
			m.err = w.Store.SaveDeliveries(ctx, m.rows)
		}
	})
	return nil
}

// lastSave is how long the last write of a run may take.
const lastSave = 2 * time.Second

// flushLast writes what is done when the run ends at once, so that it is not delivered again.
func (r *run) flushLast() {
	var rows []*storage.Delivery
	for _, x := range r.dirty[:min(len(r.dirty), saveAtMost)] {
		if row := *x.row; !x.writing {
			rows = append(rows, &row)
		}
	}
	if len(rows) == 0 || r.w.Ctx.Err() != nil {
		return
	}
	ctx, cancel := context.WithTimeout(r.w.Ctx, lastSave)
	defer cancel()
	if err := r.w.Store.SaveDeliveries(ctx, rows); err != nil {
		r.w.Log.Warn("deliveries can't be written, so some events are sent again", "error", err)
	}
}

func (r *run) progressNow() *progress {
	if r.packed != nil { // it comes no further
		return &progress{r.w.record.Positions, r.packedBehind()}
	}
	return &progress{r.settled(), behindOf(maps.Values(r.lanes))}
}

// behindOf are those of the lanes that are tickets and behind, as the record has them.
func behindOf(lanes iter.Seq[*lane]) (all []storage.BehindTicket) {
	for l := range lanes {
		if l.behind && l.ticketID != "" {
			all = append(all, storage.BehindTicket{TicketID: l.ticketID, Through: l.through})
		}
	}
	slices.SortFunc(all, func(a, b storage.BehindTicket) int { return strings.Compare(a.TicketID, b.TicketID) })
	return all
}

// onSaved learns that deliveries are written.
func (w *webhook) onSaved(m *saved) error {
	r := w.run
	if r == nil || r.number != m.run {
		return nil
	}
	r.saving, r.batch = false, nil
	for i, x := range m.items {
		x.writing = false
		x.row.Version = m.rows[i].Version // also after an error: a store without transactions has saved some
	}
	if m.err != nil {
		return r.notSaved(m)
	}
	r.unwritten -= m.counted
	w.room.end(m.counted)
	for _, x := range m.items {
		if err := r.againWhenSaved(x); err != nil {
			return err
		}
		r.rest(x)
	}
	if m.progress != nil {
		if err := w.saveProgress(m.progress); err != nil {
			r.moved = true
			return r.trouble(err)
		}
	}
	if err := r.pageDone(); err != nil {
		return r.trouble(err)
	}
	return w.pump()
}

// notSaved has deliveries written again soon.
func (r *run) notSaved(m *saved) error {
	for i, x := range m.items {
		if i == 0 {
			x.counted += m.counted
		}
		if !x.dirty {
			x.dirty = true
			r.dirty = append(r.dirty, x)
		}
	}
	if m.progress != nil {
		r.moved = true
	}
	if errors.Is(m.err, storage.ErrConflict) || errors.Is(m.err, storage.ErrExists) {
		return errors.Join(storage.ErrConflict, fmt.Errorf("save deliveries: %w", m.err))
	}
	if r.w.Ctx.Err() == nil {
		r.w.Log.Warn("deliveries can't be written; tried again", "error", m.err)
	}
	r.wake(r.w.Now().Add(troublePause))
	return nil
}

// saveProgress writes how far the endpoint is, and what it has counted.
func (w *webhook) saveProgress(p *progress) error {
	return w.change(func(r *storage.Webhook) {
		r.Positions, r.Behind = p.positions, p.behind
		r.FailingSince, r.LastSuccessAt, r.LastError = w.health.failingSince, w.health.lastSuccess, w.health.lastError
		if r.HoldUntil = w.gate.hold; !r.HoldUntil.After(w.Now()) {
			r.HoldUntil = time.Time{}
		}
		if r.SkipTo != nil && len(p.behind) == 0 && reached(p.positions, r.SkipTo) {
			r.SkipTo = nil
		}
	})
}

func reached(positions, ends []int64) bool {
	for p := range ends {
		if positions[p] < ends[p] {
			return false
		}
	}
	return true
}

// ended goes on after a run has ended, with the settings of now.
func (w *webhook) ended() error {
	w.gate = w.gate.with(w.record)
	if w.run.moved {
		if err := w.saveProgress(w.run.progressNow()); err != nil {
			return w.run.trouble(err)
		}
	}
	w.endRun()
	return w.begin()
}
