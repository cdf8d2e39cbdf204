package monitor

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/collect"
	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
)

// Desk is the identity of the one monitor.
const Desk = "desk"

const (
	// reportEvery is how far apart the reports of a node are, and the looks of the monitor.
	reportEvery = 5 * time.Second
	reportTry   = 4 * time.Second
	// kindsInReport is how many kinds of errors travel in one message: with their facts they have less than 3 MiB.
	kindsInReport = 200
	// pingWithin is how long storage may take for nothing at all; one that takes pingSlow is slow.
	pingWithin = 3 * time.Second
	pingSlow   = 500 * time.Millisecond
	// lagAtLeast is how late messages are when that is a problem; lagsInReport is how many groups a node tells of.
	lagAtLeast   = time.Minute
	lagsInReport = 100
)

// Options switch the monitor on.
type Options struct {
	// Errors gathers what is logged; nil: errors are not told.
	Errors *collect.Collector
	// AlertsChat is the Telegram id of the group in which problems are posted, and AlertsTopic the topic there; 0: none.
	AlertsChat  ids.ChatID
	AlertsTopic ids.ThreadID
	// Look says what is wrong on this node that the actors can't see, such as a disk that is nearly full. It may be nil.
	Look func(ctx context.Context) []Condition
}

// Condition is something wrong that people can mend.
type Condition struct {
	Kind   string // messages.ProblemDiskLow …
	Name   string // of what it is about, for people
	Detail string
}

// Deps are what the room of a node works with.
type Deps struct {
	Options
	On      bool          // this node tells what it meets
	Aliases *desk.Aliases // of groups
	// Behind lists the groups whose oldest copy has waited for so long, and since when.
	Behind func(atLeast time.Duration) map[ids.Place]time.Time
}

// Room is what a node knows of the monitor: what it has not told it yet.
type Room struct {
	Deps
	env      *entity.Env
	boot     string
	sequence int64
	pending  []*messages.ReportErrors
}

// NewRoom makes the room of a node.
func NewRoom(env *entity.Env, d Deps) *Room {
	return &Room{Deps: d, env: env, boot: rand.Text()}
}

// Kind declares the kind monitor.
func (r *Room) Kind() *entity.Kind {
	return &entity.Kind{
		Name:   messages.KindMonitor,
		New:    func(h *entity.Host) entity.Entity { return &monitor{Host: h, room: r} },
		Stays:  true,
		Single: true,
		Messages: []entity.Handler{
			// nodes, and the log
			entity.Replies((*monitor).onReport), entity.Takes((*monitor).onAppended), entity.Replies((*monitor).onWake),
			// programs and people
			entity.Replies((*monitor).onListErrors), entity.Replies((*monitor).onGetError),
			entity.Replies((*monitor).onResolveError), entity.Replies((*monitor).onMuteError),
			entity.Replies((*monitor).onListProblems), entity.Replies((*monitor).onMuteProblem),
			// its timers
			entity.Takes((*monitor).onTick), entity.Takes((*monitor).onPublish),
		},
	}
}

// Ask asks an entity once.
type Ask func(ctx context.Context, kind, identity string, m proto.Message, timeout time.Duration) (any, error)

// Run tells the monitor what this node meets, until the node stops.
func (r *Room) Run(node func() string, ask Ask) {
	due := make(chan struct{}, 1)
	again := func() *time.Timer { return r.env.AfterFunc(reportEvery, func() { due <- struct{}{} }) }
	timer := again()
	defer func() { timer.Stop() }()
	for {
		select {
		case <-r.env.Ctx.Done():
			return
		case <-r.env.IntakeCtx.Done(): // the node stops: Finish tells the rest
			return
		case <-due:
			r.report(r.env.IntakeCtx, node(), ask)
			timer = again()
		}
	}
}

// Finish tells the rest, when the node stops and Run has ended.
func (r *Room) Finish(ctx context.Context, node string, ask Ask) {
	ctx, cancel := context.WithTimeout(ctx, min(time.Second, entity.TimeLeft(ctx)/4))
	defer cancel()
	r.report(ctx, node, ask)
}

// report tells the monitor what is new. What it does not hear is told again, under the same number.
func (r *Room) report(ctx context.Context, node string, ask Ask) {
	if len(r.pending) == 0 {
		r.pending = r.next(node)
	}
	conditions := r.conditions(ctx)
	for len(r.pending) > 0 {
		m := r.pending[0]
		if m.Part = len(r.pending) > 1; !m.Part {
			m.Conditions = conditions
		}
		reply, err := ask(ctx, messages.KindMonitor, Desk, m, reportTry)
		if answer, ok := reply.(*messages.Reply); err != nil || !ok || answer.Code != messages.Code_OK {
			r.env.Log.Debug("errors are told later: the monitor does not answer", "error", err)
			return
		}
		r.pending = r.pending[1:]
	}
}

// next makes the messages that tell what was gathered since the last time.
func (r *Room) next(node string) (all []*messages.ReportErrors) {
	var kinds []*collect.Kind
	var lost int64
	if r.Errors != nil {
		kinds, lost = r.Errors.Take()
	}
	var errs []*messages.ErrorReport
	for _, k := range kinds {
		errs = append(errs, reportOf(k))
	}
	if lost > 0 {
		errs = append(errs, lostReport(lost, r.env.Now()))
	}
	for first := true; first || len(errs) > 0; first = false {
		r.sequence++
		n := min(len(errs), kindsInReport)
		all = append(all, &messages.ReportErrors{Node: node, Boot: r.boot, Sequence: r.sequence, Errors: errs[:n]})
		errs = errs[n:]
	}
	return all
}

func reportOf(k *collect.Kind) *messages.ErrorReport {
	m := &messages.ErrorReport{
		Fingerprint: k.Fingerprint, Component: k.Component, Place: k.Place, Message: k.Message, Kind: k.Error, Level: "error",
		Count: k.Count, FirstMs: k.First.UnixMilli(), LastMs: k.Last.UnixMilli(), TicketIds: k.Tickets, GroupIds: k.Groups,
		WebhookIds: k.Webhooks, MoreWebhooks: k.MoreWebhooks,
	}
	if k.Warning {
		m.Level = "warning"
	}
	for _, f := range k.Facts {
		m.Facts = append(m.Facts, &messages.ErrorFact{Name: f.Name, Value: f.Value})
	}
	return m
}

// lostReport tells that there were more kinds of errors than a node keeps.
func lostReport(n int64, now time.Time) *messages.ErrorReport {
	return &messages.ErrorReport{Fingerprint: "toomanykinds0000", Component: "monitor", Place: "actors/internal/collect",
		Message: fmt.Sprintf("more than %d kinds of errors within %s: the others are only counted", collect.KindsAtMost, reportEvery),
		Level:   "error", Count: n, FirstMs: now.UnixMilli(), LastMs: now.UnixMilli()}
}

// conditions are what is wrong on this node now.
func (r *Room) conditions(ctx context.Context) (all []*messages.Condition) {
	began := time.Now()
	ping, cancel := context.WithTimeout(ctx, pingWithin)
	err := r.env.Store.Ping(ping)
	cancel()
	took := time.Since(began)
	switch {
	case ctx.Err() != nil:
	case err != nil && !errors.Is(err, context.Canceled):
		all = append(all, &messages.Condition{Kind: messages.ProblemStorageFailing, Detail: err.Error()})
	case took > pingSlow:
		all = append(all, &messages.Condition{Kind: messages.ProblemStorageSlow})
	}
	if r.Look != nil {
		for _, c := range r.Look(ctx) {
			all = append(all, &messages.Condition{Kind: c.Kind, Name: c.Name, Detail: c.Detail, Subject: c.Name})
		}
	}
	if r.Behind == nil {
		return all
	}
	for place, since := range r.Behind(lagAtLeast) {
		if messages.IsGroup(place) && len(all) < lagsInReport {
			all = append(all, &messages.Condition{Kind: messages.ProblemGroupLag, Subject: place, SinceMs: since.UnixMilli()})
		}
	}
	return all
}
