package webhook

import (
	"context"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/topicdesk/topicdesk/actors/internal/delivery"
	"github.com/topicdesk/topicdesk/actors/internal/eventlog"
	"github.com/topicdesk/topicdesk/storage"
)

// run is what an endpoint has in memory while it delivers with the same settings.
type run struct {
	w      *webhook
	number int64
	to     *endpoint       // nil while it is packed
	ctx    context.Context // of its attempts
	cancel context.CancelFunc
	ending bool // nothing begins any more
	eager  bool // it was just enabled: what failed before is tried now
	park   bool // what was not tried is to be dropped, and read again later

	// packed has, while the endpoint is down and nothing is tried, what else is in parts, open, lanes, ready, waiting and the
	// periods of the endpoint's health.
	packed  []byte
	parts   []part          // by partition. Beside the run: a garbage collection need not look into it
	open    map[int][]*item // by partition: what was read and is not done, in order; some may be done
	more    bool            // there may be something to read
	watch   *eventlog.Watch
	woken   atomic.Bool // news are under way
	lanes   map[string]*lane
	ready   queue // lanes whose first event can be tried
	waiting laneHeap
	held    int // events in memory that were not tried
	behind  int // lanes that wait for one that failed, or catch up

	running  int
	children []*actor.PID
	free     []*actor.PID
	trying   map[string]*item // by the child's PID

	dirty     []*item // whose outcome is not written yet
	saving    bool
	batch     []*item   // whose outcome is being written
	unwritten int       // attempts that the room counts for this run
	saved     time.Time // when deliveries were last written
	progress  time.Time // when how far it is was last written
	moved     bool      // it is further since
	counted   bool      // an attempt was counted since
	wakeAt    time.Time // of the timer; zero: there is none
	// stopWaking stops the timer.
	stopWaking func()

	page *replayPage // what is being replayed; nil: nothing

	noted time.Time // when the backlog was last noted
}

// part is how far the run is in a partition.
type part struct {
	read  int64 // through here it is read
	known int64 // through here deliveries may be stored already
}

// item is one event for the endpoint, in memory.
type item struct {
	of       place
	event    *storage.Event // nil: it is read when it is needed
	lane     *lane
	row      *storage.Delivery // as it is stored, or will be; nil: there is none, or it rests
	resting  *rested           // what is known of a delivery that is read again for the next attempt
	tries    int
	next     time.Time // no attempt begins before, unless as a probe
	done     bool      // nothing of it is left to do, or something else than its place in the log says that something is
	dirty    bool
	writing  bool // a write of its delivery is under way
	again    bool // a program asked for it before its outcome was written
	held     bool // it is one of run.held
	counted  int  // attempts whose outcome is not written
	replayed bool
	once     bool // it is tried once, as a program asked
	early    bool // the attempt under way is a probe, before next
}

// place says which event an item is about. It is kept for as long as the item.
type place struct {
	eventID, ticketID string
	number            int64
	partition         int
	position          int64
	at                time.Time
}

func placeOf(e *storage.Event) place {
	return place{e.EventID, e.TicketID, e.Number, e.Partition, e.Position, e.At}
}

// eventOf is what a delivery tells of its event.
func eventOf(row *storage.Delivery) storage.Event {
	return storage.Event{EventID: row.EventID, TicketID: row.TicketID, Number: row.Number, Partition: row.Partition,
		Position: row.Position, Type: row.Type, At: row.EventAt}
}

// rested is what stays in memory of a delivery that waits for its next attempt: an endpoint that is down may have a thousand.
type rested struct {
	createdAt time.Time
	version   int64
}

// createdAt is when the item's delivery was first written; zero: not yet.
func (x *item) createdAt() time.Time {
	switch {
	case x.resting != nil:
		return x.resting.createdAt
	case x.row != nil:
		return x.row.CreatedAt
	}
	return time.Time{}
}

// attempted reports whether an attempt was made, as far as it is in memory.
func (x *item) attempted() bool { return x.resting != nil || x.row != nil && len(x.row.Attempts) > 0 }

// lane is a sequence of events of which each waits for the one before: those of a ticket.
type lane struct {
	key      string
	ticketID string // "": of events that wait for nothing
	queue    []*item
	busy     bool // its first event is being tried
	listed   bool // in run.ready or run.waiting
	// behind: the first event failed, or others of the ticket are in the log, before what is read, and not in the queue.
	behind  bool
	through int64 // number through which its events are done
	index   int   // in the heap
}

func newRun(w *webhook, to *endpoint, heads []int64) *run {
	r := &run{w: w, number: w.room.runs.Add(1), to: to, more: true}
	r.makeEmpty()
	r.progress = w.Now().Add(-rand.N(countsEvery)) // so that a thousand that went down together don't all write together
	r.ctx, r.cancel = context.WithCancel(w.room.attempts)
	r.eager = w.eager
	for p := range r.parts {
		r.parts[p].read, r.parts[p].known = heads[p], heads[p]
		if p < len(w.record.Positions) {
			r.parts[p].read = w.record.Positions[p]
		}
	}
	return r
}

// elsewhere reports whether what the run's last attempts tell is about another receiver than the endpoint has now.
func (r *run) elsewhere() bool {
	return r.ending && delivery.Origin(r.to.url) != delivery.Origin(r.w.record.URL)
}

// positions are how far the run has read.
func (r *run) positions() []int64 {
	positions := make([]int64, len(r.parts))
	for p := range r.parts {
		positions[p] = r.parts[p].read
	}
	return positions
}

// settled are the positions through which everything is done, or known to storage as not done.
func (r *run) settled() []int64 {
	positions := make([]int64, len(r.parts))
	for p := range r.parts {
		positions[p] = r.settledIn(p)
	}
	return positions
}

func (r *run) settledIn(partition int) int64 {
	open := r.open[partition]
	for len(open) > 0 && open[0].done {
		open[0] = nil
		open = open[1:]
	}
	if len(open) == 0 {
		delete(r.open, partition)
		return r.parts[partition].read
	}
	r.open[partition] = open
	return open[0].of.position - 1
}

// queue is a list of lanes, first in, first out.
type queue struct{ list []*lane }

func (q *queue) push(l *lane) { q.list = append(q.list, l) }

func (q *queue) pop() *lane {
	if len(q.list) == 0 {
		return nil
	}
	l := q.list[0]
	q.list[0] = nil
	if q.list = q.list[1:]; len(q.list) == 0 {
		q.list = nil
	}
	return l
}

// laneHeap has the lanes whose first event waits, the earliest first (container/heap).
type laneHeap []*lane

func (h laneHeap) Len() int           { return len(h) }
func (h laneHeap) Less(i, j int) bool { return h[i].queue[0].next.Before(h[j].queue[0].next) }
func (h laneHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

// Push implements heap.Interface.
func (h *laneHeap) Push(x any) {
	l := x.(*lane)
	l.index = len(*h)
	*h = append(*h, l)
}

// Pop implements heap.Interface.
func (h *laneHeap) Pop() any {
	last := len(*h) - 1
	l := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return l
}
