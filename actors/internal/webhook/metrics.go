package webhook

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/topicdesk/topicdesk/actors/internal/delivery"
)

// metrics count attempts. No series names an endpoint, since there may be thousands: GET /webhooks/{id}/stats has those.
type metrics struct {
	attempts *prometheus.CounterVec
	seconds  prometheus.Histogram
	disabled *prometheus.CounterVec
	warned   *prometheus.CounterVec
	expired  prometheus.Counter
}

func newMetrics(to prometheus.Registerer) *metrics {
	m := &metrics{
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "topicdesk", Name: "webhook_attempts_total",
			Help: "Attempts to deliver an event, by outcome: sent, or what went wrong."}, []string{"outcome"}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: "topicdesk", Name: "webhook_attempt_seconds",
			Help: "How long attempts took that were answered.", Buckets: prometheus.ExponentialBuckets(0.001, 2, 15)}),
		disabled: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "topicdesk", Name: "webhooks_disabled_total",
			Help: "Endpoints that the desk disabled, by reason."}, []string{"reason"}),
		warned: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "topicdesk", Name: "webhooks_failing_total",
			Help: "Warnings that an endpoint fails, by stage."}, []string{"stage"}),
		expired: prometheus.NewCounter(prometheus.CounterOpts{Namespace: "topicdesk", Name: "webhooks_expired_total",
			Help: "Times that an endpoint had not read events before they were deleted."}),
	}
	// A counter that begins when something happens shows no increase for the first time.
	m.attempts.WithLabelValues("sent")
	for _, kind := range []delivery.Kind{delivery.HTTP, delivery.DNS, delivery.NoName, delivery.Refused, delivery.Reset,
		delivery.Unreachable, delivery.TLS, delivery.Timeout, delivery.Guard, delivery.Protocol} {
		m.attempts.WithLabelValues(string(kind))
	}
	for _, reason := range []string{reasonFailing, reasonGone, reasonAsked} {
		m.disabled.WithLabelValues(reason)
	}
	m.warned.WithLabelValues("early")
	for _, s := range stages {
		m.warned.WithLabelValues(s.name)
	}
	if to != nil {
		to.MustRegister(m.attempts, m.seconds, m.disabled, m.warned, m.expired)
	}
	return m
}

func (m *metrics) count(r *delivery.Result) {
	outcome := string(r.Kind)
	if r.Verdict == delivery.Success {
		outcome = "sent"
	}
	m.attempts.WithLabelValues(outcome).Inc()
	if r.Status != 0 {
		m.seconds.Observe(r.Duration.Seconds())
	}
}
