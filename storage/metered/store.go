// Package metered measures how long a store takes, by operation, and has its calls be spans. It knows no store.
package metered

//go:generate go run ./gen

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/tracing"
)

// Store is a store whose calls are timed.
type Store struct {
	storage.Store
	seconds     []prometheus.Observer // by operation
	unavailable prometheus.Counter
}

var _ storage.Store = (*Store)(nil)

type operation struct {
	name   string
	writes bool
}

// New measures a store. One that commits for several writes together says so, too (OnCommit).
func New(of storage.Store, r prometheus.Registerer) *Store {
	seconds := prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: "topicdesk", Name: "storage_seconds",
		Help:    "How long storage takes, by operation; kind is read or write. A write has waited for its commit.",
		Buckets: []float64{.00005, .0002, .001, .005, .02, .1, .5, 2, 10}}, []string{"operation", "kind"})
	commits := prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: "topicdesk", Name: "storage_commit_seconds",
		Help:    "How long commits of SQLite take, each of which is for all writes that waited. MongoDB has none of its own.",
		Buckets: []float64{.0005, .001, .002, .005, .01, .02, .05, .1, .5, 2, 10}})
	s := &Store{Store: of, unavailable: prometheus.NewCounter(prometheus.CounterOpts{Namespace: "topicdesk",
		Name: "storage_unavailable_total", Help: "Calls of storage that failed because it can't be reached, or can't write."})}
	for _, o := range operations {
		kind := "read"
		if o.writes {
			kind = "write"
		}
		s.seconds = append(s.seconds, seconds.WithLabelValues(o.name, kind))
	}
	if c, ok := of.(interface{ OnCommit(func(time.Duration)) }); ok {
		c.OnCommit(func(took time.Duration) { commits.Observe(took.Seconds()) })
	}
	r.MustRegister(seconds, commits, s.unavailable)
	return s
}

// note times a call, and makes it a span if whoever calls is in a trace.
func (s *Store) note(ctx context.Context, operation int, began time.Time, err *error) {
	if mark := tracing.MarkOf(ctx); mark.Recorded() {
		span := mark.Child("storage "+operations[operation].name, tracing.Client, began)
		span.Note("db.operation.name", operations[operation].name)
		if *err != nil && !errors.Is(*err, storage.ErrNotFound) {
			span.Fail(failure(*err))
		}
		span.End()
	}
	s.seconds[operation].Observe(time.Since(began).Seconds())
	if *err != nil && errors.Is(*err, storage.ErrUnavailable) {
		s.unavailable.Inc()
	}
}

// failure is why a call failed, as a code.
func failure(err error) string {
	for _, of := range []struct {
		err  error
		code string
	}{
		{storage.ErrUnavailable, "unavailable"}, {storage.ErrConflict, "conflict"}, {storage.ErrExists, "exists"},
		{context.Canceled, "cancelled"}, {context.DeadlineExceeded, "deadline"},
	} {
		if errors.Is(err, of.err) {
			return of.code
		}
	}
	return "error"
}
