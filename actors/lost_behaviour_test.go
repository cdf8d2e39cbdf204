package actors_test

import (
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/messages"
)

// TestWhatALinkIsToldIsNotLost: what a ticket tells its link on another node is lost on the way, as when that node dies. The
// copy arrives all the same, though nothing more is said and no sweep comes; so it does when the ticket is not told that.
func TestWhatALinkIsToldIsNotLost(t *testing.T) {
	t.Parallel()
	a := newTwins(t)
	d, first, second := twinDesk(t, options{speed: 20, twins: a, sweepEvery: time.Hour})
	k := d.open(d.ann, d.support, "Printer")
	eng := d.mention(d.ann, k, "@bob_eng", d.engineering)
	record, err := d.store.Ticket(t.Context(), k.id)
	d.must(err)
	apart := func(shard int) *process {
		if shard == entity.ShardNumber(messages.KindLink, record.Links[0].LinkID) {
			return second
		}
		return first
	}
	a.believes(second, apart)
	a.believes(first, apart)
	d.say(d.ann, d.support, k.thread, "one")
	d.awaitText(d.engineering, eng, "one")
	d.quiet(k)
	for _, lost := range []struct {
		what    proto.Message
		message string
	}{{&messages.Copy{}, "two"}, {&messages.LinkProgress{}, "three"}} {
		left := 1
		a.lose(func(m any) bool {
			mail, is := m.(*messages.Mail)
			is = is && left > 0 && mail.Type == string(proto.MessageName(lost.what))
			if is {
				left--
			}
			return is
		})
		d.say(d.ann, d.support, k.thread, lost.message)
		d.awaitText(d.engineering, eng, lost.message)
		d.eventually("the ticket rests", func() bool {
			record, err := d.store.Ticket(t.Context(), k.id)
			d.must(err)
			return resting(record)
		})
		if a.lose(nil); left > 0 {
			t.Errorf("no %s was sent between the nodes", proto.MessageName(lost.what))
		}
	}
}

// TestWhatAnOlderActivationHasRecordedIsFound: an older activation of a ticket records a message when a newer one on another node
// has read already, and ends. The newer one finds it, though nothing more is said and no sweep comes.
func TestWhatAnOlderActivationHasRecordedIsFound(t *testing.T) {
	t.Parallel()
	a := newTwins(t)
	d, first, second := twinDesk(t, options{speed: 20, twins: a, sweepEvery: time.Hour})
	k := d.open(d.ann, d.support, "Printer")
	eng := d.mention(d.ann, k, "@bob_eng", d.engineering)
	d.mu.Lock()
	d.joined = nil // updates go to the first node alone
	d.mu.Unlock()
	a.believes(first, nil)
	a.believes(second, nil)
	d.say(d.ann, d.support, k.thread, "one")
	d.awaitText(d.engineering, eng, "one")
	title := "Scanner"
	reply, err := second.system.Ask(t.Context(), messages.KindTicket, k.id, &messages.UpdateTicket{Origin: program(), Title: &title})
	if r, is := reply.(*messages.Reply); err != nil || !is || r.Code != messages.Code_OK && r.Code != messages.Code_DUPLICATE {
		t.Fatalf("%v, %v", reply, err)
	}
	d.say(d.ann, d.support, k.thread, "two")
	d.await("it is recorded", func() bool { return d.sim.Pending() == 0 })
	a.believes(first, func(int) *process { return second })
	d.awaitText(d.engineering, eng, "two")
	d.quiet(k)
}
