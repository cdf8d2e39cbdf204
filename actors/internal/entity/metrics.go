package entity

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/topicdesk/topicdesk/messages"
)

// Metrics are what operators see of all entities. A room adds its own.
type Metrics struct {
	Panics     prometheus.Counter // in entities, their children and their calls
	Unanswered prometheus.Counter // commands that get no answer because too many answers are pending already

	entities *prometheus.GaugeVec
	refused  *prometheus.CounterVec
	unknown  *prometheus.CounterVec
	mailbox  prometheus.Gauge
	shards   prometheus.Gauge   // on this node of a cluster
	notOwner prometheus.Counter // answers

	activations, fences *prometheus.CounterVec
	remote              *prometheus.HistogramVec
}

// How an activation learns that a newer one exists: a write met a conflict, or it looked at the lease.
const (
	fencedByWrite = "write"
	fencedByLease = "lease"
)

// noteRemote notes a request to an entity on another node.
func (m *Metrics) noteRemote(reply any, err error, took time.Duration) {
	outcome := "answered"
	if refused, ok := reply.(*messages.Reply); err != nil {
		outcome = "no_answer"
	} else if ok && refused.Code == messages.Code_NOT_OWNER {
		outcome = "not_owner"
	}
	m.remote.WithLabelValues(outcome).Observe(took.Seconds())
}

func newMetrics(r prometheus.Registerer) *Metrics {
	counter := func(name, help string) prometheus.CounterOpts {
		return prometheus.CounterOpts{Namespace: "topicdesk", Name: name, Help: help}
	}
	gauge := func(name, help string) prometheus.GaugeOpts {
		return prometheus.GaugeOpts{Namespace: "topicdesk", Name: name, Help: help}
	}
	m := &Metrics{
		Panics: prometheus.NewCounter(counter("entity_panics_total", "Panics in entities; each is a bug.")),
		Unanswered: prometheus.NewCounter(counter("commands_unanswered_total",
			"Commands that got no answer because too many answers were pending in the chat.")),
		entities: prometheus.NewGaugeVec(gauge("entities", "Entities that are resident, by kind."), []string{"kind"}),
		refused: prometheus.NewCounterVec(counter("commands_refused_total",
			"Messages that an entity could not accept (storage trouble), by kind."), []string{"kind"}),
		unknown: prometheus.NewCounterVec(counter("messages_unknown_total",
			"Messages that the kind of their entity does not take, by kind; each is a bug."), []string{"kind"}),
		shards: prometheus.NewGauge(gauge("cluster_shards", "Shards that run on this node of a cluster.")),
		notOwner: prometheus.NewCounter(counter("cluster_not_owner_total",
			"Messages to a shard that this node has no more; whoever sent them asks the new owner.")),
		activations: prometheus.NewCounterVec(counter("entity_activations_total",
			"Entities that have taken their lease, by kind."), []string{"kind"}),
		fences: prometheus.NewCounterVec(counter("entity_fences_total",
			"Entities that have stopped because a newer activation exists, by kind and by how they learnt of it."),
			[]string{"kind", "reason"}),
		remote: prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: "topicdesk", Name: "cluster_request_seconds",
			Help: "Time until an entity on another node has answered, by outcome.", Buckets: prometheus.DefBuckets},
			[]string{"outcome"}),
		mailbox: prometheus.NewGauge(gauge("mailbox_messages", "Messages that wait in entities' mailboxes.")),
	}
	for _, outcome := range []string{"answered", "no_answer", "not_owner"} {
		m.remote.WithLabelValues(outcome)
	}
	if r != nil {
		r.MustRegister(m.Panics, m.Unanswered, m.entities, m.refused, m.unknown, m.mailbox, m.shards, m.notOwner,
			m.activations, m.fences, m.remote)
	}
	return m
}

// begin has the series of a kind at 0: a counter that begins when something happens shows no increase for the first time.
func (m *Metrics) begin(kind string) {
	m.entities.WithLabelValues(kind)
	m.refused.WithLabelValues(kind)
	m.unknown.WithLabelValues(kind)
	m.activations.WithLabelValues(kind)
	m.fences.WithLabelValues(kind, fencedByWrite)
	m.fences.WithLabelValues(kind, fencedByLease)
}

// mailboxDepth counts the messages that wait in mailboxes.
type mailboxDepth struct{ gauge prometheus.Gauge }

func (d mailboxDepth) MailboxStarted()     {}
func (d mailboxDepth) MessagePosted(any)   { d.gauge.Inc() }
func (d mailboxDepth) MessageReceived(any) { d.gauge.Dec() }
func (d mailboxDepth) MailboxEmpty()       {}
