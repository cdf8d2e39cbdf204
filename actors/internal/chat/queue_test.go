package chat

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/topicdesk/topicdesk/messages"
)

// TestTicketsThatShareALine: each ticket keeps its own order, and what came first of different tickets leaves first.
func TestTicketsThatShareALine(t *testing.T) {
	t.Run("a busy ticket does not wait for a young one", func(t *testing.T) {
		line := &topicLine{}
		add := func(link string, order int64) {
			q := &queued{op: &messages.Operation{Order: order}, owner: opOwner{messages.KindLink, link}}
			line.waiting = slices.Insert(line.waiting, line.position(q), q)
		}
		add("old:1", 90_000)
		add("young:1", 1000)
		add("old:1", 91_000)
		add("old:2", 90_500) // late: it belongs before 91000
		var got []int64
		for _, q := range line.waiting {
			got = append(got, q.op.Order)
		}
		if want := []int64{90_000, 1000, 90_500, 91_000}; !slices.Equal(got, want) {
			t.Error(got)
		}
	})
	t.Run("in any order", rapid.MakeCheck(func(t *rapid.T) {
		line := &topicLine{}
		for range rapid.IntRange(0, 30).Draw(t, "operations") {
			q := &queued{op: &messages.Operation{Order: rapid.Int64Range(1, 9).Draw(t, "order")},
				owner: opOwner{messages.KindLink, rapid.SampledFrom([]string{"a:1", "a:2", "b:1", "c:api"}).Draw(t, "link")}}
			line.waiting = slices.Insert(line.waiting, line.position(q), q)
		}
		last := map[string]int64{}
		for _, q := range line.waiting {
			if q.op.Order < last[q.ticket()] {
				t.Fatalf("of %s, %d waits behind %d", q.ticket(), q.op.Order, last[q.ticket()])
			}
			last[q.ticket()] = q.op.Order
		}
	}))
}
