package entity

import (
	"fmt"
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

// Backoff supervises children: it restarts one that panicked after first, twice first, and so on, and stops it at the
// panic after the given number of restarts. A quiet window resets the count. what names the children in the log.
func Backoff(e *Env, what string, first, window time.Duration, restarts int) actor.SupervisorStrategy {
	onPanic := func(child *actor.PID, reason any) {
		e.Metrics.Panics.Inc()
		e.Log.Error("panic in "+what+"; it begins again", "child", child.Id, "panic", fmt.Sprint(reason))
	}
	return &backoff{first: first, window: window, limit: restarts, afterFunc: e.AfterFunc, onPanic: onPanic}
}

// backoff is a supervision strategy with exponential pauses. The library's own strategy of that name waits multiples of
// the first pause, without end (docs/decisions.md, D26).
type backoff struct {
	first     time.Duration // pause before the first restart; doubled before each further one
	window    time.Duration // a quiet time this long resets the count
	limit     int           // restarts
	afterFunc func(time.Duration, func()) *time.Timer
	onPanic   func(child *actor.PID, reason any)
}

// forgetEnded frees the memory of a child that has ended. Its parent, which handles the Terminated, would keep the PID in the
// unused end of a list until another child takes the place there, and a PID that was used keeps its process, with the actor.
func forgetEnded(parent actor.Context) {
	children := parent.Children()
	if n := len(children); n < cap(children) {
		children[:n+1][n] = nil
	}
}

// HandleFailure implements actor.SupervisorStrategy.
func (b *backoff) HandleFailure(
	_ *actor.ActorSystem, supervisor actor.Supervisor, child *actor.PID, rs *actor.RestartStatistics, reason, _ any,
) {
	b.onPanic(child, reason)
	if rs.NumberOfFailures(b.window) == 0 {
		rs.Reset()
	}
	rs.Fail()
	if rs.FailureCount() > b.limit {
		supervisor.StopChildren(child)
		return
	}
	b.afterFunc(b.first<<(rs.FailureCount()-1), func() { supervisor.RestartChildren(child) })
}
