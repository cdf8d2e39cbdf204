package eventlog

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// Log is what readers on this node know of the log.
type Log struct {
	env *entity.Env

	reading sync.Mutex // held while the heads are read: it asks of each partition, so one does it for all
	mu      sync.RWMutex
	known   bool // heads are read
	heads   [storage.Partitions]int64
	recent  [storage.Partitions][]storage.Event // the newest, in order, without gaps
	watches map[*Watch]struct{}
	told    map[int]int64 // by partition, the newest position that other nodes told of and that was not looked at
	heard   chan struct{} // ready when something is in told
	ahead   aheads

	logged prometheus.Counter
	age    prometheus.Histogram
}

// A partition's newest events are kept in memory, since whoever is at the head wants them at once: at most so many, and so
// many bytes of data.
const (
	recentEvents = 64
	recentBytes  = 32 << 10
)

// New makes the log of a node, with metrics where r is not nil.
func New(env *entity.Env, r prometheus.Registerer) *Log {
	l := &Log{env: env, watches: map[*Watch]struct{}{}, heard: make(chan struct{}, 1), ahead: aheads{afterFunc: env.AfterFunc},
		logged: prometheus.NewCounter(prometheus.CounterOpts{Namespace: "topicdesk", Name: "events_logged_total",
			Help: "Events that got their place in the log."}),
		age: prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: "topicdesk", Name: "event_age_seconds",
			Help:    "How old events are when readers are told of them: from what caused them until they are in the log.",
			Buckets: []float64{.005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 30, 300}}),
	}
	if r != nil {
		r.MustRegister(l.logged, l.age)
	}
	return l
}

// count notes events that are in the log now.
func (l *Log) count(events []storage.Event) {
	now := l.env.Now()
	for i := range events {
		l.age.Observe(max(0, now.Sub(events[i].At).Seconds()))
	}
	l.logged.Add(float64(len(events)))
}

// Kind declares the entities of the log's partitions. Their identities are "0" to "255".
func (l *Log) Kind() *entity.Kind {
	return &entity.Kind{
		Name: messages.KindLog,
		New:  func(h *entity.Host) entity.Entity { return &partition{Host: h, log: l} },
		Messages: []entity.Handler{
			entity.Takes((*partition).onAppend),
			entity.Takes((*partition).onWrite),
		},
	}
}

// Watch is a reader that waits for something new.
type Watch struct {
	wake   func()
	log    *Log
	filter *Filter
}

// Watch calls wake whenever something was appended that the filter selects, until Close. wake must not wait.
func (l *Log) Watch(f *Filter, wake func()) *Watch {
	w := &Watch{wake: wake, log: l, filter: f}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.watches[w] = struct{}{}
	return w
}

// Close ends the watch.
func (w *Watch) Close() {
	w.log.mu.Lock()
	defer w.log.mu.Unlock()
	delete(w.log.watches, w)
}

// appended wakes whoever waits for one of the events.
func (l *Log) appended(events []storage.Event) {
	last := &events[len(events)-1]
	l.mu.Lock()
	l.heads[last.Partition] = max(l.heads[last.Partition], last.Position)
	l.keep(last.Partition, events)
	l.mu.Unlock()
	l.mu.RLock()
	defer l.mu.RUnlock()
	for w := range l.watches {
		if w.filter.selectsOne(events) {
			w.wake()
		}
	}
}

// catchUp tells readers of a partition's events through last of which they have not heard.
func (l *Log) catchUp(ctx context.Context, partition int, last int64) error {
	l.mu.RLock()
	known, head := l.known, l.heads[partition]
	l.mu.RUnlock()
	for known && head < last { // else whoever reads first finds them
		events, err := l.env.Store.LogAfter(ctx, partition, head, batch)
		if err != nil {
			return fmt.Errorf("read the log: %w", err)
		}
		if len(events) == 0 {
			return nil
		}
		l.appended(events)
		head = events[len(events)-1].Position
	}
	return nil
}

// Hear notes what another node tells of the log, for Catch. It waits for nothing.
func (l *Log) Hear(m *messages.LogAppended) {
	if m.Partition < 0 || m.Partition >= storage.Partitions {
		l.env.Log.Error("a node tells of a partition that the log does not have", "partition", m.Partition)
		return
	}
	l.mu.Lock()
	if l.told == nil {
		l.told = map[int]int64{}
	}
	l.told[int(m.Partition)] = max(l.told[int(m.Partition)], m.Last)
	l.mu.Unlock()
	select {
	case l.heard <- struct{}{}:
	default:
	}
}

// Heard is ready when there is something for Catch.
func (l *Log) Heard() <-chan struct{} { return l.heard }

// Catch reads what other nodes have told of, if somebody waits for it. An error is not the end: Follow looks again.
func (l *Log) Catch(ctx context.Context) error {
	l.mu.Lock()
	told, waiting := l.told, len(l.watches) > 0
	l.told = nil
	if !waiting { // whoever reads next finds it
		for partition, last := range told {
			l.heads[partition] = max(l.heads[partition], last)
		}
	}
	l.mu.Unlock()
	for partition, last := range told {
		if !waiting {
			break
		}
		if err := l.catchUp(ctx, partition, last); err != nil {
			return err
		}
	}
	return nil
}

// Follow looks into storage for events of other nodes that nobody told of.
func (l *Log) Follow(ctx context.Context) error {
	l.mu.RLock()
	known, waiting := l.known, len(l.watches) > 0
	l.mu.RUnlock()
	if !known { // whoever reads first finds them; who waits is woken to read
		if !waiting {
			return nil
		}
		_, err := l.readHeads(ctx)
		return err
	}
	bounds, err := l.env.Store.LogBounds(ctx)
	if err != nil {
		return fmt.Errorf("read the bounds of the log: %w", err)
	}
	for i, b := range bounds {
		if err := l.catchUp(ctx, i, b.Last); err != nil {
			return err
		}
	}
	return nil
}

// keep remembers the newest events of a partition. Readers hold parts of the list, so that what is in it never changes.
func (l *Log) keep(partition int, events []storage.Event) {
	kept := l.recent[partition]
	if n := len(kept); n > 0 && kept[n-1].Position+1 != events[0].Position {
		kept = nil
	}
	kept = append(kept, events...)
	from, bytes, all := len(kept), 0, 0
	for i := range kept {
		all += len(kept[i].Data)
	}
	for from > 0 && len(kept)-from < recentEvents && bytes < recentBytes {
		from--
		bytes += len(kept[from].Data)
	}
	if from >= recentEvents || all > 2*recentBytes { // not each time: the list is copied
		kept = append(make([]storage.Event, 0, 2*recentEvents), kept[from:]...)
	}
	l.recent[partition] = kept
}

// after lists events of a partition with position > after, in order, from memory or storage, as Store.LogAfter does.
// ahead, unless 0, is how many are read for others too.
func (l *Log) after(ctx context.Context, partition int, after int64, limit, ahead int) ([]storage.Event, error) {
	l.mu.RLock()
	recent := l.recent[partition]
	l.mu.RUnlock()
	if part := between(recent, after, limit); len(part) > 0 {
		return part, nil
	}
	if ahead > 0 {
		if part := between(l.ahead.of(partition), after, limit); len(part) > 0 {
			return part, nil
		}
	}
	events, err := l.env.Store.LogAfter(ctx, partition, after, max(limit, ahead))
	if err != nil {
		return nil, fmt.Errorf("read the log: %w", err)
	}
	if ahead > 0 {
		l.ahead.keep(partition, events)
	}
	return events[:min(limit, len(events)):min(limit, len(events))], nil
}

// After lists events of a partition with position > after, in order, at most limit and perhaps fewer, for a reader that keeps
// the order of each partition alone.
func (l *Log) After(ctx context.Context, partition int, after int64, limit int) ([]storage.Event, error) {
	return l.after(ctx, partition, after, limit, 0)
}

// between are those of a list without gaps whose position is > after, at most limit; none if the list does not have the
// first of them.
func between(list []storage.Event, after int64, limit int) []storage.Event {
	if len(list) == 0 || list[0].Position > after+1 || list[len(list)-1].Position <= after {
		return nil
	}
	list = list[after+1-list[0].Position:]
	n := min(limit, len(list))
	return list[:n:n]
}

// Heads returns the newest position of each partition.
func (l *Log) Heads(ctx context.Context) ([]int64, error) {
	l.mu.RLock()
	known, heads := l.known, l.heads
	l.mu.RUnlock()
	if !known {
		return l.readHeads(ctx)
	}
	return heads[:], nil
}

// readHeads reads the heads for the first time, and wakes who waits: nobody has told them what is there.
func (l *Log) readHeads(ctx context.Context) ([]int64, error) {
	l.reading.Lock()
	defer l.reading.Unlock()
	l.mu.RLock()
	known, heads := l.known, l.heads
	l.mu.RUnlock()
	if known {
		return heads[:], nil
	}
	bounds, err := l.env.Store.LogBounds(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the bounds of the log: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.known = true
	for i, b := range bounds {
		l.heads[i] = max(l.heads[i], b.Last)
	}
	for w := range l.watches {
		w.wake()
	}
	heads = l.heads
	return heads[:], nil
}

// Filter selects events for a reader.
type Filter struct {
	of       *messages.LogFilter
	types    map[string]bool
	prefixes []string
}

// NewFilter prepares a filter.
func NewFilter(of *messages.LogFilter) *Filter {
	f := &Filter{of: of, types: map[string]bool{}}
	for _, t := range of.GetTypes() {
		if prefix, all := strings.CutSuffix(t, "*"); all {
			f.prefixes = append(f.prefixes, prefix)
		} else {
			f.types[t] = true
		}
	}
	return f
}

// selectsOne reports whether the reader wants one of the events. Each open page of the web desk is asked, so none is copied.
func (f *Filter) selectsOne(events []storage.Event) bool {
	for i := range events {
		if f.Selects(&events[i]) {
			return true
		}
	}
	return false
}

// Selects reports whether the reader wants an event.
func (f *Filter) Selects(e *storage.Event) bool {
	switch {
	case e.Internal && !f.of.GetIncludeInternal():
		return false
	case e.Internal && f.of.GetGroupId() != "" && desk.IsNoteElsewhere(e, f.of.GroupId):
		return false
	case f.of.GetTicketId() != "" && e.TicketID != f.of.TicketId:
		return false
	case f.of.GetGroupId() != "" && e.GroupID != f.of.GroupId:
		return false
	}
	starts := func(prefix string) bool { return strings.HasPrefix(e.Type, prefix) }
	return len(f.of.GetTypes()) == 0 || f.types[e.Type] || slices.ContainsFunc(f.prefixes, starts)
}
