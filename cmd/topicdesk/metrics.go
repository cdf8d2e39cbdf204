package main

import (
	"context"
	"maps"
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
		CountWaiting(ctx context.Context) (map[string]int64, error)
	}

	info, byState, waiting, database, free, size *prometheus.Desc

	mu     sync.Mutex
	counts ticketCounts
	next   time.Time // when they are counted again
}

// ticketCounts are how many tickets have which status, and how many wait for whom. None of a kind is 0, not nothing, so that a graph does
// not end.
type ticketCounts struct{ byState, waiting map[string]int64 }

func newDeskMetrics(c config.Config, store storage.Store) *deskMetrics {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("topicdesk_"+name, help, labels, nil)
	}
	return &deskMetrics{config: c, tickets: store,
		info:     desc("build_info", "Always 1; the labels say which program runs.", "version", "goversion"),
		byState:  desc("tickets", "Tickets by state, counted at most once a minute.", "status"),
		waiting:  desc("tickets_waiting", "Tickets that are not closed, by whom they wait for, counted at most once a minute.", "for"),
		database: desc("database_bytes", "Size of the SQLite database: its file, and the log beside it.", "part"),
		free:     desc("disk_free_bytes", "What the service may still write to the disk of a folder.", "folder"),
		size:     desc("disk_size_bytes", "Size of the disk of a folder.", "folder"),
	}
}

// Describe implements prometheus.Collector.
func (m *deskMetrics) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.info, m.byState, m.waiting, m.database, m.free, m.size} {
		to <- d
	}
}

// Collect implements prometheus.Collector. What can't be read now is left out.
func (m *deskMetrics) Collect(to chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	gauge(m.info, 1, version, runtime.Version())
	counts := m.count()
	for status, n := range counts.byState {
		gauge(m.byState, float64(n), status)
	}
	for who, n := range counts.waiting {
		gauge(m.waiting, float64(n), who)
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

// count counts the tickets, or tells what was counted before: for a while, and where counting fails.
func (m *deskMetrics) count() ticketCounts {
	m.mu.Lock()
	defer m.mu.Unlock()
	began := time.Now()
	if began.Before(m.next) {
		return m.counts
	}
	ctx, cancel := context.WithTimeout(context.Background(), countWithin)
	defer cancel()
	byState, err := m.tickets.CountTickets(ctx)
	var waiting map[string]int64
	if err == nil {
		waiting, err = m.tickets.CountWaiting(ctx)
	}
	m.next = began.Add(max(countEvery, countShare*time.Since(began))) // also after a failure, which was no cheaper
	if err != nil {
		return m.counts
	}
	m.counts = ticketCounts{map[string]int64{"open": 0, "pending": 0, "closed": 0},
		map[string]int64{storage.WaitsForDesk: 0, storage.WaitsForCustomer: 0}}
	maps.Copy(m.counts.byState, byState)
	maps.Copy(m.counts.waiting, waiting)
	return m.counts
}
