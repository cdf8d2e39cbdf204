package httpedge

import "github.com/prometheus/client_golang/prometheus"

// apiMetrics are the API's metrics.
type apiMetrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	failures *prometheus.CounterVec
	limited  *prometheus.CounterVec
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
	}
	if r != nil {
		r.MustRegister(m.requests, m.seconds, m.failures, m.limited)
	}
	return m
}
