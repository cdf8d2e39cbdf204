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
)

// Env is what the entities of a node share: storage, the clock, the log, and the way to other entities.
type Env struct {
	Store storage.Store
	Log   *slog.Logger
	Now   func() time.Time
	// AfterFunc is time.AfterFunc, or a test's own that keeps pace with Now.
	AfterFunc func(d time.Duration, f func()) *time.Timer
	Owner     string // names this process in leases
	Metrics   *Metrics

	// IntakeCtx ends first: from then on nothing more is taken in. Ctx ends when the entities have settled what came in before.
	IntakeCtx, Ctx     context.Context
	stopIntake, cancel context.CancelFunc
	draining           atomic.Bool
	node               *Node
}

// EnvOptions are what an Env is made of. Store is required; the zero value of each other field has a sensible meaning.
type EnvOptions struct {
	Store     storage.Store
	Log       *slog.Logger                                // nil: nothing is logged
	Now       func() time.Time                            // nil: time.Now
	AfterFunc func(d time.Duration, f func()) *time.Timer // nil: time.AfterFunc
	Owner     string                                      // "": made of the time
	Metrics   prometheus.Registerer                       // nil: not registered
}

// NewEnv makes the environment of a node, which Start completes.
func NewEnv(o EnvOptions) (*Env, error) {
	if o.Store == nil {
		return nil, errors.New("actors: a store is needed")
	}
	e := &Env{Store: o.Store, Log: o.Log, Now: o.Now, AfterFunc: o.AfterFunc, Owner: o.Owner, Metrics: newMetrics(o.Metrics)}
	if e.Log == nil {
		e.Log = slog.New(slog.DiscardHandler)
	}
	if e.Now == nil {
		e.Now = time.Now
	}
	if e.AfterFunc == nil {
		e.AfterFunc = time.AfterFunc
	}
	if e.Owner == "" {
		e.Owner = fmt.Sprintf("node-%d", e.Now().UnixNano())
	}
	e.Ctx, e.cancel = context.WithCancel(context.Background())
	e.IntakeCtx, e.stopIntake = context.WithCancel(e.Ctx)
	return e, nil
}

// Tell sends a message to an entity without waiting for anything. It may be lost when the node stops, so it only ever says what
// storage says too.
func (e *Env) Tell(kind, identity string, m proto.Message) { e.node.Tell(kind, identity, m) }

// Draining says that the node is stopping: no further Bot API call or download begins.
func (e *Env) Draining() bool { return e.draining.Load() }

// StopIntake ends IntakeCtx.
func (e *Env) StopIntake() { e.stopIntake() }

// Drain makes Draining true.
func (e *Env) Drain() { e.draining.Store(true) }

// Cancel ends Ctx.
func (e *Env) Cancel() { e.cancel() }
