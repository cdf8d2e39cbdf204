package cluster

import (
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"
)

// Asleep has the wall clock of a node that has not joined yet go ahead of the steady one by what is in it, in nanoseconds, as
// it does while the machine sleeps.
func (c *Cluster) Asleep() *atomic.Int64 {
	asleep := new(atomic.Int64)
	c.now = func() instant {
		i := now()
		i.wall = i.wall.Add(time.Duration(asleep.Load()))
		return i
	}
	return asleep
}

// System is the actor system of a node that has joined.
func (c *Cluster) System() *actor.ActorSystem { return c.system }
