package sweep

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// The sweep wakes entities that owe something: at start all of them, since nobody else is at work on them; later those whose
// time has come. It also ticks the shards, so that idle entities retire.

const (
	sweepBatch   = 50
	dueAtMost    = 10_000 // people, groups and chats: there are few, and each is woken at once
	sweepAnswers = 1000
	sweepPause   = 50 * time.Millisecond // between two batches, so that a large backlog does not starve what people do now
	shardTick    = 10 * time.Second
)

// sweep is the loop of one node.
type Loop struct {
	env   *entity.Env
	node  *entity.Node
	files bool // attachments are kept here
	every time.Duration
	woken *prometheus.CounterVec
}

// newSweep makes the sweep of a node; every is how often it looks, a minute when 0.
func New(env *entity.Env, node *entity.Node, files bool, every time.Duration, r prometheus.Registerer) *Loop {
	if every == 0 {
		every = time.Minute
	}
	s := &Loop{env: env, node: node, files: files, every: every, woken: prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "topicdesk", Name: "sweep_woken_total", Help: "Entities woken because they owed something, by kind."}, []string{"kind"})}
	if r != nil {
		r.MustRegister(s.woken)
	}
	return s
}

// Run sweeps until the node stops.
func (s *Loop) Run() {
	s.sweepOnce(s.env.Ctx, s.env.Now().Add(100*365*24*time.Hour))
	sweep, ticks := time.NewTicker(s.every), time.NewTicker(min(shardTick, s.node.Idle()))
	defer sweep.Stop()
	defer ticks.Stop()
	for {
		select {
		case <-s.env.Ctx.Done():
			return
		case <-ticks.C:
			s.node.Tick()
		case <-sweep.C:
			s.sweepOnce(s.env.Ctx, s.env.Now())
		}
	}
}

// sweepOnce wakes what is due by then.
func (s *Loop) sweepOnce(ctx context.Context, by time.Time) {
	var after storage.Due
	for ctx.Err() == nil {
		due, err := s.env.Store.DueTickets(ctx, by, after, sweepBatch)
		if !s.wake(messages.KindTicket, due, err) || len(due) < sweepBatch {
			break
		}
		after = due[len(due)-1]
		select {
		case <-ctx.Done():
		case <-time.After(sweepPause):
		}
	}
	for ctx.Err() == nil { // answers to requests of long ago
		n, err := s.env.Store.DeleteIdempotencies(ctx, s.env.Now(), sweepAnswers)
		if err != nil && ctx.Err() == nil {
			s.env.Log.Error("answers that have expired can't be deleted; tried again", "error", err)
		}
		if err != nil || n < sweepAnswers {
			break
		}
	}
	s.sweepFiles(ctx)
	due, err := s.env.Store.DueUsers(ctx, by, dueAtMost)
	s.wake(messages.KindUser, due, err)
	due, err = s.env.Store.DueGroups(ctx, by, dueAtMost)
	s.wake(messages.KindGroup, due, err)
	due, err = s.env.Store.DueChats(ctx, by, dueAtMost)
	s.wake(messages.KindChat, due, err)
}

// sweepFiles wakes the tickets with files that are due. A try that a crash ended is due; a pause between two tries is kept.
func (s *Loop) sweepFiles(ctx context.Context) {
	told, now := map[string]bool{}, s.env.Now()
	var after storage.Due
	for s.files && ctx.Err() == nil {
		due, err := s.env.Store.DueAttachments(ctx, now, after, sweepBatch)
		if err != nil {
			if ctx.Err() == nil {
				s.env.Log.Error("the sweep can't read which files are due; tried again", "error", err)
			}
			return
		}
		for _, d := range due {
			if !told[d.TicketID] {
				told[d.TicketID] = true
				s.env.Tell(messages.KindTicket, d.TicketID, &messages.FilesDue{})
			}
		}
		if len(due) < sweepBatch {
			return
		}
		after = due[len(due)-1].Due
		select {
		case <-ctx.Done():
		case <-time.After(sweepPause):
		}
	}
}

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
