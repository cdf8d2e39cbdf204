package series

import (
	"context"
	"log/slog"
	"math"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/storage/sqlite"
)

// node is a node whose clock and metrics the test sets.
type node struct {
	t        *testing.T
	now      *time.Time
	store    storage.Store
	recorder *Recorder

	calls    *prometheus.CounterVec
	took     *prometheus.HistogramVec
	entities *prometheus.GaugeVec
	lag      prometheus.Gauge
}

var start = time.Date(2026, 3, 1, 9, 0, 20, 0, time.UTC)

func openStore(t *testing.T) storage.Store {
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "desk.db"), sqlite.WithoutSync())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}

func newNode(t *testing.T, store storage.Store, now *time.Time, addr string) *node {
	registry := prometheus.NewRegistry()
	env, err := entity.NewEnv(entity.EnvOptions{Store: store, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return *now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(env.Cancel)
	n := &node{t: t, now: now, store: store,
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "topicdesk_operations_total"}, []string{"operation", "outcome"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "topicdesk_api_seconds",
			Buckets: []float64{.1, 1, 10}}, []string{"operation"}),
		entities: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "topicdesk_entities"}, []string{"kind"}),
		lag:      prometheus.NewGauge(prometheus.GaugeOpts{Name: "topicdesk_chat_lag_max_seconds"}),
	}
	registry.MustRegister(n.calls, n.took, n.entities, n.lag)
	n.recorder = New(env, Options{From: registry, Addr: addr})
	return n
}

func (n *node) record() { n.recorder.Record(context.Background()) }

// points are what the store has, in points of a minute.
func points(t *testing.T, store storage.Store, minutes int, step time.Duration) []*messages.SeriesPoint {
	t.Helper()
	all, err := Read(t.Context(), store, minutes, start.Add(-time.Hour), step)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func same(t *testing.T, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Error(diff)
	}
}

func TestWhatIsAddedIsRecordedOnce(t *testing.T) {
	store, now := openStore(t), start
	n := newNode(t, store, &now, "a:1")
	done, failed := n.calls.WithLabelValues("send", "DONE"), n.calls.WithLabelValues("edit", "FLOOD")
	done.Add(2)
	n.record()
	done.Add(3)
	now = start.Add(15 * time.Second) // in the same minute
	n.record()
	now = start.Add(50 * time.Second) // the minute is over: what follows is of the next
	done.Add(4)
	failed.Inc()
	n.record()
	now = start.Add(65 * time.Second)
	done.Add(10)
	n.record()

	got := points(t, store, Fine, time.Minute)
	if len(got) != 2 {
		t.Fatalf("%d points", len(got))
	}
	same(t, got[0].AtMs, start.Truncate(time.Minute).UnixMilli())
	same(t, got[0].Measured.Counts, map[string]float64{"calls/DONE": 9, "calls/FLOOD": 1})
	same(t, got[1].Measured.Counts, map[string]float64{"calls/DONE": 10})
	ten := points(t, store, Coarse, 10*time.Minute)
	if len(ten) != 1 {
		t.Fatalf("%d points", len(ten))
	}
	same(t, ten[0].Measured.Counts, map[string]float64{"calls/DONE": 19, "calls/FLOOD": 1})
}

func TestNodesAndRunsArePutTogether(t *testing.T) {
	store, now := openStore(t), start
	a, b := newNode(t, store, &now, "a:1"), newNode(t, store, &now, "b:1")
	for _, n := range []*node{a, b} {
		n.calls.WithLabelValues("send", "DONE").Add(5)
		n.entities.WithLabelValues("ticket").Set(10)
		n.entities.WithLabelValues("chat").Set(1)
	}
	a.lag.Set(70)
	b.lag.Set(20)
	a.record()
	b.record()
	// a is started again, in the same minute.
	now = now.Add(time.Second)
	again := newNode(t, store, &now, "a:1")
	again.calls.WithLabelValues("send", "DONE").Add(1)
	again.entities.WithLabelValues("ticket").Set(3)
	again.record()

	got := points(t, store, Fine, time.Minute)
	if len(got) != 1 {
		t.Fatalf("%d points", len(got))
	}
	same(t, got[0].Measured.Counts, map[string]float64{"calls/DONE": 11})
	same(t, got[0].Measured.Gauges[messages.MeasuredEntities], 14.0) // 11 of b; a has 3 now, and not 11 more
	same(t, got[0].Measured.Gauges[messages.MeasuredLag], 70.0)
}

func TestSpreadsAreAdded(t *testing.T) {
	store, now := openStore(t), start
	a, b := newNode(t, store, &now, "a:1"), newNode(t, store, &now, "b:1")
	for range 50 {
		a.took.WithLabelValues("getTicket").Observe(.05)
		b.took.WithLabelValues("listTickets").Observe(.5)
	}
	b.took.WithLabelValues("getTicket").Observe(100)
	b.took.WithLabelValues("listFeed").Observe(30) // it waits as long as who asks wants
	a.record()
	b.record()
	a.took.WithLabelValues("getTicket").Observe(.05)
	a.record()

	s := points(t, store, Fine, time.Minute)[0].Measured.Spreads[messages.MeasuredRequestTime]
	same(t, s.Count(), int64(102))
	same(t, s.Floors, []float64{0, .1, 10})
	same(t, s.Bounds, []float64{.1, 1, math.Inf(1)})
	same(t, s.Counts, []int64{51, 50, 1})
	for q, want := range map[float64]float64{.25: .05, .5: .1, .75: .559, .99: .9996, 1: 10} {
		got, ok := s.Quantile(q)
		if !ok || math.Abs(got-want) > .001 {
			t.Errorf("quantile %v: %v, want %v", q, got, want)
		}
	}
	if _, ok := (&messages.Spread{}).Quantile(.5); ok {
		t.Error("nothing has a quantile")
	}
}

func TestWhatCouldNotBeStoredIsStoredLater(t *testing.T) {
	now := start
	store := &failing{Store: openStore(t)}
	n := newNode(t, store, &now, "")
	n.calls.WithLabelValues("send", "DONE").Add(5)
	store.fails = true
	n.record()
	store.fails = false
	n.calls.WithLabelValues("send", "DONE").Add(1)
	n.record()
	same(t, points(t, store, Fine, time.Minute)[0].Measured.Counts, map[string]float64{"calls/DONE": 6})
}

type failing struct {
	storage.Store
	fails bool
}

func (f *failing) SaveSample(ctx context.Context, s storage.Sample) error {
	if f.fails {
		return storage.ErrUnavailable
	}
	return f.Store.SaveSample(ctx, s)
}

// BenchmarkRecord is what a node pays every 15 seconds.
func BenchmarkRecord(b *testing.B) {
	registry := prometheus.NewRegistry()
	seconds := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "topicdesk_storage_seconds",
		Buckets: []float64{.00005, .0002, .001, .005, .02, .1, .5, 2, 10}}, []string{"operation", "kind"})
	registry.MustRegister(seconds)
	for i := range 200 {
		seconds.WithLabelValues(string(rune('a'+i)), "read").Observe(.001)
	}
	store, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "desk.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	env, err := entity.NewEnv(entity.EnvOptions{Store: store})
	if err != nil {
		b.Fatal(err)
	}
	r := New(env, Options{From: registry})
	for b.Loop() {
		r.Record(b.Context())
	}
}
