package eventlog

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// Log is what readers on this node know of the log.
type Log struct {
	env *entity.Env

	mu      sync.RWMutex
	known   bool // heads are read
	heads   [storage.Partitions]int64
	watches map[*Watch]struct{}
}

// New makes the log of a node.
func New(env *entity.Env) *Log { return &Log{env: env, watches: map[*Watch]struct{}{}} }

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
	// C gets a value when something was appended that the filter selects.
	C      chan struct{}
	log    *Log
	filter *Filter
}

// Watch wakes a reader by its C from now on, until Close.
func (l *Log) Watch(f *messages.LogFilter) *Watch {
	w := &Watch{C: make(chan struct{}, 1), log: l, filter: NewFilter(f)}
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
	l.mu.Unlock()
	l.mu.RLock()
	defer l.mu.RUnlock()
	for w := range l.watches {
		if slices.ContainsFunc(events, w.filter.selects) {
			select {
			case w.C <- struct{}{}:
			default: // it is awake already
			}
		}
	}
}

// Heads returns the newest position of each partition.
func (l *Log) Heads(ctx context.Context) ([]int64, error) {
	l.mu.RLock()
	known, heads := l.known, l.heads
	l.mu.RUnlock()
	if !known {
		bounds, err := l.env.Store.LogBounds(ctx)
		if err != nil {
			return nil, fmt.Errorf("read the bounds of the log: %w", err)
		}
		l.mu.Lock()
		for i, b := range bounds {
			l.heads[i] = max(l.heads[i], b.Last)
		}
		l.known, heads = true, l.heads
		l.mu.Unlock()
	}
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

func (f *Filter) selects(e storage.Event) bool {
	switch {
	case e.Internal && !f.of.GetIncludeInternal():
		return false
	case f.of.GetTicketId() != "" && e.TicketID != f.of.TicketId:
		return false
	case f.of.GetGroupId() != "" && e.GroupID != f.of.GroupId:
		return false
	}
	starts := func(prefix string) bool { return strings.HasPrefix(e.Type, prefix) }
	return len(f.of.GetTypes()) == 0 || f.types[e.Type] || slices.ContainsFunc(f.prefixes, starts)
}
