package actors_test

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, append(clusterLeaks(),
		// Proto.Actor counts dead letters for a second, in a goroutine that ends by itself, but later than goleak
		// waits.
		goleak.IgnoreAnyFunction("github.com/asynkron/protoactor-go/actor.NewDeadLetter.NewThrottle.func4.1"))...)
}
