package eventlog

import (
	"sync"
	"time"

	"github.com/topicdesk/topicdesk/storage"
)

const (
	// aheadEvents is how many events of a partition are read together for a page that takes a few of each.
	aheadEvents = 32
	// aheadBytes and aheadBytesOfAll are how many bytes of data are kept of a partition, and of all.
	aheadBytes, aheadBytesOfAll = 128 << 10, 16 << 20
	// aheadFor is how long what nobody asks for is kept.
	aheadFor = 10 * time.Second
)

// aheads keeps what somebody has read last of each partition, for others who are about there: a thousand endpoints may begin
// with the same backlog.
type aheads struct {
	mu        sync.Mutex
	events    map[int][]storage.Event // by partition
	bytes     int                     // of their data
	asked     bool                    // since the timer was set
	afterFunc func(time.Duration, func()) *time.Timer
}

// of is what is kept of a partition.
func (a *aheads) of(partition int) []storage.Event {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked = true
	return a.events[partition]
}

// keep keeps what was read of a partition.
func (a *aheads) keep(partition int, events []storage.Event) {
	bytes := bytesOf(events)
	if len(events) == 0 || len(events) > 4*aheadEvents || bytes > aheadBytes {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	before := bytesOf(a.events[partition])
	if a.bytes+bytes-before > aheadBytesOfAll { // whoever comes reads again
		clear(a.events)
		a.bytes, before = 0, 0
	}
	if a.events == nil {
		a.events = map[int][]storage.Event{}
		a.afterFunc(aheadFor, a.letGo)
	}
	a.events[partition] = events
	a.bytes += bytes - before
	a.asked = true
}

// letGo lets go of everything if nobody has asked lately, else looks again later.
func (a *aheads) letGo() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.asked {
		a.asked = false
		a.afterFunc(aheadFor, a.letGo)
		return
	}
	a.events, a.bytes = nil, 0
}

func bytesOf(events []storage.Event) (n int) {
	for i := range events {
		n += len(events[i].Data)
	}
	return n
}
