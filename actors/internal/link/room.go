package link

import (
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/messages"
)

// Deps are what links need beside what all entities share.
type Deps struct {
	Telegram desk.Telegram // says how many messages a copy takes
	Metrics  prometheus.Registerer
}

type room struct {
	Deps
	copies *prometheus.CounterVec
}

// Kind declares the links.
func Kind(d Deps) *entity.Kind {
	r := &room{Deps: d, copies: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "topicdesk", Name: "copies_total",
		Help: "Copies that are finished, by outcome: sent, why one was given up, or edit for an edit that was."}, []string{"outcome"})}
	// A counter that begins when something happens shows no increase for the first time.
	for _, outcome := range []string{desk.CopySent, "edit", messages.Outcome_FORBIDDEN.String(),
		messages.Outcome_TOPIC_DELETED.String(), messages.Outcome_TRANSIENT.String(), messages.Outcome_UNKNOWN.String(),
		messages.Outcome_REJECTED.String()} {
		r.copies.WithLabelValues(outcome)
	}
	if d.Metrics != nil {
		d.Metrics.MustRegister(r.copies)
	}
	return &entity.Kind{
		Name: messages.KindLink,
		New:  func(h *entity.Host) entity.Entity { return &link{Host: h, room: r} },
		Messages: []entity.Handler{
			// its ticket
			entity.Takes((*link).onCopy), entity.Takes((*link).onChange), entity.Takes((*link).onResume),
			entity.Takes((*link).onRetry), entity.Takes((*link).onFailureTaken),
			// chats
			entity.Settles((*link).onDone), entity.Takes((*link).onSuspended), entity.Takes((*link).onQueueLost),
			// programs
			entity.Reads((*link).onGetStatus),
			// its own timers, and the sweep
			entity.Takes((*link).onGathered), entity.Takes((*link).onGoOn), entity.Takes((*link).onOutdated),
			entity.Takes((*link).onOfferAgain),
			entity.Replies((*link).onWake),
		},
	}
}

// appear loads a link again that its ticket had not recorded when it was loaded.
func (l *link) appear() error {
	if l.exists {
		return nil
	}
	return l.Reload()
}

func (l *link) onQueueLost(*messages.QueueLost) error {
	if l.exists {
		l.enqueueOpen()
	}
	return nil
}

func (l *link) onWake(*messages.Wake) (proto.Message, error) { return entity.OK(), nil }
