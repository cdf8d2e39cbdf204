package chat

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/topicdesk/topicdesk/messages"
)

type metrics struct {
	operations *prometheus.CounterVec
	queued     prometheus.Gauge
	inFlight   prometheus.Gauge
	latency    prometheus.Histogram
	callTime   *prometheus.HistogramVec
	repeats    *prometheus.CounterVec
	merged     prometheus.Counter
}

func newMetrics(r prometheus.Registerer) *metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "topicdesk", Name: name, Help: help}, labels)
	}
	m := &metrics{
		operations: counter("operations_total", "Bot API calls, by operation and outcome.", "operation", "outcome"),
		queued: prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "topicdesk", Name: "operations_queued",
			Help: "Operations that wait in the chats' queues."}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "topicdesk", Name: "operations_under_way",
			Help: "Bot API calls that have no answer yet."}),
		latency: prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: "topicdesk", Name: "sync_latency_seconds",
			Help:    "From the arrival of a message's update to the answer to its copy's call.",
			Buckets: []float64{.002, .005, .01, .02, .04, .06, .1, .2, .5, 1, 2, 5, 10, 30, 60, 300}}),
		callTime: prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: "topicdesk", Name: "call_seconds",
			Help:    "How long Bot API calls take.",
			Buckets: []float64{.001, .005, .02, .05, .1, .2, .5, 1, 5, 30}}, []string{"operation"}),
		repeats: counter("operations_repeated_total",
			"Calls made again because the answer to the first was lost.", "operation"),
		merged: prometheus.NewCounter(prometheus.CounterOpts{Namespace: "topicdesk", Name: "copies_joined_total",
			Help: "Copies that left in a message with others."}),
	}
	// A counter that begins when something happens shows no increase for the first time.
	m.repeats.WithLabelValues(operationName(&messages.Operation{Call: &messages.Operation_SendCopy{}}))
	if r != nil {
		r.MustRegister(m.operations, m.queued, m.inFlight, m.latency, m.callTime, m.repeats, m.merged)
	}
	return m
}
