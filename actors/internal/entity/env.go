package entity

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/tracing"
)

// Env is what the entities of a node share: storage, the clock, the log, and the way to other entities.
type Env struct {
	Store storage.Store
	Log   *slog.Logger
	Now   func() time.Time
	// AfterFunc is time.AfterFunc, or a test's own that keeps pace with Now.
	AfterFunc func(d time.Duration, f func()) *time.Timer
	// Elapsed is how much time has passed since Now was a time. What somebody moved the clock over does not count.
	Elapsed func(since time.Time) time.Duration
	Owner   string // names this process in leases
	Metrics *Metrics
	Tracer  *tracing.Tracer // nil: nothing is traced

	// IntakeCtx ends first: from then on no more updates are accepted. Ctx ends when the entities have handled what was
	// accepted before.
	IntakeCtx, Ctx     context.Context
	stopIntake, cancel context.CancelFunc
	draining           atomic.Bool
	unknown            unknowns
	node               *Node
}

// EnvOptions are what an Env is made of. Store is required; the zero values of the other fields are useful.
type EnvOptions struct {
	Store     storage.Store
	Log       *slog.Logger                                // nil: nothing is logged
	Now       func() time.Time                            // nil: time.Now
	AfterFunc func(d time.Duration, f func()) *time.Timer // nil: time.AfterFunc
	Elapsed   func(since time.Time) time.Duration         // nil: what Now says
	Owner     string                                      // "": made of the time
	Metrics   prometheus.Registerer                       // nil: not registered
	Tracer    *tracing.Tracer                             // nil: nothing is traced
}

// NewEnv makes the environment of a node. It can tell nothing to entities before Start.
func NewEnv(o EnvOptions) (*Env, error) {
	if o.Store == nil {
		return nil, errors.New("actors: a store is needed")
	}
	e := &Env{
		Store: o.Store, Log: o.Log, Now: o.Now, AfterFunc: o.AfterFunc, Elapsed: o.Elapsed, Owner: o.Owner,
		Metrics: newMetrics(o.Metrics), Tracer: o.Tracer,
	}
	if e.Log == nil {
		e.Log = slog.New(slog.DiscardHandler)
	}
	if e.Now == nil {
		e.Now = time.Now
	}
	if e.AfterFunc == nil {
		e.AfterFunc = time.AfterFunc
	}
	if e.Elapsed == nil {
		e.Elapsed = func(since time.Time) time.Duration { return e.Now().Sub(since) }
	}
	if e.Owner == "" {
		e.Owner = fmt.Sprintf("node-%d", e.Now().UnixNano())
	}
	e.Ctx, e.cancel = context.WithCancel(context.Background())
	e.IntakeCtx, e.stopIntake = context.WithCancel(e.Ctx)
	return e, nil
}

// Tell sends a message to an entity and waits for nothing. The message may be lost when the node stops, so send only
// what storage says too.
func (e *Env) Tell(kind, identity string, m proto.Message) { e.node.tell(kind, identity, m, nil) }

// Announce tells all other nodes of a cluster, and waits for nothing. The message may be lost.
func (e *Env) Announce(m proto.Message) { e.node.Announce(m) }

// Draining says whether the node is stopping, or does not know whether it is a member of its cluster still: then no
// further Bot API call or download begins.
func (e *Env) Draining() bool { return e.draining.Load() || e.InDoubt() }

// InDoubt says whether the node does not know whether it is a member of its cluster still. That passes, or ends the process.
func (e *Env) InDoubt() bool { return e.Clustered() && !e.node.placement.Sure() }

// Clustered says whether this node is one of several, so that entities may have other activations.
func (e *Env) Clustered() bool { return e.node != nil && e.node.Clustered() }

// StopIntake ends IntakeCtx.
func (e *Env) StopIntake() { e.stopIntake() }

// Drain makes Draining true.
func (e *Env) Drain() { e.draining.Store(true) }

// Cancel ends Ctx.
func (e *Env) Cancel() { e.cancel() }
