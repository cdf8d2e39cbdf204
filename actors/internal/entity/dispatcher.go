package entity

import (
	"sync"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"
)

// turnsInARow is how many messages a mailbox may handle before it yields to others; Proto.Actor's own default.
const turnsInARow = 300

// idleWorkers is how many goroutines wait for a mailbox with work, at most. Under load most of them are always busy.
const idleWorkers = 64

// dispatcher lets goroutines that stay serve the mailboxes and what runs beside them (Host.Go). Proto.Actor's own dispatcher starts a goroutine each time a
// mailbox gets work. Its stack starts small, and growing it took 5% of all CPU, since each growth copies the stack and
// one turn goes deep in SQLite and JSON (docs/decisions.md, D56). No mailbox waits for a worker: if none is idle, a new
// one starts.
type dispatcher struct {
	work chan func()
	idle atomic.Int32
	stop chan struct{}
	once sync.Once
}

var _ actor.Dispatcher = (*dispatcher)(nil)

func newDispatcher() *dispatcher {
	return &dispatcher{work: make(chan func()), stop: make(chan struct{})}
}

// Schedule implements actor.Dispatcher.
func (d *dispatcher) Schedule(run func()) {
	select {
	case d.work <- run:
	default:
		go d.serve(run)
	}
}

// Throughput implements actor.Dispatcher.
func (d *dispatcher) Throughput() int { return turnsInARow }

func (d *dispatcher) serve(run func()) {
	for {
		run()
		run = nil // or an idle worker would keep an actor in memory
		if d.idle.Add(1) > idleWorkers {
			d.idle.Add(-1)
			return
		}
		select {
		case run = <-d.work:
			d.idle.Add(-1)
		case <-d.stop:
			return
		}
	}
}

// close ends the idle workers. What is scheduled later still runs, each time on a new goroutine.
func (d *dispatcher) close() { d.once.Do(func() { close(d.stop) }) }
