package sqlite

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/storage"
)

// TestPlaceEvents: the events of schema 3 get their places in the log, with what they told.
func TestPlaceEvents(t *testing.T) {
	path, c := atSchema(t, 3)
	old := oldEvents()
	if err := c.run("BEGIN"); err != nil {
		t.Fatal(err)
	}
	insert := c.extra(`INSERT INTO events (ticket_id, number, event_id, doc) VALUES (?, ?, ?, ?)`)
	for _, i := range shuffled(len(old)) {
		doc := fmt.Sprintf(`{"eventId":%q,"ticketId":%q,"number":%d,"type":"message.sent","sequence":7,`+
			`"at":"2026-03-01T09:00:00.123Z","data":{"text":"<&>"}}`, old[i].EventID, old[i].TicketID, old[i].Number)
		if _, err := c.exec(insert, old[i].TicketID, old[i].Number, old[i].EventID, doc); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(c.run("COMMIT"), c.close()); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time nothing is left to do
		s, err := Open(t.Context(), path, WithoutSync())
		if err != nil {
			t.Fatal(err)
		}
		checkPlaced(t, s, old)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// oldEvents returns events of many tickets, in the order (ticket, number). Two of them have the same cause.
func oldEvents() (all []storage.Event) {
	for ticket := range 600 {
		for number := range 4 {
			e := storage.Event{TicketID: fmt.Sprintf("TICK-%03d", ticket), Number: int64(number + 1)}
			e.EventID = fmt.Sprintf("message.sent/-1001:%d", len(all))
			if number == 3 && ticket < 2 {
				e.EventID = "topic.linked/both"
			}
			all = append(all, e)
		}
	}
	return all
}

func shuffled(n int) (order []int) {
	for i := range n {
		order = append(order, i*7919%n) // a prime: each comes once
	}
	return order
}

func checkPlaced(t *testing.T, s *Store, old []storage.Event) {
	t.Helper()
	var want [storage.Partitions][]string // causes, in order
	for _, e := range old {
		p := storage.PartitionOf(e.TicketID)
		want[p] = append(want[p], ids.EventID(e.EventID))
	}
	second := slices.IndexFunc(old, func(e storage.Event) bool { return e.TicketID == "TICK-001" && e.Number == 4 })
	p := storage.PartitionOf("TICK-001")
	want[p][slices.Index(want[p], ids.EventID("topic.linked/both"))] = ids.EventID("TICK-001/4/" + old[second].EventID)
	bounds, err := s.LogBounds(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for p, expected := range want {
		log, err := s.LogAfter(t.Context(), p, 0, len(old))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for i, e := range log {
			got = append(got, e.EventID)
			if e.Position != int64(i+1) || e.Partition != p || string(e.Data) != `{"text":"<&>"}` || e.Sequence != 7 {
				t.Fatalf("partition %d, event %d: %+v", p, i, e)
			}
		}
		if !slices.Equal(got, expected) {
			t.Fatalf("partition %d has %v, want %v", p, got, expected)
		}
		if n := int64(len(expected)); bounds[p].Last != n || n > 0 && bounds[p].First != 1 {
			t.Errorf("partition %d has %+v, want %d events", p, bounds[p], n)
		}
	}
	page, err := s.EventsAfter(t.Context(), "TICK-300", 0, 9)
	if err != nil || len(page) != 4 || page[3].Number != 4 {
		t.Errorf("a ticket's events: %+v, %v", page, err)
	}
}
