package storage

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"time"
)

// Partitions is how many partitions the log of events has. It never changes: an event must not change its place.
const Partitions = 256

// PartitionOf returns the partition, 0 to Partitions-1, that has the events of a ticket, or of whatever else an event is
// about. It is the number of the shard in which the ticket's entity runs.
func PartitionOf(subject string) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte("ticket/" + subject))
	return int(h.Sum32() % Partitions)
}

// MaxPosition is the highest position that a partition can have.
const MaxPosition = 1<<48 - 1

// Place returns a place in the log as one number: the partition × 2^48, and the position.
func Place(partition int, position int64) int64 { return int64(partition)<<48 | position }

// Event is a fact for subscribers. (Partition, Position) is its place in the log. While it waits in the record that
// caused it, it has no place and no number yet.
type Event struct {
	EventID   string    `json:"eventId"`            // unique; derived from the cause: the same cause has the same id
	TicketID  string    `json:"ticketId,omitempty"` // "": it is about no ticket
	Number    int64     `json:"number,omitempty"`   // 1, 2, 3 … within the ticket, without gaps; 0: no ticket
	Partition int       `json:"partition"`
	Position  int64     `json:"position"`           // 1, 2, 3 … within the partition, without gaps; 0: no place yet
	Type      string    `json:"type"`               // ticket.created, message.sent …
	Sequence  int64     `json:"sequence,omitempty"` // of the message that caused it
	At        time.Time `json:"at"`
	// GroupID is the internal id of the ticket's home group; for an event about an endpoint, of the endpoint's own group.
	GroupID  string `json:"groupId,omitempty"`
	Internal bool   `json:"internal,omitempty"` // it is about an internal note
	// NoteGroupID is the internal id of the group where that note was written; "": not known, or no note.
	NoteGroupID string          `json:"noteGroupId,omitempty"`
	Data        json.RawMessage `json:"data,omitempty"`
	// Traceparent names the span that caused it (W3C Trace Context); "": nothing that is traced.
	Traceparent string `json:"traceparent,omitempty"`
}

// LogBounds are the first and the last position that a partition has. Both are 0 when it has no event.
type LogBounds struct{ First, Last int64 }

// CheckLog returns an error unless events can be appended to the log together: each has a place, and a number exactly if
// it has a ticket. It is ErrConflict when their positions do not follow each other in one partition.
func CheckLog(events []Event) error {
	for i, e := range events {
		if err := e.CheckPlace(); err != nil {
			return err
		}
		first := events[0]
		if e.Partition != first.Partition || e.Position != first.Position+int64(i) {
			return fmt.Errorf("event %d/%d does not follow %d/%d: %w",
				e.Partition, e.Position, events[i-1].Partition, events[i-1].Position, ErrConflict)
		}
	}
	return nil
}

// CheckPartition returns an error unless the log has that partition.
func CheckPartition(partition int) error {
	if partition < 0 || partition >= Partitions {
		return fmt.Errorf("the log has no partition %d", partition)
	}
	return nil
}

// CheckPlace returns an error unless the event can be in the log.
func (e *Event) CheckPlace() error {
	switch {
	case e.Partition < 0 || e.Partition >= Partitions || e.Position < 1 || e.Position > MaxPosition:
		return fmt.Errorf("event %q: the log has no place %d/%d", e.EventID, e.Partition, e.Position)
	case (e.TicketID == "") != (e.Number == 0), e.Number < 0:
		return fmt.Errorf("event %q: ticket %q can't have number %d", e.EventID, e.TicketID, e.Number)
	}
	return nil
}
