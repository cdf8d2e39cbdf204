package ticket

import (
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/attachment"
	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/actors/internal/pace"
	"github.com/topicdesk/topicdesk/messages"
)

// Deps are what tickets need in addition to what all entities share.
type Deps struct {
	Attachments *attachment.Keeper
	Aliases     *desk.Aliases
	Pace        pace.Pace
	IntakeWorks func() bool                   // whether updates arrive; nil: they always do
	Parts       func(*messages.Operation) int // how many Telegram messages a SendCopy takes
	Metrics     prometheus.Registerer
}

// room is what all tickets of a node share.
type room struct {
	Deps
	recorded prometheus.Counter
	rang     *prometheus.CounterVec
	numbers  numbers
	rings    rings // timers.go
	groups   groups
}

// Kind declares the tickets, and the messages that they take.
func Kind(d Deps) *entity.Kind {
	if d.IntakeWorks == nil {
		d.IntakeWorks = func() bool { return true }
	}
	r := &room{Deps: d, recorded: prometheus.NewCounter(prometheus.CounterOpts{
		Namespace: "topicdesk", Name: "messages_recorded_total", Help: "Messages accepted into tickets.",
	}), rang: prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "topicdesk", Name: "timers_rung_total", Help: "Timers of tickets that have rung, by what that did.",
	}, []string{"did"})}
	for _, did := range ringDid {
		r.rang.WithLabelValues(did)
	}
	if d.Metrics != nil {
		d.Metrics.MustRegister(r.recorded, r.rang)
	}
	k := &entity.Kind{
		Name:     messages.KindTicket,
		New:      func(h *entity.Host) entity.Entity { return &ticket{Host: h, room: r} },
		Children: attachment.Supervision,
		Messages: []entity.Handler{
			// from people: messages, and what happens to them
			entity.Replies((*ticket).onOpenTicket),
			entity.Replies((*ticket).onEnclose),
			entity.Inserts((*ticket).onMessage),
			entity.Replies((*ticket).onEdit),
			entity.Replies((*ticket).onEditSource),
			entity.Replies((*ticket).onReact),
			entity.Replies((*ticket).onDelete),
			entity.Replies((*ticket).onRetry),
			entity.Replies((*ticket).onTopicCreated),
			// from programs
			entity.Reads((*ticket).onGet),
			entity.Replies((*ticket).onSend),
			// from links
			entity.Takes((*ticket).onLinkProgress),
			entity.Takes((*ticket).onAppended),
			entity.Takes((*ticket).onChanged),
			entity.Takes((*ticket).onShowReaction),
			entity.Takes((*ticket).onTopicGone),
			entity.Takes((*ticket).onTopicSuspended),
			entity.Takes((*ticket).onRetryTaken),
			entity.Takes((*ticket).onCopyFailed),
			// from other tickets
			entity.Takes((*ticket).onReword),
			entity.Takes((*ticket).onReworded),
			// from chats, groups and persons
			entity.Settles((*ticket).onDone),
			entity.Takes((*ticket).onSuspended),
			entity.Takes((*ticket).onQueueLost), entity.Takes((*ticket).onNoRoom),
			entity.Takes((*ticket).onAdminChecked),
			entity.Takes((*ticket).onReachable),
			// about files
			entity.Takes((*ticket).onFilesDue),
			entity.Takes((*ticket).onLookForFiles),
			entity.Takes((*ticket).onDownloaded),
			// its own timers, and the sweep
			entity.Takes((*ticket).onFlush),
			entity.Takes((*ticket).onQuiet),
			entity.Takes((*ticket).onRewordOn),
			entity.Takes((*ticket).onCompare),
			entity.Takes((*ticket).onRing),
			entity.Takes((*ticket).onIcons),
			entity.Takes((*ticket).onAdoptionOver),
			entity.Takes((*ticket).onEnqueueAgain),
			entity.Replies((*ticket).onWake),
		},
	}
	onRequest := func(e entity.Entity, m any) (proto.Message, error) {
		return e.(*ticket).onRequest(m.(desk.Command))
	}
	for _, r := range ticketRequests {
		if r.effect != nil && !r.inside {
			k.Messages = append(k.Messages, entity.RepliesTo(r.message, onRequest))
		}
	}
	return k
}

// onRequest handles every message that has a row in ticketRequests.
func (t *ticket) onRequest(m desk.Command) (proto.Message, error) {
	if t.predatesLink(m.GetOrigin()) {
		return entity.Duplicate(), nil
	}
	return t.onCommand(m)
}

func (t *ticket) onOpenTicket(m *messages.OpenTicket) (proto.Message, error) {
	if messages.IsPrivate(m.Origin.GetPlace()) {
		return entity.OK(), t.onOpenPrivately(m)
	}
	return t.onOpen(m)
}

func (t *ticket) onGet(*messages.GetTicket) (proto.Message, error) {
	if t.record == nil {
		return &messages.TicketRecord{Code: messages.Code_NOT_FOUND}, nil
	}
	r, err := t.apiRecord()
	if err == nil {
		r.AmongColleagues, err = t.isAmongColleagues()
	}
	return r, err
}
