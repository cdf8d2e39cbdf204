package sweep

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

const (
	// batch is how many due records are read together.
	batch = 50
	// wokenTogether is how many entities are woken before a pause of wakePause: 1,000/s at most, so that a large backlog does not starve
	// what people do now, and few together, since whoever writes meanwhile waits until they are loaded.
	wokenTogether = 10
	wakePause     = 10 * time.Millisecond
	// laterPause is the pause after each entity that is woken once the start is over, timerPause that after a ticket: 20 a second, as
	// many as ring then. Each writes and may have something to say, nobody waits for it, and 10,000 may be due in one minute.
	laterPause = 20 * time.Millisecond
	timerPause = 50 * time.Millisecond
	// markedWithin is how far ahead tickets are due that have something pending; the clock of another node may be ahead by a minute.
	// What is due later is a timer: to wake all that wait for one would keep a start busy for minutes.
	markedWithin = desk.PendingFor + time.Minute
	// dueAtMost is how many users, groups and chats are woken in one sweep.
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

	moved   chan struct{}
	settled time.Time                        // what has come here before is awake
	gained  func(kind, identity string) bool // whether an entity is to be woken in this sweep
	told    int                              // entities since the last pause
	rate    rate                             // at which entities are woken
	cleaned time.Time                        // when old samples were deleted last
	tickets tickets

	ticks  *time.Ticker
	settle *time.Timer

	mu   sync.Mutex
	kept map[[2]string]struct{} // entities that are always awake, by kind and identity
}

// rate is how many entities are woken before a pause.
type rate struct {
	together int
	pause    time.Duration
}

var atStart, later, timers = rate{wokenTogether, wakePause}, rate{1, laterPause}, rate{1, timerPause}

// Options say what a sweep looks after.
type Options struct {
	Files      bool                  // this node keeps attachments
	Every      time.Duration         // how often the sweep runs; a minute when 0
	KeepEvents time.Duration         // how long events stay in the log; 0: forever
	Metrics    prometheus.Registerer // nil: not registered
	// KeepSamples says how long samples of so many minutes are kept.
	KeepSamples map[int]time.Duration
}

// New makes the sweep of a node.
func New(env *entity.Env, node *entity.Node, o Options) *Loop {
	if o.Every == 0 {
		o.Every = time.Minute
	}
	woken := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "topicdesk", Name: "sweep_woken_total",
		Help: "Entities woken because they had something pending, by kind."}, []string{"kind"})
	for _, kind := range []string{messages.KindTicket, messages.KindUser, messages.KindGroup, messages.KindChat} {
		woken.WithLabelValues(kind)
	}
	if o.Metrics != nil {
		o.Metrics.MustRegister(woken)
	}
	return &Loop{env: env, node: node, o: o, woken: woken, moved: make(chan struct{}, 1), kept: map[[2]string]struct{}{},
		gained: node.Owns, rate: atStart,
		tickets: tickets{resting: map[ids.TicketID]rest{}}}
}

// Moved has the sweep wake what is pending in the shards that this node of a cluster has gained.
func (s *Loop) Moved() {
	select {
	case s.moved <- struct{}{}:
	default:
	}
}

// Keep has an entity woken whenever its shard has come to this node.
func (s *Loop) Keep(kind, identity string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept[[2]string{kind, identity}] = struct{}{}
}

// whole is later than any due time: it selects whatever is pending, due or not.
const whole = 100 * 365 * 24 * time.Hour

// Run sweeps until the node stops.
func (s *Loop) Run() {
	s.settle, s.ticks = time.NewTimer(time.Hour), time.NewTicker(min(shardTick, s.node.Idle()))
	s.settle.Stop()
	defer s.settle.Stop()
	defer s.ticks.Stop()
	s.sweepOnce(s.env.Ctx, s.env.Now().Add(whole), s.sweepTickets)
	s.rate = later
	sweeps := time.NewTicker(s.o.Every)
	defer sweeps.Stop()
	for s.wait(sweeps.C) {
		s.sweepOnce(s.env.Ctx, s.env.Now(), s.sweepDueTickets)
	}
}

// wait does what can't wait for the end of a sweep, which takes long when much is pending: above all, it wakes what came with
// the shards of another node. false: the node stops.
func (s *Loop) wait(until <-chan time.Time) bool {
	for {
		select {
		case <-s.env.Ctx.Done():
			return false
		case <-until:
			return true
		case <-s.ticks.C:
			s.node.Tick()
			s.wakeKept()
		case <-s.moved:
			s.wakeGained()
			s.settle.Reset(entity.SettleAfter)
		case <-s.settle.C:
			before := time.Now().Add(-entity.SettleAfter)
			s.wakeGained()
			s.settled = before
		}
	}
}

// wakeGained wakes what is pending in the shards that have come to this node and have not settled yet. It may interrupt
// another sweep, which goes on afterwards.
func (s *Loop) wakeGained() {
	interrupted, since, slower := s.gained, s.settled, s.rate
	s.rate = atStart
	s.gained = func(kind, identity string) bool { return s.node.Gained(kind, identity, since) }
	s.wakeKept()
	s.wakePending(s.env.Ctx, s.env.Now().Add(whole), s.sweepTickets)
	s.gained, s.rate = interrupted, slower
}

// sweepOnce wakes what is due by then, tickets with a function. What can't be read is tried again by the next sweep.
func (s *Loop) sweepOnce(ctx context.Context, by time.Time, tickets func(context.Context, time.Time)) {
	s.wakeKept()
	s.wakePending(ctx, by, tickets)
	if s.node.Owns(chores, "") {
		s.deleteKeptAnswers(ctx)
		s.deleteEvents(ctx)
		s.deleteSamples(ctx)
	}
}

// chores is what stands for the kind of an entity where one node of a cluster works for all.
const chores = "sweep"

// wakeKept wakes the entities of Keep.
func (s *Loop) wakeKept() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k := range s.kept {
		if s.gained(k[0], k[1]) {
			s.env.Tell(k[0], k[1], &messages.Wake{})
		}
	}
}

// wakePending wakes what is due by then, of the shards of this node.
func (s *Loop) wakePending(ctx context.Context, by time.Time, tickets func(context.Context, time.Time)) {
	tickets(ctx, by)
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
			if s.gained(messages.KindWebhook, page[i].WebhookID) {
				s.tell(messages.KindWebhook, page[i].WebhookID, &messages.Wake{})
			}
		}
		if len(page) < batch {
			return
		}
		after = page[len(page)-1].WebhookID
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
			if !woken[d.TicketID] && s.gained(messages.KindTicket, d.TicketID) {
				woken[d.TicketID] = true
				s.tell(messages.KindTicket, d.TicketID, &messages.FilesDue{})
			}
		}
		if len(due) < batch {
			return
		}
		after = due[len(due)-1].Due
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
		if s.gained(kind, d.ID) {
			s.woken.WithLabelValues(kind).Inc()
			s.tell(kind, d.ID, &messages.Wake{})
		}
	}
	return true
}

// tell sends an entity a message, and pauses after so many.
func (s *Loop) tell(kind, identity string, m proto.Message) {
	s.env.Tell(kind, identity, m)
	if s.told++; s.told < s.rate.together {
		return
	}
	s.told = 0
	timer := time.NewTimer(s.rate.pause)
	defer timer.Stop()
	s.wait(timer.C)
}
