package webhook

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/topicdesk/topicdesk/actors/internal/eventlog"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// States of a replay.
const (
	replayRuns      = "running"
	replayDone      = "done"
	replayCancelled = "cancelled"
)

// replayTogether is how many events are replayed together; pagesAtOnce, how many pages without any are read in one turn.
const (
	replayTogether = 100
	pagesAtOnce    = 20
)

// replayPage is a part of a replay. It is done when all its events are, and written; after a crash it begins again.
type replayPage struct {
	items        []*item
	left         int // not done
	sent, failed int64
	positions    []int64 // of the replay, after this page
	last         bool
}

// finished counts an event that is done.
func (p *replayPage) finished(x *item) {
	p.left--
	if x.row != nil && x.row.State == storage.DeliverySent {
		p.sent++
	} else {
		p.failed++
	}
}

// findReplay finds the replay that was under way.
func (w *webhook) findReplay() error {
	w.replay = nil
	all, err := w.Store.Replays(w.Ctx, w.ID, 20)
	if err != nil {
		return fmt.Errorf("read replays: %w", err)
	}
	for i := range all {
		if all[i].State == replayRuns {
			w.replay = &all[i]
		}
	}
	return nil
}

// replayOn begins the next page of the replay.
func (r *run) replayOn() error {
	replay := r.w.replay
	switch {
	case replay == nil || r.ending:
		return nil
	case r.page != nil:
		return r.pageDone() // unless it was, and could not be written
	case r.w.gate.open:
		return nil
	}
	for range pagesAtOnce {
		events, page, err := r.nextPage(replay)
		if err != nil {
			return err
		}
		if err := r.fillPage(page, replay, events); err != nil {
			return err
		}
		if len(page.items) > 0 || page.last || page.failed+page.sent > 0 {
			r.page = page
			for _, x := range page.items {
				key := "replay/" + x.of.eventID
				if r.to.ordered && x.of.ticketID != "" {
					key = "replay/" + x.of.ticketID
				}
				r.enqueue(r.laneFor(key, ""), x)
			}
			return r.pageDone()
		}
		replay.Positions = page.positions
	}
	r.w.Note(look{})
	return nil
}

// nextPage reads the next events of a replay.
func (r *run) nextPage(replay *storage.Replay) (events []storage.Event, page *replayPage, err error) {
	w, at := r.w, replay.Positions
	page = &replayPage{}
	switch {
	case replay.EventIDs != nil:
		from := int(at[0])
		to := min(from+replayTogether, len(replay.EventIDs))
		for _, id := range replay.EventIDs[from:to] {
			e, err := w.Store.Event(w.Ctx, id)
			switch {
			case err == nil:
				events = append(events, *e)
			case errors.Is(err, storage.ErrNotFound):
				page.failed++
			default:
				return nil, nil, fmt.Errorf("read an event: %w", err)
			}
		}
		page.positions, page.last = []int64{int64(to)}, to == len(replay.EventIDs)
	case replay.Missing:
		rows, err := w.Store.MissingDeliveries(w.Ctx, w.ID, int(at[0]), at[1], replayTogether)
		if err != nil {
			return nil, nil, fmt.Errorf("read what is missing: %w", err)
		}
		page.positions, page.last = at, len(rows) < replayTogether
		for i := range rows {
			row := &rows[i]
			page.positions = []int64{int64(row.Partition), row.Position}
			e, err := w.Store.Event(w.Ctx, row.EventID)
			switch {
			case err == nil:
				events = append(events, *e)
			case errors.Is(err, storage.ErrNotFound):
				page.failed++
			default:
				return nil, nil, fmt.Errorf("read an event: %w", err)
			}
		}
	default:
		found, err := w.room.Log.Read(w.Ctx, at, eventlog.NewFilter(&messages.LogFilter{Types: replay.Types,
			TicketId: replay.TicketID, GroupId: w.record.GroupID, IncludeInternal: true}), replayTogether)
		if err != nil {
			return nil, nil, err
		}
		for _, e := range found.Events {
			if e.Position <= replay.Ends[e.Partition] && !e.At.Before(replay.Since) &&
				(replay.Until.IsZero() || e.At.Before(replay.Until)) {
				events = append(events, e)
			}
		}
		page.positions, page.last = found.Positions, !found.More && !found.Expired || reached(found.Positions, replay.Ends)
	}
	return events, page, nil
}

// fillPage takes those events of a page that the endpoint hears, and that do not come to it anyway.
func (r *run) fillPage(page *replayPage, replay *storage.Replay, events []storage.Event) error {
	rows := map[string]*storage.Delivery{}
	if len(events) > 0 {
		ids := make([]string, len(events))
		for i := range events {
			ids[i] = events[i].EventID
		}
		found, err := r.w.Store.DeliveriesOf(r.w.Ctx, r.w.ID, ids)
		if err != nil {
			return fmt.Errorf("read deliveries: %w", err)
		}
		for i := range found {
			rows[found[i].EventID] = &found[i]
		}
	}
	for i := range events {
		e := &events[i]
		row := rows[e.EventID]
		x := r.itemOf(*e, row)
		switch ours := row != nil && row.ReplayID == replay.ReplayID; {
		case !r.to.wants(e), row == nil && r.comes(e), row != nil && row.Open() && !ours:
			continue
		case ours && !row.Open(): // of this page, before a crash
			page.left++
			page.finished(x)
			continue
		}
		r.rowOf(x).ReplayID = replay.ReplayID
		x.replayed, x.done, x.tries, x.next = true, true, 0, time.Time{}
		page.items = append(page.items, x)
		page.left++
	}
	return nil
}

// comes reports whether an event that has no delivery yet is still to come by itself.
func (r *run) comes(e *storage.Event) bool {
	if e.Position > r.parts[e.Partition].read {
		return true
	}
	if l := r.lanes[e.TicketID]; e.TicketID != "" && l != nil && (l.behind && e.Number > l.through) {
		return true
	}
	return slices.ContainsFunc(r.open[e.Partition], func(x *item) bool { return x != nil && !x.done && x.of.position == e.Position })
}

// pageDone writes how far a replay is when its page is done and written, and goes on.
func (r *run) pageDone() error {
	page, replay := r.page, r.w.replay
	if page == nil || replay == nil || page.left > 0 ||
		slices.ContainsFunc(page.items, func(x *item) bool { return x.dirty || x.counted > 0 }) || r.saving {
		return nil
	}
	next := *replay
	next.Positions = page.positions
	next.Sent += page.sent
	next.Failed += page.failed
	next.Total = max(next.Sent+next.Failed, int64(len(next.EventIDs)))
	next.UpdatedAt = r.w.now()
	if page.last {
		next.State = replayDone
	}
	if err := r.w.Store.SaveReplay(r.w.Ctx, &next); err != nil {
		return fmt.Errorf("save a replay: %w", err)
	}
	r.w.replay, r.page = &next, nil
	if page.last {
		r.w.Log.Info("a replay is done", "replay", next.ReplayID, "sent", next.Sent, "failed", next.Failed)
		r.w.replay = nil
		return nil
	}
	r.w.Note(look{})
	return nil
}
