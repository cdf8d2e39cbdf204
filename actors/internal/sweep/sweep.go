package sweep

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

const (
	// batch is how many due records are read together. batchPause is the pause after each batch, so that a large
	// backlog does not starve what people do now.
	batch      = 50
	batchPause = 50 * time.Millisecond
	// dueAtMost is how many users, groups and chats are woken in one sweep. There are few, so they are woken without
	// a pause.
	dueAtMost = 10_000
	// keptAnswersBatch is how many expired answers of the API are deleted together.
	keptAnswersBatch = 1000
	// shardTick is how often the shards look for idle entities.
	shardTick = 10 * time.Second
)

// Loop is the sweep of one node.
type Loop struct {
	env   *entity.Env
	node  *entity.Node
	o     Options
	woken *prometheus.CounterVec
}

// Options say what a sweep looks after.
type Options struct {
	Files      bool                  // this node keeps attachments
	Every      time.Duration         // how often the sweep runs; a minute when 0
	KeepEvents time.Duration         // how long events stay in the log; 0: forever
	Metrics    prometheus.Registerer // nil: not registered
}

// New makes the sweep of a node.
func New(env *entity.Env, node *entity.Node, o Options) *Loop {
	if o.Every == 0 {
		o.Every = time.Minute
	}
	woken := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "topicdesk", Name: "sweep_woken_total",
		Help: "Entities woken because they had something pending, by kind."}, []string{"kind"})
	if o.Metrics != nil {
		o.Metrics.MustRegister(woken)
	}
	return &Loop{env: env, node: node, o: o, woken: woken}
}

// Run sweeps until the node stops.
func (s *Loop) Run() {
	s.sweepOnce(s.env.Ctx, s.env.Now().Add(100*365*24*time.Hour)) // whatever is pending, due or not
	sweeps, ticks := time.NewTicker(s.o.Every), time.NewTicker(min(shardTick, s.node.Idle()))
	defer sweeps.Stop()
	defer ticks.Stop()
	for {
		select {
		case <-s.env.Ctx.Done():
			return
		case <-ticks.C:
			s.node.Tick()
		case <-sweeps.C:
			s.sweepOnce(s.env.Ctx, s.env.Now())
		}
	}
}

// sweepOnce wakes what is due by then. What can't be read is tried again by the next sweep.
func (s *Loop) sweepOnce(ctx context.Context, by time.Time) {
	s.sweepTickets(ctx, by)
	s.deleteKeptAnswers(ctx)
	s.deleteEvents(ctx)
	s.sweepFiles(ctx)
	due, err := s.env.Store.DueUsers(ctx, by, dueAtMost)
	s.wake(messages.KindUser, due, err)
	due, err = s.env.Store.DueGroups(ctx, by, dueAtMost)
	s.wake(messages.KindGroup, due, err)
	due, err = s.env.Store.DueChats(ctx, by, dueAtMost)
	s.wake(messages.KindChat, due, err)
	s.wakeWebhooks(ctx)
}

// wakeWebhooks wakes all endpoints: an enabled one follows the log, others have old deliveries to delete.
func (s *Loop) wakeWebhooks(ctx context.Context) {
	after := ""
	for ctx.Err() == nil {
		page, err := s.env.Store.Webhooks(ctx, "", after, batch)
		if err != nil {
			if ctx.Err() == nil {
				s.env.Log.Error("the sweep can't read the webhooks; tried again", "error", err)
			}
			return
		}
		for i := range page {
			s.env.Tell(messages.KindWebhook, page[i].WebhookID, &messages.Wake{})
		}
		if len(page) < batch {
			return
		}
		after = page[len(page)-1].WebhookID
	}
}

func (s *Loop) sweepTickets(ctx context.Context, by time.Time) {
	var after storage.Due
	for ctx.Err() == nil {
		due, err := s.env.Store.DueTickets(ctx, by, after, batch)
		if !s.wake(messages.KindTicket, due, err) || len(due) < batch {
			return
		}
		after = due[len(due)-1]
		pause(ctx)
	}
}

// deleteKeptAnswers deletes the answers that the API kept for repeated requests and that have expired.
func (s *Loop) deleteKeptAnswers(ctx context.Context) {
	for ctx.Err() == nil {
		n, err := s.env.Store.DeleteIdempotencies(ctx, s.env.Now(), keptAnswersBatch)
		if err != nil && ctx.Err() == nil {
			s.env.Log.Error("expired answers can't be deleted; tried again", "error", err)
		}
		if err != nil || n < keptAnswersBatch {
			return
		}
	}
}

// sweepFiles tells tickets which of their files are due. A file whose download a crash ended is due immediately, even
// at the start; the pause between two tries is kept (docs/decisions.md, D26).
func (s *Loop) sweepFiles(ctx context.Context) {
	woken, now := map[ids.TicketID]bool{}, s.env.Now()
	var after storage.Due
	for s.o.Files && ctx.Err() == nil {
		due, err := s.env.Store.DueAttachments(ctx, now, after, batch)
		if err != nil {
			if ctx.Err() == nil {
				s.env.Log.Error("the sweep can't read which files are due; tried again", "error", err)
			}
			return
		}
		for _, d := range due {
			if !woken[d.TicketID] {
				woken[d.TicketID] = true
				s.env.Tell(messages.KindTicket, d.TicketID, &messages.FilesDue{})
			}
		}
		if len(due) < batch {
			return
		}
		after = due[len(due)-1].Due
		pause(ctx)
	}
}

// wake wakes the entities of a kind that are due; false: they could not be read.
func (s *Loop) wake(kind string, due []storage.Due, err error) bool {
	if err != nil {
		if s.env.Ctx.Err() == nil {
			s.env.Log.Error("the sweep can't read what is due; tried again", "kind", kind, "error", err)
		}
		return false
	}
	for _, d := range due {
		s.env.Tell(kind, d.ID, &messages.Wake{})
	}
	if len(due) > 0 {
		s.woken.WithLabelValues(kind).Add(float64(len(due)))
	}
	return true
}

func pause(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(batchPause):
	}
}
