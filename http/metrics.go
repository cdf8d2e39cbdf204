package httpedge

import "github.com/prometheus/client_golang/prometheus"

// apiMetrics are the API's metrics.
type apiMetrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	failures *prometheus.CounterVec
	limited  *prometheus.CounterVec
	keys     *prometheus.CounterVec
}

func newAPIMetrics(r prometheus.Registerer) *apiMetrics {
	m := &apiMetrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "topicdesk", Name: "api_requests_total",
			Help: "Requests to the API, by operation and status."}, []string{"operation", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: "topicdesk", Name: "api_seconds",
			Help:    "How long requests to the API take.",
			Buckets: []float64{.0005, .001, .002, .005, .01, .025, .05, .1, .25, 1, 5, 30}}, []string{"operation"}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: "topicdesk", Name: "api_authentication_failures_total",
			Help: "Requests to the API that were refused for want of a valid key, by reason."}, []string{"reason"}),
		limited: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "topicdesk", Name: "api_limited_total",
			Help: "Requests to the API that were refused by a limit: of the key, of the address, of failures to authenticate."},
			[]string{"limit"}),
		keys: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "topicdesk", Name: "api_key_lookups_total",
			Help: "API keys that were sent; outcome is hit when one was in memory as a key that was valid, miss when it was not."},
			[]string{"outcome"}),
	}
	// A counter that begins when something happens shows no increase for the first time.
	m.keys.WithLabelValues("hit")
	m.keys.WithLabelValues("miss")
	for _, limit := range []string{"address", "key", "failures"} {
		m.limited.WithLabelValues(limit)
	}
	for _, reason := range []string{"missing", "malformed", "unknown", "wrong"} {
		m.failures.WithLabelValues(reason)
	}
	if r != nil {
		r.MustRegister(m.requests, m.seconds, m.failures, m.limited, m.keys)
	}
	return m
}

// keyLookedUp counts whether a key that was sent was in memory.
func (m *apiMetrics) keyLookedUp(formed, familiar bool) {
	switch {
	case familiar:
		m.keys.WithLabelValues("hit").Inc()
	case formed:
		m.keys.WithLabelValues("miss").Inc()
	}
}
