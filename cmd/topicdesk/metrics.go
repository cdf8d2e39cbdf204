package main

import (
	"context"
	"os"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/topicdesk/topicdesk/config"
	"github.com/topicdesk/topicdesk/storage"
)

// How often tickets are counted at most, and how long that may take: with a million tickets MongoDB reads an index of 50 MB.
const (
	countEvery  = time.Minute
	countWithin = 5 * time.Second
	countShare  = 100 // the next time is not before so many times as long as the last one took
)

// deskMetrics are what an operator asks of a desk as a whole: which program runs, how many tickets there are, and how
// much room they take. They are read when somebody asks.
type deskMetrics struct {
	config  config.Config
	tickets interface {
		CountTickets(ctx context.Context) (map[string]int64, error)
	}

	info, byState, database, free, size *prometheus.Desc

	mu     sync.Mutex
	counts map[string]int64
	next   time.Time // when they are counted again
}

func newDeskMetrics(c config.Config, store storage.Store) *deskMetrics {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("topicdesk_"+name, help, labels, nil)
	}
	return &deskMetrics{config: c, tickets: store,
		info:     desc("build_info", "Always 1; the labels say which program runs.", "version", "goversion"),
		byState:  desc("tickets", "Tickets by state, counted at most once a minute.", "status"),
		database: desc("database_bytes", "Size of the SQLite database: its file, and the log beside it.", "part"),
		free:     desc("disk_free_bytes", "What the service may still write to the disk of a folder.", "folder"),
		size:     desc("disk_size_bytes", "Size of the disk of a folder.", "folder"),
	}
}

// Describe implements prometheus.Collector.
func (m *deskMetrics) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.info, m.byState, m.database, m.free, m.size} {
		to <- d
	}
}

// Collect implements prometheus.Collector. What can't be read now is left out.
func (m *deskMetrics) Collect(to chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	gauge(m.info, 1, version, runtime.Version())
	for status, n := range m.count() {
		gauge(m.byState, float64(n), status)
	}
	if db := m.config.Database(); db.Kind == config.DatabaseSQLite {
		for part, name := range map[string]string{"file": db.Path, "log": db.Path + "-wal"} {
			if info, err := os.Stat(name); err == nil {
				gauge(m.database, float64(info.Size()), part)
			}
		}
	}
	folders := diskFolders(m.config)
	slices.Sort(folders)
	for _, folder := range slices.Compact(folders) { // two settings may name one folder
		if d, known, err := diskOf(folder); known && err == nil {
			gauge(m.free, float64(d.free), folder)
			gauge(m.size, float64(d.size), folder)
		}
	}
}

// count is how many tickets have which status. No tickets of a status is 0, not nothing, so that a graph does not end.
func (m *deskMetrics) count() map[string]int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	began := time.Now()
	if began.Before(m.next) {
		return m.counts
	}
	ctx, cancel := context.WithTimeout(context.Background(), countWithin)
	defer cancel()
	counts, err := m.tickets.CountTickets(ctx)
	if err != nil {
		return nil
	}
	m.next = began.Add(max(countEvery, countShare*time.Since(began)))
	m.counts = map[string]int64{"open": 0, "pending": 0, "closed": 0}
	for status, n := range counts {
		m.counts[status] = n
	}
	return m.counts
}
