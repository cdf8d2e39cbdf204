package query

import (
	"testing"

	"github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
)

// TestSlowReads: what may take seconds is asked once, or a cluster would have it made again while it is made.
func TestSlowReads(t *testing.T) {
	for _, c := range []struct {
		m    proto.Message
		slow bool
	}{
		{&messages.GetTimesReport{}, true}, {&messages.GetActivityReport{}, true}, {&messages.ListWebTickets{Text: "toner"}, true},
		{&messages.ListWebTickets{WaitingFor: "desk"}, false}, {&messages.ListWebTickets{ClosedFromMs: 1}, true},
		{&messages.ListWebTickets{Statuses: []string{"open"}}, false}, {&messages.ListWebTimeline{}, false},
	} {
		r := &Readers{pids: make([]*actor.PID, lookUpReaders+listReaders+searchReaders+logReaders+reportReaders)}
		for i := range searchReaders {
			r.pids[lookUpReaders+listReaders+i] = actor.NewPID("", "search")
		}
		if _, list := c.m.(*messages.ListWebTickets); list && (r.Pick(c.m).GetId() == "search") != c.slow {
			t.Errorf("%v is read by another reader", c.m)
		}
		if got := r.Slow(c.m); got != c.slow {
			t.Errorf("%T %v: %t", c.m, c.m, got)
		}
	}
}
