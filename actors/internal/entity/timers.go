package entity

import (
	"slices"
	"time"
)

// An entity's timers send messages to the entity itself, so that what they cause happens in a turn.

// fired is the message of a timer. It counts only while the host knows the timer.
type fired struct {
	timer   int64
	message any
}

// After sends m to the entity itself after d, unless it is stopped before. Timers that were set before a load never fire.
// Call stop within the entity's turns.
func (h *Host) After(d time.Duration, m any) (stop func()) {
	h.timer++
	f := fired{h.timer, m}
	set := timer{f.timer, h.AfterFunc(d, func() { h.Note(f) })}
	h.timers = append(h.timers, set)
	return func() {
		set.Stop()
		h.dropTimer(f.timer) // also if its message waits in the mailbox
	}
}

// timer is one that is set. An entity has few at a time, and there are thousands of entities: a list takes less than a map.
type timer struct {
	number int64
	*time.Timer
}

// dropTimer forgets a timer. It reports whether the host knew it.
func (h *Host) dropTimer(number int64) bool {
	i := slices.IndexFunc(h.timers, func(t timer) bool { return t.number == number })
	if i < 0 {
		return false
	}
	h.timers = slices.Delete(h.timers, i, i+1)
	return true
}

// EnqueueAgain tells an owner to enqueue its pending operations again; EnqueueAgainLater sends it.
type EnqueueAgain struct{}

// EnqueueAgainAfter is how long an owner waits for Done before it enqueues an operation again.
const EnqueueAgainAfter = 30 * time.Second

// EnqueueAgainLater sends EnqueueAgain to the entity after EnqueueAgainAfter. Further calls until then set no second timer.
func (h *Host) EnqueueAgainLater() {
	if !h.enqueueAgain {
		h.enqueueAgain = true
		h.After(EnqueueAgainAfter, EnqueueAgain{})
	}
}

// onFired handles the message of a timer that still counts.
func (h *Host) onFired(f fired) {
	if !h.dropTimer(f.timer) {
		return
	}
	if _, again := f.message.(EnqueueAgain); again {
		h.enqueueAgain = false
	}
	h.turn(h.actor, f.message)
}

func (h *Host) stopTimers() {
	for _, t := range h.timers {
		t.Stop()
	}
	h.timers, h.enqueueAgain = nil, false
}
