package entity

import (
	"sync"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"
)

// turnsInARow is how many messages a mailbox may handle before others get a turn; Proto.Actor's own default.
const turnsInARow = 300

// idleWorkers is how many goroutines wait for the next mailbox at most. Under load there is work for most of them all the time.
const idleWorkers = 64

// dispatcher gives mailboxes with work to goroutines that have served others before. Proto.Actor starts one for each time that a
// mailbox gets work; its stack is small, and grows by being copied several times during one turn (SQLite and JSON go deep): 5% of
// all CPU. Nobody waits for a worker: where none is idle a new one starts.
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
		run = nil // else who waits would keep an actor in memory
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

// close ends the goroutines that wait. What is scheduled later runs, each on a goroutine of its own.
func (d *dispatcher) close() { d.once.Do(func() { close(d.stop) }) }
