package actors_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/view"
)

// What happens on a ticket arrives signed, complete and in order, and each delivery is on record.
func TestWebhookHearsATicket(t *testing.T) {
	d := ready(t, options{})
	r := d.hears(&messages.WebhookSettings{}, nil)
	k := d.open(d.ann, d.support, "Printer")
	for i := range 5 {
		d.say(d.ann, d.support, k.thread, fmt.Sprint("word ", i))
	}
	d.awaitTold(k, messages.EventMessageSent, 5)
	all, _ := d.told(k)
	d.eventually("all events arrive", func() bool { return r.count() == len(all) })
	r.inOrder(map[string]int{k.id: len(all)})
	d.eventually("deliveries are on record", func() bool { return len(r.rows()) == len(all) })
	for _, row := range r.rows() {
		if row.State != storage.DeliverySent || len(row.Attempts) != 1 || row.Attempts[0].Status != 200 {
			t.Errorf("%+v", row)
		}
	}
}

// An event that fails holds back its ticket, and nobody else.
func TestWebhookKeepsOrder(t *testing.T) {
	for _, restarts := range []bool{false, true} {
		t.Run(fmt.Sprint("restarts ", restarts), func(t *testing.T) {
			d := newDesk(t, options{})
			r := d.hears(soon(), func(n int, e view.Envelope) int {
				if *e.TicketID == "TICK-1-0000000A" && *e.Number == 3 && n <= 4 {
					return 500
				}
				return 200
			})
			d.appends("TICK-1-0000000A", 0, 50)
			d.appends("TICK-1-0000000B", 0, 50)
			d.eventually("the other ticket arrives", func() bool { return slices.Contains(r.events(), "TICK-1-0000000B/50") })
			if restarts {
				d.restart()
			}
			d.appends("TICK-1-0000000A", 50, 50)
			d.eventually("all arrive", func() bool { return r.count() == 150 })
			r.inOrder(map[string]int{"TICK-1-0000000A": 100, "TICK-1-0000000B": 50})
			d.eventually("all are on record", func() bool { return len(r.rows()) == 150 })
			r.mu.Lock()
			defer r.mu.Unlock()
			for id, n := range r.taken {
				if n != 1 && !restarts {
					t.Errorf("%s arrived %d times", id, n)
				}
			}
		})
	}
}
