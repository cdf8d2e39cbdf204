package entity

import "github.com/prometheus/client_golang/prometheus"

// Metrics are what all entities tell operators; a room has its own beside them.
type Metrics struct {
	Panics     prometheus.Counter // in entities, their children and their calls
	Unanswered prometheus.Counter // commands that get no answer since too many are owed already

	entities *prometheus.GaugeVec
	refused  *prometheus.CounterVec
	mailbox  prometheus.Gauge
}

func newMetrics(r prometheus.Registerer) *Metrics {
	m := &Metrics{
		Panics: prometheus.NewCounter(prometheus.CounterOpts{Namespace: "topicdesk", Name: "entity_panics_total",
			Help: "Panics in entities; each is a bug."}),
		Unanswered: prometheus.NewCounter(prometheus.CounterOpts{Namespace: "topicdesk", Name: "commands_unanswered_total",
			Help: "Commands that got no answer because the chat was owed too many already."}),
		entities: prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "topicdesk", Name: "entities",
			Help: "Entities that are resident, by kind."}, []string{"kind"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "topicdesk", Name: "commands_refused_total",
			Help: "Messages that an entity could not accept (storage trouble), by kind."}, []string{"kind"}),
		mailbox: prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "topicdesk", Name: "mailbox_messages",
			Help: "Messages that wait in entities' mailboxes."}),
	}
	if r != nil {
		r.MustRegister(m.Panics, m.Unanswered, m.entities, m.refused, m.mailbox)
	}
	return m
}
