package mongodb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"golang.org/x/sync/errgroup"

	"github.com/topicdesk/topicdesk/storage"
)

var (
	eventsAfter = define("events", "ticket",
		bson.D{e("ticketId", arg(0)), e("number", bson.D{e("$gt", arg(1))})}, bson.D{e("number", 1)}, nil)
	readEvent = define("events", "event", bson.D{e("index.event", arg(0))}, nil, nil)
	logAfter  = define("events", "place",
		bson.D{e("partition", arg(0)), e("position", bson.D{e("$gt", arg(1))})}, bson.D{e("position", 1)}, nil)
	logStamps = define("events", "place",
		bson.D{e("partition", arg(0)), e("position", bson.D{e("$gt", arg(1))})}, bson.D{e("position", 1)}, stampFields)
	// What a write must know of the event that has its place, id or number.
	eventAt       = define("events", "place", bson.D{e("partition", arg(0)), e("position", arg(1))}, nil, stampFields)
	eventNumbered = define("events", "ticket", bson.D{e("ticketId", arg(0)), e("number", arg(1))}, nil, stampFields)
	eventWithID   = define("events", "event", bson.D{e("index.event", arg(0))}, nil, stampFields)

	firstOfLog = define("events", "place", bson.D{e("partition", arg(0))}, bson.D{e("position", 1)}, placeFields)
	lastOfLog  = define("events", "place", bson.D{e("partition", arg(0))}, bson.D{e("position", -1)}, placeFields)
	oldOfLog   = define("events", "place",
		bson.D{e("partition", arg(0)), e("position", bson.D{e("$gt", arg(1))})}, bson.D{e("position", 1)},
		bson.D{e("_id", 0), e("position", 1), e("at", 1)})
)

var placeFields = bson.D{e("_id", 0), e("position", 1)}

// eventKey returns the _id of an event: ticket/number, or @partition/position for one without a ticket. A number has no
// "/", so the last "/" ends the ticket's id.
func eventKey(event *storage.Event) string {
	if event.TicketID == "" {
		return fmt.Sprintf("@%d/%d", event.Partition, event.Position)
	}
	return fmt.Sprintf("%s/%d", event.TicketID, event.Number)
}

// AppendEvents implements storage.Events. Each event is a write of its own, in order. The unique index on the place
// keeps two writers apart that have read the same last position.
func (s *Store) AppendEvents(ctx context.Context, events []storage.Event) error {
	if len(events) == 0 {
		return ctx.Err()
	}
	if err := storage.CheckLog(events); err != nil {
		return fmt.Errorf("mongodb: %w", err)
	}
	docs := make([]any, len(events))
	for i := range events {
		doc, _, err := eventDocument(&events[i])
		if err != nil {
			return err
		}
		docs[i] = doc
	}
	stored, err := s.storedEvents(ctx, events)
	if err != nil || stored == len(events) {
		return err
	}
	return s.insertEach(ctx, "events", docs[stored:], func(ctx context.Context, n int) error {
		return s.sameEvent(ctx, &events[stored+n])
	})
}

// storedEvents returns how many of the events are stored already: those up to the last position. The next one must
// follow it.
func (s *Store) storedEvents(ctx context.Context, events []storage.Event) (int, error) {
	first := events[0]
	last, err := s.LastPosition(ctx, first.Partition)
	if err != nil || last == 0 || first.Position == last+1 {
		return 0, err
	}
	n := int(min(max(last-first.Position+1, 0), int64(len(events))))
	found, err := find[stamp](ctx, s, logStamps, n, first.Partition, first.Position-1)
	if err != nil {
		return 0, err
	}
	for i, event := range events[:n] {
		// What is found there may lie behind it: the events before the first one were deleted, or never were.
		if i >= len(found) || found[i].Position != event.Position || found[i].EventID != event.EventID {
			return 0, fmt.Errorf("event %s at %d/%d: another one is there, or was: %w",
				event.EventID, event.Partition, event.Position, storage.ErrConflict)
		}
	}
	if n == 0 {
		err = fmt.Errorf("event %s at %d/%d: the last position is %d: %w",
			first.EventID, first.Partition, first.Position, last, storage.ErrConflict)
	}
	return n, err
}

// sameEvent returns nil when the event that is stored at that place has the same id, and otherwise storage.ErrConflict.
func (s *Store) sameEvent(ctx context.Context, event *storage.Event) error {
	for _, unique := range []struct {
		q    *query
		args []any
	}{
		{eventAt, []any{event.Partition, event.Position}},
		{eventNumbered, []any{event.TicketID, event.Number}},
		{eventWithID, []any{event.EventID}},
	} {
		raw, err := s.one(ctx, s.certain("events"), unique.q, unique.args)
		if errors.Is(err, mongo.ErrNoDocuments) {
			continue
		}
		if err != nil {
			return err
		}
		found, err := decode[stamp](raw)
		if err == nil && (unique.q != eventAt || found.EventID != event.EventID) {
			err = fmt.Errorf("event %s at %d/%d: %s has its place, id or number: %w",
				event.EventID, event.Partition, event.Position, found.EventID, storage.ErrConflict)
		}
		return err
	}
	return fmt.Errorf("%w: event %s: the outcome of the write is unknown", storage.ErrUnavailable, event.EventID)
}

// EventsAfter implements storage.Events.
func (s *Store) EventsAfter(ctx context.Context, ticketID string, after int64, limit int) ([]storage.Event, error) {
	return find[storage.Event](ctx, s, eventsAfter, limit, ticketID, after)
}

// Event implements storage.Events.
func (s *Store) Event(ctx context.Context, eventID string) (*storage.Event, error) {
	return get[storage.Event](ctx, s, "event", readEvent, eventID)
}

// LogAfter implements storage.Events.
func (s *Store) LogAfter(ctx context.Context, partition int, after int64, limit int) ([]storage.Event, error) {
	if err := storage.CheckPartition(partition); err != nil {
		return nil, fmt.Errorf("mongodb: %w", err)
	}
	return find[storage.Event](ctx, s, logAfter, limit, partition, after)
}

// LastPosition implements storage.Events.
func (s *Store) LastPosition(ctx context.Context, partition int) (int64, error) {
	if err := storage.CheckPartition(partition); err != nil {
		return 0, fmt.Errorf("mongodb: %w", err)
	}
	return s.position(ctx, lastOfLog, partition)
}

// position returns the position of the event that q finds, 0 when there is none.
func (s *Store) position(ctx context.Context, q *query, partition int) (int64, error) {
	found, err := find[struct {
		Position int64 `json:"position"`
	}](ctx, s, q, 1, partition)
	if err != nil || len(found) == 0 {
		return 0, err
	}
	return found[0].Position, nil
}

// LogBounds implements storage.Events. It reads two entries of an index for each partition, of several partitions at a
// time.
func (s *Store) LogBounds(ctx context.Context) ([]storage.LogBounds, error) {
	bounds := make([]storage.LogBounds, storage.Partitions)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(8)
	for p := range bounds {
		group.Go(func() (err error) {
			// The first one first: when events are appended and deleted between the two, First is still not behind Last.
			if bounds[p].First, err = s.position(ctx, firstOfLog, p); err == nil && bounds[p].First > 0 {
				bounds[p].Last, err = s.position(ctx, lastOfLog, p)
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return bounds, nil
}

// DeleteEvents implements storage.Events. The server deletes one event after the other, in the order of the index.
func (s *Store) DeleteEvents(ctx context.Context, partition int, before time.Time, limit int) (int, error) {
	if err := storage.CheckPartition(partition); err != nil {
		return 0, fmt.Errorf("mongodb: %w", err)
	}
	if limit <= 0 {
		return 0, ctx.Err()
	}
	page, err := find[storage.Event](ctx, s, oldOfLog, limit+1, partition, int64(0))
	if err != nil {
		return 0, err
	}
	old := 0 // how many are old
	for old < len(page) && page[old].At.Before(storage.Kept(before)) {
		old++
	}
	// The last one that was read is the newest of the partition, or beyond the limit.
	deleted := min(old, len(page)-1)
	if deleted <= 0 {
		return 0, nil
	}
	filter := bson.D{e("partition", partition), e("position", bson.D{e("$lte", page[deleted-1].Position)})}
	err = s.run(ctx, func(ctx context.Context) error {
		_, err := s.in("events").DeleteMany(ctx, filter, options.DeleteMany().SetHint("place"))
		return err
	})
	if err != nil {
		return 0, err
	}
	return deleted, nil
}

func eventDocument(event *storage.Event) (bson.Raw, bson.ObjectID, error) {
	required := []string{event.EventID}
	if event.TicketID != "" {
		required = append(required, event.TicketID)
	}
	if err := validID("ticket or event id", required...); err != nil {
		return nil, bson.ObjectID{}, err
	}
	if err := event.CheckPlace(); err != nil {
		return nil, bson.ObjectID{}, fmt.Errorf("mongodb: %w", err)
	}
	return encode(eventKey(event), event.Kept(), e("event", event.EventID))
}
