package entity

import (
	"sync"
	"time"
)

// warnEvery is how often a node warns of one type of message to one kind that does not take it. Every message of the
// type is counted.
const warnEvery = time.Minute

// unknowns remembers when the node last warned of messages that their kind does not take.
type unknowns struct {
	mu     sync.Mutex
	warned map[unknownMessage]time.Time
}

type unknownMessage struct{ kind, message string }

// mayWarn says whether a warning is due, and notes that it is given. It is not if the last one was a moment ago.
func (u *unknowns) mayWarn(kind string, m any, now time.Time) bool {
	key := unknownMessage{kind, TypeName(m)}
	u.mu.Lock()
	defer u.mu.Unlock()
	if last, warned := u.warned[key]; warned && now.Sub(last) < warnEvery {
		return false
	}
	if u.warned == nil {
		u.warned = map[unknownMessage]time.Time{}
	}
	u.warned[key] = now
	return true
}
