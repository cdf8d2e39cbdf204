package attachment

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/topicdesk/topicdesk/actors/internal/entity"
)

// Supervision restarts a download that panicked, after 1 s, 2 s, 4 s …, and stops it at the sixth panic. Ten quiet
// minutes reset the count. The attachment's record counts the tries too, so a file that always meets a bug is given up.
func Supervision(e *entity.Env) actor.SupervisorStrategy {
	return entity.Backoff(e, "a download", time.Second, 10*time.Minute, 5)
}
