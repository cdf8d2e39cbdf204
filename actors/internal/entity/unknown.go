package entity

import (
	"sync"
	"time"

	"github.com/topicdesk/topicdesk/messages"
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

// RefuseUnknown counts a message that a kind does not take, an Ask for one to which it never replies, or a message to a
// kind that does not exist; warns of it, and returns the reply. Each of them is a bug.
func (e *Env) RefuseUnknown(kind, identity string, m any) *messages.Reply {
	e.Metrics.unknown.WithLabelValues(kind).Inc()
	if e.unknown.mayWarn(kind, m, e.Now()) {
		e.Log.Warn("refused: this kind of entity does not take such a message, or does not reply to it",
			"kind", kind, "id", identity, "message", TypeName(m))
	}
	return Answer(messages.Code_CONFLICT, "a "+kind+" does not understand "+TypeName(m))
}

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
