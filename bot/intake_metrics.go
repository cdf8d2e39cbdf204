package bot

import "github.com/prometheus/client_golang/prometheus"

// intakeMetrics count updates.
type intakeMetrics struct {
	updates     *prometheus.CounterVec
	seconds     prometheus.Histogram
	undecodable prometheus.Counter
	cache       *prometheus.CounterVec
	aside       prometheus.Gauge
}

func newIntakeMetrics(r prometheus.Registerer) *intakeMetrics {
	m := &intakeMetrics{
		updates: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "topicdesk_updates_total", Help: "Updates from Telegram, by type and outcome.",
		}, []string{"type", "outcome"}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "topicdesk_update_handle_seconds", Help: "Time from receiving an update until it is accepted.",
			Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
		}),
		undecodable: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "topicdesk_updates_undecodable_total",
			Help: "Updates that could not be understood and were passed over.",
		}),
		cache: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "topicdesk_directory_lookups_total",
			Help: "What the intake looks up of updates, topic or place; outcome is hit when it was in memory, miss when it was not.",
		}, []string{"cache", "outcome"}),
	}
	m.aside = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "topicdesk_updates_set_aside",
		Help: "Updates that are confirmed to Telegram, are kept, and wait until the desk accepts them; on the node that polls.",
	})
	// A counter that begins when something happens shows no increase for the first time.
	for _, kind := range []string{KindMessage, KindEdited, KindCallback, KindMyMember, KindChatMember, KindReaction, KindOther} {
		m.updates.WithLabelValues(kind, outcomeNotAccepted)
	}
	for _, what := range []string{"topic", "place"} {
		m.cache.WithLabelValues(what, "hit")
		m.cache.WithLabelValues(what, "miss")
	}
	if r != nil {
		r.MustRegister(m.updates, m.seconds, m.undecodable, m.cache, m.aside)
	}
	return m
}

// lookedUp counts what a cache had.
func (m *intakeMetrics) lookedUp(cache, outcome string) {
	m.cache.WithLabelValues(cache, outcome).Inc()
}
