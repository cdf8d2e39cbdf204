package actors

import "github.com/prometheus/client_golang/prometheus"

// metrics are what the desk tells operators.
type metrics struct {
	entities   *prometheus.GaugeVec
	refused    *prometheus.CounterVec
	panics     prometheus.Counter
	operations *prometheus.CounterVec
	queued     prometheus.Gauge
	mailbox    prometheus.Gauge
	underWay   prometheus.Gauge
	latency    prometheus.Histogram
	callTime   *prometheus.HistogramVec
	repeats    *prometheus.CounterVec
	failed     *prometheus.CounterVec
	recorded   prometheus.Counter
	unanswered prometheus.Counter
	woken      *prometheus.CounterVec
	joined     prometheus.Counter

	downloads     *prometheus.CounterVec
	downloadBytes prometheus.Counter
	downloading   prometheus.Gauge
}

func newMetrics(r prometheus.Registerer) *metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "topicdesk", Name: name, Help: help}, labels)
	}
	m := &metrics{
		entities: prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "topicdesk", Name: "entities",
			Help: "Entities that are resident, by kind."}, []string{"kind"}),
		refused: counter("commands_refused_total", "Messages that an entity could not accept (storage trouble), by kind.", "kind"),
		panics: prometheus.NewCounter(prometheus.CounterOpts{Namespace: "topicdesk", Name: "entity_panics_total",
			Help: "Panics in entities; each is a bug."}),
		operations: counter("operations_total", "Bot API calls, by operation and outcome.", "operation", "outcome"),
		queued: prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "topicdesk", Name: "operations_queued",
			Help: "Operations that wait in the chats' queues."}),
		mailbox: prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "topicdesk", Name: "mailbox_messages",
			Help: "Messages that wait in entities' mailboxes."}),
		underWay: prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "topicdesk", Name: "operations_under_way",
			Help: "Bot API calls that have no answer yet."}),
		latency: prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: "topicdesk", Name: "sync_latency_seconds",
			Help:    "From the arrival of a message's update to the answer to its copy's call.",
			Buckets: []float64{.002, .005, .01, .02, .04, .06, .1, .2, .5, 1, 2, 5, 10, 30, 60, 300}}),
		callTime: prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: "topicdesk", Name: "call_seconds",
			Help: "How long Bot API calls take.", Buckets: []float64{.001, .005, .02, .05, .1, .2, .5, 1, 5, 30}}, []string{"operation"}),
		repeats:  counter("operations_repeated_total", "Calls made again because the answer to the first was lost.", "operation"),
		failed:   counter("copies_failed_total", "Copies given up, by outcome.", "outcome"),
		recorded: prometheus.NewCounter(prometheus.CounterOpts{Namespace: "topicdesk", Name: "messages_recorded_total", Help: "Messages accepted into tickets."}),
		unanswered: prometheus.NewCounter(prometheus.CounterOpts{Namespace: "topicdesk", Name: "commands_unanswered_total",
			Help: "Commands that got no answer because the chat was owed too many already."}),
		joined: prometheus.NewCounter(prometheus.CounterOpts{Namespace: "topicdesk", Name: "copies_joined_total",
			Help: "Copies that left in a message with others."}),
		woken:     counter("sweep_woken_total", "Entities woken because they owed something.", "kind"),
		downloads: counter("downloads_total", "Tries to bring a file home, by outcome; retry: it is tried again.", "outcome"),
		downloadBytes: prometheus.NewCounter(prometheus.CounterOpts{Namespace: "topicdesk", Name: "download_bytes_total",
			Help: "Bytes of files that came in."}),
		downloading: prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "topicdesk", Name: "downloads_under_way",
			Help: "Downloads under way."}),
	}
	if r != nil {
		r.MustRegister(m.downloads, m.downloadBytes, m.downloading)
		r.MustRegister(m.entities, m.refused, m.panics, m.operations, m.queued, m.mailbox, m.underWay, m.latency, m.callTime, m.repeats,
			m.failed, m.recorded, m.unanswered, m.woken, m.joined)
	}
	return m
}
