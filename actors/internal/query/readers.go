package query

import (
	"fmt"
	"reflect"
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/topicdesk/topicdesk/actors/internal/desk"
	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/actors/internal/eventlog"
	"github.com/topicdesk/topicdesk/actors/internal/pace"
	"github.com/topicdesk/topicdesk/messages"
)

// How many readers there are. Each has a mailbox of its own, so a reader's reads wait for each other. Kinds of read
// that take unlike long have readers of their own: what finds the topic of a message must not wait for somebody's
// list, nor a list for a search, which may read a thousand tickets, nor any of them for the feed of events, of which one
// read looks at up to 2,000 (docs/decisions.md, D40 and D119). A report may be made of 100,000 tickets: one is made at a time.
const (
	lookUpReaders = 16
	listReaders   = 2
	searchReaders = 2
	logReaders    = 4
	reportReaders = 1
)

// Readers is the pool.
type Readers struct {
	pids []*actor.PID  // for look-ups, then for lists, for searches, for the log of events, for reports
	next atomic.Uint64 // round robin
}

// Start starts the readers of a node. Whoever stops the node stops them too (PIDs).
func Start(env *entity.Env, node *entity.Node, aliases *desk.Aliases, log *eventlog.Log, p pace.Pace) (*Readers, error) {
	r := &Readers{}
	for i := range lookUpReaders + listReaders + searchReaders + logReaders + reportReaders {
		pid, err := node.Spawn(fmt.Sprintf("query-%d", i), func() actor.Actor { return &query{env: newReaderEnv(env), aliases: aliases, log: log, pace: p} })
		if err != nil {
			return nil, err
		}
		r.pids = append(r.pids, pid)
	}
	return r, nil
}

// PIDs lists the readers.
func (r *Readers) PIDs() []*actor.PID { return r.pids }

// Pick chooses the reader for a read.
func (r *Readers) Pick(m any) *actor.PID {
	n := r.next.Add(1)
	tickets, _ := m.(*messages.ListTicketRecords)
	_, ofLog := m.(*messages.ReadLog)
	switch {
	case isReport(m):
		return r.pids[lookUpReaders+listReaders+searchReaders+logReaders+n%reportReaders]
	case ofLog:
		return r.pids[lookUpReaders+listReaders+searchReaders+n%logReaders]
	case tickets.GetText() != "", looksThrough(m):
		return r.pids[lookUpReaders+listReaders+n%searchReaders]
	case reads[reflect.TypeOf(m)].long:
		return r.pids[lookUpReaders+n%listReaders]
	}
	return r.pids[n%lookUpReaders]
}

// Slow says whether a read may take seconds.
func (r *Readers) Slow(m any) bool { return isReport(m) || looksThrough(m) }

// looksThrough says whether a list of the inbox leaves out tickets that it has read: of a search, or of a view.
func looksThrough(m any) bool {
	list, _ := m.(*messages.ListWebTickets)
	return list.GetText() != "" || list.GetClosedFromMs() != 0
}

func isReport(m any) bool {
	_, times := m.(*messages.GetTimesReport)
	_, activity := m.(*messages.GetActivityReport)
	return times || activity
}
