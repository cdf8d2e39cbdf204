package webhook

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/topicdesk/topicdesk/storage"
)

const (
	// behindAtMost is how many tickets may wait for an event that failed. Beyond, the endpoint reads no further.
	behindAtMost = 1000
	// windowAtLeast and windowAtMost bound how many events an endpoint has in memory that were not tried. It begins with
	// few, and has more as it succeeds.
	windowAtLeast, windowAtMost = 16, 1000
	// catchUpPage is how many events of a ticket are read together.
	catchUpPage = 50
	// openPage is how many open deliveries are read together at the start.
	openPage = 200
	// retried marks a delivery that a program has asked to try again.
	retried = "retry"
)

// recover finds what was begun before: tickets that are behind, and events of their own that failed.
func (r *run) recover() error {
	for _, b := range r.w.record.Behind {
		r.fallBehind(r.laneFor(b.TicketID, b.TicketID), b.Through)
	}
	afterPartition, afterPosition := 0, int64(0)
	for len(r.lanes) < 2*behindAtMost {
		rows, err := r.w.Store.OpenDeliveries(r.w.Ctx, r.w.ID, afterPartition, afterPosition, openPage)
		if err != nil {
			return fmt.Errorf("read open deliveries: %w", err)
		}
		for i := range rows {
			r.reopen(&rows[i])
		}
		if len(rows) < openPage {
			return nil
		}
		last := &rows[len(rows)-1]
		afterPartition, afterPosition = last.Partition, last.Position
	}
	return nil
}

// reopen takes up a delivery that is not over, unless it is read again anyway.
func (r *run) reopen(row *storage.Delivery) {
	switch replay := r.w.replay; {
	case r.deleted(row):
		r.giveUp(row, storage.DeliveryAborted)
		return
	case row.ReplayID == retried:
	case row.ReplayID != "" && (replay == nil || row.ReplayID != replay.ReplayID):
		r.giveUp(row, storage.DeliveryExhausted) // its replay was cancelled
		return
	case row.ReplayID != "", row.Position > r.parts[row.Partition].read:
		return // its replay, or the log, comes to it
	case r.to.ordered && row.TicketID != "":
		if l := r.lanes[row.TicketID]; l == nil {
			r.fallBehind(r.laneFor(row.TicketID, row.TicketID), row.Number-1)
		} else if row.Number <= l.through { // as in "none", the order before
			l.through = row.Number - 1
		}
		return
	}
	if row.ReplayID == retried {
		r.retry(row)
		return
	}
	x := r.itemOf(eventOf(row), row)
	if r.skips(x.of) {
		r.skip(x)
		return
	}
	x.done = true
	l := r.laneFor(row.EventID, "")
	l.behind = true
	r.behind++
	r.enqueue(l, x)
}

// deleted reports whether the event of an old delivery is deleted, so that the log never comes to it.
func (r *run) deleted(row *storage.Delivery) bool {
	keep := r.w.room.Keep
	if keep <= 0 || !row.CreatedAt.Before(r.w.Now().Add(-keep)) {
		return false
	}
	_, err := r.w.Store.Event(r.w.Ctx, row.EventID)
	return errors.Is(err, storage.ErrNotFound)
}

// giveUp ends a delivery that nothing comes to any more.
func (r *run) giveUp(row *storage.Delivery, state string) {
	x := r.itemOf(eventOf(row), row)
	x.row.State, x.row.NextAttemptAt = state, time.Time{}
	if arrived(row) {
		x.row.State = storage.DeliverySent // it was to be sent again
	}
	r.write(x)
}

func (r *run) itemOf(e storage.Event, row *storage.Delivery) *item {
	x := &item{of: placeOf(&e)}
	if e.Data != nil {
		x.event = &e
	}
	if row != nil {
		kept := *row // alone: what it was read with is not kept
		x.row, x.tries = &kept, row.Tries
		if !r.eager {
			x.next = row.NextAttemptAt
		}
	}
	return x
}

// window is how many untried events the run may have in memory.
func (r *run) window() int {
	switch {
	case r.w.gate.open:
		return 1
	case r.w.record.SkipTo != nil:
		return windowAtMost
	}
	return r.w.gate.window
}

// readOn reads further, unless enough is in memory. It reports whether it has read something.
func (r *run) readOn() (bool, error) {
	window := r.window()
	if !r.more || r.held > window/2 || r.behind >= behindAtMost || len(r.dirty) > windowAtMost {
		return false, nil
	}
	if r.w.gate.open && (r.behind > 0 || r.running > 0) {
		return false, nil // those are tried first
	}
	r.watchLog() // before reading, so that nothing is missed between the two
	page, err := r.w.room.Log.ReadAhead(r.w.Ctx, r.positions(), r.to.filter, window-r.held)
	if err != nil {
		return false, err
	}
	switch {
	case page.Beyond:
		r.w.Log.Error("this webhook was further than the log is: it goes on with what is new",
			"hint", "after a restore from an older backup, what happened since then has to be sent by hand")
	case page.Expired:
		r.w.Log.Error("events were deleted before this webhook had them; it goes on with the oldest that are kept",
			"hint", "EVENTS_RETENTION says how long events are kept")
		r.w.room.metrics.expired.Inc()
	}
	rows, err := r.rowsOf(page.Events)
	if err != nil {
		return false, err
	}
	for p := range r.parts {
		r.parts[p].read = page.Positions[p]
	}
	if page.Beyond {
		if err := r.w.skipLess(); err != nil {
			return false, err
		}
	}
	for i := range page.Events {
		r.take(&page.Events[i], rows[page.Events[i].EventID])
	}
	r.more, r.moved = page.More || page.Expired, true
	if r.more {
		r.stopWatching()
	}
	return len(page.Events) > 0 || r.more, nil
}

// rowsOf finds the deliveries of events, by id, of those that may have one.
func (r *run) rowsOf(events []storage.Event) (map[string]*storage.Delivery, error) {
	var ids []string
	for i := range events {
		if e := &events[i]; e.Position <= r.parts[e.Partition].known {
			ids = append(ids, e.EventID)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	found, err := r.w.Store.DeliveriesOf(r.w.Ctx, r.w.ID, ids)
	if err != nil {
		return nil, fmt.Errorf("read deliveries: %w", err)
	}
	rows := make(map[string]*storage.Delivery, len(found))
	for i := range found {
		rows[found[i].EventID] = &found[i]
	}
	return rows, nil
}

// take puts an event that was read into its lane.
func (r *run) take(e *storage.Event, row *storage.Delivery) {
	if !r.takes(e, row) {
		return
	}
	key, ticket := e.EventID, ""
	if r.to.ordered && e.TicketID != "" {
		key, ticket = e.TicketID, e.TicketID
	}
	if l := r.lanes[key]; l != nil && l.behind {
		return // it catches up later
	}
	x := r.itemOf(*e, row)
	r.open[e.Partition] = append(r.open[e.Partition], x)
	if r.skips(x.of) {
		r.skip(x)
		return
	}
	r.enqueue(r.laneFor(key, ticket), x)
}

// takes reports whether an event, with its delivery, is the log's to bring: it is wanted, not over, and neither a replay nor
// a program that asked for it has taken it. What was tried and is no longer wanted ends here.
func (r *run) takes(e *storage.Event, row *storage.Delivery) bool {
	switch {
	case row != nil && (!row.Open() || row.ReplayID != ""):
		return false
	case r.to.wants(e):
		return true
	case row != nil:
		r.skip(r.itemOf(*e, row))
	}
	return false
}

// skips reports whether an event is not delivered, since a program said to go on from later.
func (r *run) skips(of place) bool {
	to := r.w.record.SkipTo
	return of.partition < len(to) && of.position <= to[of.partition]
}

// skipLess has nothing skipped that is new in the log, which ends before the endpoint was.
func (w *webhook) skipLess() error {
	if w.record.SkipTo == nil {
		return nil
	}
	ends, err := w.room.Log.Heads(w.Ctx)
	if err != nil {
		return err
	}
	return w.change(func(r *storage.Webhook) {
		r.SkipTo = slices.Clone(r.SkipTo)
		for p := range r.SkipTo {
			r.SkipTo[p] = min(r.SkipTo[p], ends[p])
		}
	})
}

func (r *run) skip(x *item) {
	row := r.rowOf(x)
	row.State, row.NextAttemptAt, x.done = storage.DeliverySkipped, time.Time{}, true
	r.write(x)
}

// watchLog has the log wake the endpoint. One that reads nothing, since it has enough or is down, is not woken.
func (r *run) watchLog() {
	r.woken.Store(false)
	if r.watch != nil {
		return
	}
	w, number := r.w, r.number
	r.watch = w.room.Log.Watch(r.to.filter, func() {
		if !r.woken.Swap(true) {
			w.Note(news{number})
		}
	})
}

func (r *run) stopWatching() {
	if r.watch != nil {
		r.watch.Close()
		r.watch = nil
	}
}

// catchUp reads the next events of a ticket that is behind. When there are none up to where the log is read, the lane is
// like any other.
func (r *run) catchUp(l *lane) error {
	for len(l.queue) == 0 {
		page := min(catchUpPage, max(r.window()-r.held, 1))
		events, err := r.w.Store.EventsAfter(r.w.Ctx, l.ticketID, l.through, page)
		if err != nil {
			return fmt.Errorf("read a ticket's events: %w", err)
		}
		n := len(events)
		if i := slices.IndexFunc(events, func(e storage.Event) bool {
			return e.Position > r.parts[e.Partition].read
		}); i >= 0 {
			events, n = events[:i], 0
		}
		rows, err := r.rowsOfAll(events)
		if err != nil {
			return err
		}
		for i := range events {
			e := &events[i]
			row := rows[e.EventID]
			if len(l.queue) > 0 && row != nil && row.Open() && !r.to.wants(e) {
				return nil // it is skipped once, when those before it are done
			}
			if !r.takes(e, row) {
				if len(l.queue) == 0 {
					l.through, r.moved = e.Number, true
				}
				continue
			}
			x := r.itemOf(*e, row)
			if x.done = true; r.skips(x.of) {
				l.through = e.Number
				r.skip(x)
				continue
			}
			if r.enqueue(l, x); l.queue[0].next.After(r.w.Now()) {
				return nil // what follows would only fill the window
			}
		}
		if len(l.queue) == 0 && n < page {
			r.caughtUp(l)
			return nil
		}
	}
	return nil
}

func (r *run) rowsOfAll(events []storage.Event) (map[string]*storage.Delivery, error) {
	if len(events) == 0 {
		return nil, nil
	}
	for i := range events { // an event that was read may have been tried before it was dropped
		p := &r.parts[events[i].Partition]
		p.known = max(p.known, events[i].Position)
	}
	return r.rowsOf(events)
}

// refetch reads what is not in memory of an event and its delivery, and reports whether the endpoint still hears it.
func (r *run) refetch(x *item) (heard bool, err error) {
	if x.resting != nil {
		row, err := r.w.Store.Delivery(r.w.Ctx, r.w.ID, x.of.eventID)
		if err != nil && !errors.Is(err, storage.ErrNotFound) {
			return false, fmt.Errorf("read a delivery: %w", err)
		}
		if err != nil || row.Version != x.resting.version {
			return false, fmt.Errorf("another has changed the delivery of event %s: %w", x.of.eventID, storage.ErrConflict)
		}
		x.row, x.resting = row, nil
	}
	if x.event != nil {
		return true, nil
	}
	e, err := r.w.Store.Event(r.w.Ctx, x.of.eventID)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return false, fmt.Errorf("read an event: %w", err)
	}
	if err != nil {
		return false, err
	}
	x.event = e
	return r.to.wants(e), nil
}
