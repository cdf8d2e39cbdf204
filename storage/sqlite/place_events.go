package sqlite

import (
	"fmt"

	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/storage"
)

// placeEvents copies the events of events_before, the table of schema 1, into the log: in the order (ticket, number),
// with the positions 1, 2, 3 … of their partitions, and with ids of today's form. Two tickets could have an event with
// the same cause; the later one gets an id that has its ticket and number too.
func placeEvents(c *conn) error {
	// Statements of this step alone, since the tables that later steps leave may not suit them.
	next := c.extra(`SELECT ticket_id, number, doc FROM events_before WHERE (ticket_id, number) > (?, ?)
		ORDER BY ticket_id, number LIMIT 1000`)
	insert := c.extra(`INSERT INTO events (place, event_id, ticket_id, number, at, doc)
		VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (event_id) DO NOTHING`)
	var last [storage.Partitions]int64
	ticket, number := "", int64(0)
	for {
		var page []storage.Event
		err := c.query(next, func(r row) error {
			ticket, number = r.text(0), r.int(1)
			page = append(page, storage.Event{})
			return decode(r.text(2), &page[len(page)-1])
		}, ticket, number)
		if err != nil {
			return err
		}
		for i := range page {
			e := &page[i]
			e.Partition = storage.PartitionOf(e.TicketID)
			e.Position = last[e.Partition] + 1
			last[e.Partition]++
			if err := placeEvent(c, insert, e); err != nil {
				return err
			}
		}
		if len(page) == 0 {
			return c.run("DROP TABLE events_before")
		}
	}
}

func placeEvent(c *conn, insert *statement, e *storage.Event) error {
	cause := e.EventID
	for _, id := range []string{ids.EventID(cause), ids.EventID(fmt.Sprintf("%s/%d/%s", e.TicketID, e.Number, cause))} {
		e.EventID = id
		doc, err := encode(e)
		if err != nil {
			return err
		}
		n, err := c.exec(insert, place(e.Partition, e.Position), id, e.TicketID, e.Number, millis(e.At), doc)
		if err != nil || n == 1 {
			return err
		}
	}
	return fmt.Errorf("event %d of %s has the id of two others: %s", e.Number, e.TicketID, cause)
}
