package attachment

import (
	"fmt"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/topicdesk/topicdesk/actors/internal/entity"
)

// Supervision restarts a download that panicked, after 1 s, 2 s, 4 s …, and stops it at the sixth panic. Ten quiet
// minutes reset the count. The attachment's record counts the tries too, so a file that always meets a bug is given up.
func Supervision(e *entity.Env) actor.SupervisorStrategy {
	onPanic := func(child *actor.PID, reason any) {
		e.Metrics.Panics.Inc()
		e.Log.Error("panic in a download; it begins again from storage",
			"child", child.Id, "panic", fmt.Sprint(reason))
	}
	return &backoff{
		first: time.Second, window: 10 * time.Minute, limit: 5, afterFunc: e.AfterFunc, onPanic: onPanic,
	}
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
