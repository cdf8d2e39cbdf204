package eventlog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

const (
	// scanAtMost is how many events one read looks at. A filter that selects few of them gets a short page that leads on.
	scanAtMost = 2000
	// chunkAtMost and chunkAtLeast bound how many events of a partition are read at a time.
	chunkAtMost, chunkAtLeast = 100, 4
)

// Page is what a read found.
type Page struct {
	Events    []storage.Event
	Positions []int64 // how far the reader has read now
	More      bool    // there is more to read now
	Expired   bool    // events that the reader has not read are deleted; Positions are the next that work
	Beyond    bool    // Expired, because the log ends before the reader's positions, as after a restore
}

// errExpired says that what follows the reader's positions is deleted.
var errExpired = errors.New("events that were not read are deleted")

// Read finds the next events after positions, at most limit, in order within each ticket; over all about in the order of
// time. No positions: from the oldest.
func (l *Log) Read(ctx context.Context, positions []int64, filter *Filter, limit int) (Page, error) {
	return l.read(ctx, positions, filter, limit, 0)
}

// ReadAhead is Read for readers of whom many read the same: what one has read is kept for the others, even when it is
// deleted meanwhile.
func (l *Log) ReadAhead(ctx context.Context, positions []int64, filter *Filter, limit int) (Page, error) {
	return l.read(ctx, positions, filter, limit, aheadEvents)
}

func (l *Log) read(ctx context.Context, positions []int64, filter *Filter, limit, ahead int) (Page, error) {
	heads, err := l.Heads(ctx)
	if err != nil {
		return Page{}, err
	}
	if len(positions) != storage.Partitions {
		if positions, err = l.oldest(ctx); err != nil {
			return Page{}, err
		}
	}
	if beyond(positions, heads) { // what was appended in this moment, or by another node, may be read already
		for p, position := range positions {
			if err := l.catchUp(ctx, p, position); err != nil {
				return Page{}, err
			}
		}
		if heads, err = l.Heads(ctx); err != nil {
			return Page{}, err
		}
	}
	if beyond(positions, heads) {
		next, err := l.next(ctx, positions)
		for p := range next {
			next[p] = min(next[p], heads[p])
		}
		return Page{Positions: next, Expired: true, Beyond: true}, err
	}
	r := &reading{log: l, ahead: ahead, positions: slices.Clone(positions), heads: heads}
	page, err := r.page(ctx, filter, limit)
	if errors.Is(err, errExpired) {
		next, err := l.next(ctx, positions)
		return Page{Positions: next, Expired: true}, err
	}
	return page, err
}

// beyond reports whether a reader is further than the log: it has read what a restore has undone.
func beyond(positions, heads []int64) bool {
	for p, head := range heads {
		if positions[p] > head {
			return true
		}
	}
	return false
}

// next are the positions at which a reader goes on that misses something. Where nothing is missing it stays.
func (l *Log) next(ctx context.Context, positions []int64) ([]int64, error) {
	next, err := l.oldest(ctx)
	for p := range next {
		next[p] = max(next[p], positions[p])
	}
	return next, err
}

// oldest are the positions before the oldest events.
func (l *Log) oldest(ctx context.Context) ([]int64, error) {
	bounds, err := l.env.Store.LogBounds(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the bounds of the log: %w", err)
	}
	oldest := make([]int64, storage.Partitions)
	for i, b := range bounds {
		oldest[i] = max(b.First-1, 0)
	}
	return oldest, nil
}

// reading merges the partitions in which there is something new.
type reading struct {
	log       *Log
	ahead     int
	positions []int64
	heads     []int64
	runs      []*run
}

// run is what is read of a partition and not yet passed on.
type run struct {
	partition int
	through   int64 // the position up to which it is read
	events    []storage.Event
}

func (r *reading) page(ctx context.Context, filter *Filter, limit int) (page Page, err error) {
	for p := range r.heads {
		if filter.of.GetTicketId() != "" && p != storage.PartitionOf(filter.of.TicketId) {
			r.positions[p] = max(r.positions[p], r.heads[p]) // nothing there is about this ticket
			continue
		}
		if r.heads[p] > r.positions[p] {
			r.runs = append(r.runs, &run{partition: p, through: r.positions[p]})
		}
	}
	chunk := chunkOf(limit, len(r.runs))
	for scanned := 0; len(page.Events) < limit && scanned < scanAtMost; scanned++ {
		first, err := r.first(ctx, chunk)
		if err != nil {
			return Page{}, err
		}
		if first == nil {
			break
		}
		event := first.events[0]
		first.events = first.events[1:]
		r.positions[first.partition] = event.Position
		if filter.Selects(&event) {
			page.Events = append(page.Events, event)
		}
	}
	for p, head := range r.heads {
		page.More = page.More || head > r.positions[p]
	}
	page.Positions = r.positions
	return page, nil
}

// first is the run whose next event is the oldest; nil: there is none.
func (r *reading) first(ctx context.Context, chunk int) (first *run, err error) {
	for _, x := range r.runs {
		if len(x.events) == 0 && x.through < r.heads[x.partition] {
			if x.events, err = r.log.after(ctx, x.partition, x.through, chunk, r.ahead); err != nil {
				return nil, err
			}
			if len(x.events) == 0 || x.events[0].Position != x.through+1 {
				return nil, errExpired
			}
			x.through = x.events[len(x.events)-1].Position
		}
		if len(x.events) > 0 && (first == nil || x.events[0].At.Before(first.events[0].At)) {
			first = x
		}
	}
	return first, nil
}

// Newest finds the newest events that the filter selects, newest first. Positions are those of now.
func (l *Log) Newest(ctx context.Context, filter *Filter, limit int) (Page, error) {
	heads, err := l.Heads(ctx)
	if err != nil {
		return Page{}, err
	}
	page := Page{Positions: heads}
	var runs []*run
	for p, head := range heads {
		if head > 0 && (filter.of.GetTicketId() == "" || p == storage.PartitionOf(filter.of.TicketId)) {
			runs = append(runs, &run{partition: p, through: head})
		}
	}
	chunk := chunkOf(limit, len(runs))
	for scanned := 0; len(page.Events) < limit && scanned < scanAtMost; scanned++ {
		newest, err := l.newest(ctx, runs, chunk)
		if err != nil || newest == nil {
			return page, err
		}
		last := len(newest.events) - 1
		if event := newest.events[last]; filter.Selects(&event) {
			page.Events = append(page.Events, event)
		}
		newest.events = newest.events[:last]
	}
	return page, nil
}

// newest is the run whose last event is the newest; nil: there is none. Each is read backwards.
func (l *Log) newest(ctx context.Context, runs []*run, chunk int) (newest *run, err error) {
	for _, x := range runs {
		if len(x.events) == 0 && x.through > 0 {
			from := max(x.through-int64(chunk), 0)
			if x.events, err = l.after(ctx, x.partition, from, int(x.through-from), 0); err != nil {
				return nil, err
			}
			if x.through = from; len(x.events) == 0 { // deleted
				x.through = 0
			}
		}
		n := len(x.events)
		if n > 0 && (newest == nil || x.events[n-1].At.After(newest.events[len(newest.events)-1].At)) {
			newest = x
		}
	}
	return newest, nil
}

// lateness is how much later than it happened an event may come into the log, since its owner was down.
const lateness = 10 * time.Minute

// Since finds positions before all events that happened at a time or later, but for some that came very late into the log.
// In each partition it halves what is kept, since events come into the log about in the order of time.
func (l *Log) Since(ctx context.Context, at time.Time) ([]int64, error) {
	bounds, err := l.env.Store.LogBounds(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the bounds of the log: %w", err)
	}
	at = at.Add(-lateness)
	positions := make([]int64, storage.Partitions)
	for p, b := range bounds {
		low, high := max(b.First-1, 0), b.Last // what is up to low is before; what is after high is not
		for low < high {
			middle := low + (high-low)/2
			found, err := l.after(ctx, p, middle, 1, 0)
			if err != nil {
				return nil, err
			}
			if len(found) > 0 && found[0].At.Before(at) {
				low = middle + 1
			} else {
				high = middle
			}
		}
		positions[p] = low
	}
	return positions, nil
}

// chunkOf is how many events of each of n partitions are read together for a page.
func chunkOf(limit, n int) int { return min(max(2*limit/max(n, 1), chunkAtLeast), chunkAtMost) }

// View makes the answer to a read.
func (p Page) View(view func(*storage.Event) *messages.LoggedEvent) *messages.LogPage {
	out := &messages.LogPage{Code: messages.Code_OK, Positions: p.Positions, More: p.More, Expired: p.Expired,
		Beyond: p.Beyond}
	for i := range p.Events {
		out.Events = append(out.Events, view(&p.Events[i]))
	}
	return out
}
