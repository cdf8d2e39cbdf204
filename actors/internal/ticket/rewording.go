package ticket

import (
	"time"

	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

const (
	answersAtOnce = 20  // messages that one turn goes through
	rewordedLimit = 100 // of one message: so many that do not show it yet, and it waits

	// rewordedWithin is how long it waits without any of them having followed. Then it goes on without those that it waits
	// for, and whoever deleted it hears where its words stay. They are asked on, and may follow later.
	rewordedWithin = 2 * time.Minute
)

// rewording is how far a ticket is with the messages that answer a changed one. It goes through them until it finds
// nothing to change any more.
type rewording struct {
	keys    []string // by which they may name the message: its own id, and where its copies are or were
	at      int      // in keys
	after   string   // id of the last message gone through
	walking bool
	noted   bool                        // the next turn is on its way
	whole   bool                        // all copies had followed when this walk began
	changed bool                        // this walk has found something to change
	settled bool                        // whatever can follow now has
	again   bool                        // something that was late has followed, so there may be more
	done    bool                        // all have followed
	since   time.Time                   // when something was last asked to follow, or did
	awaited map[ids.MessageKey]*awaited // messages that do not show it yet
	shown   map[ids.MessageKey]bool     // of other tickets, that show it
	stays   []string                    // where words stay that can't be changed: titles of groups, numbers of other tickets
}

// awaited is a message that does not show yet what another one says now.
type awaited struct {
	ticketID ids.TicketID
	answered ids.MessageKey // the other one
	revision int64          // its revision then: what was heard of an earlier one does not count
	late     bool           // nothing waits for it any more
}

// newRewording is what follows from a changed message for those that answer it; nil: nothing.
func newRewording(m *storage.Message) *rewording {
	if !m.Deleted && m.ContentRevision == 0 {
		return nil
	}
	return &rewording{awaited: map[ids.MessageKey]*awaited{}, shown: map[ids.MessageKey]bool{}}
}

// await notes that a message does not show yet what the other one says.
func (w *rewording) await(m, answered *storage.Message, now time.Time) {
	w.changed, w.since = true, now
	w.awaited[m.MessageID] = &awaited{ticketID: m.TicketID, answered: answered.MessageID, revision: answered.Revision}
}

// arrived notes that an awaited message shows it.
func (w *rewording) arrived(id ids.MessageKey, now time.Time) {
	a := w.awaited[id]
	delete(w.awaited, id)
	w.since, w.again = now, w.again || a.late && !w.lateIn(a.ticketID)
}

// heard takes what another ticket says of an awaited message; false: it says nothing new.
func (w *rewording) heard(m *messages.Reworded, now time.Time) bool {
	a := w.awaited[m.MessageId]
	if a == nil || a.answered != m.Answered || m.Revision < a.revision {
		return false
	}
	w.arrived(m.MessageId, now)
	w.shown[m.MessageId] = true
	return true
}

// waitsFor is how many messages must show it before anything goes on.
func (w *rewording) waitsFor() (n int) {
	for _, a := range w.awaited {
		if !a.late {
			n++
		}
	}
	return n
}

// isLate reports whether nothing waits for a message: it is late itself, or others of its ticket are, which is not asked
// for more then. That of the changed message itself is.
func (w *rewording) isLate(m *storage.Message, own ids.TicketID) bool {
	a := w.awaited[m.MessageID]
	return a != nil && a.late || a == nil && m.TicketID != own && w.lateIn(m.TicketID)
}

func (w *rewording) lateIn(ticketID ids.TicketID) bool {
	for _, a := range w.awaited {
		if a.late && a.ticketID == ticketID {
			return true
		}
	}
	return false
}

// giveUpWaiting goes on without the messages that it has waited for too long. Another walk finds where words stay.
func (w *rewording) giveUpWaiting(now time.Time) {
	if w.waitsFor() == 0 || now.Sub(w.since) < rewordedWithin {
		return
	}
	for _, a := range w.awaited {
		a.late = true
	}
	w.again = true
}
