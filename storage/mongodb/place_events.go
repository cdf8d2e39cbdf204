package mongodb

import (
	"context"
	"errors"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/storage"
)

// Unplaced events are read in the order (ticket, number).
var (
	firstEvents = define("events", "ticket",
		bson.D{e("ticketId", bson.D{e("$gt", arg(0))})}, bson.D{e("ticketId", 1), e("number", 1)}, placingFields)
	nextEvents = define("events", "ticket",
		bson.D{e("ticketId", arg(0)), e("number", bson.D{e("$gt", arg(1))})}, bson.D{e("number", 1)}, placingFields)
)

var placingFields = bson.D{
	e("ticketId", 1), e("number", 1), e("eventId", 1), e("partition", 1), e("position", 1),
}

// placingBatch is how many events get their places with one command.
const placingBatch = 1000

// placeEvents gives the events of schema 1 their places in the log: in the order (ticket, number), with the positions 1,
// 2, 3 … of their partitions, and with ids of today's form. Whoever does it again, or at the same time, comes to the
// same places, and leaves those alone that have theirs.
func placeEvents(ctx context.Context, s *Store) error {
	var last [storage.Partitions]int64
	after := storage.Event{}
	for {
		page, err := s.eventsToPlace(ctx, after)
		if err != nil || len(page) == 0 {
			return err
		}
		after = page[len(page)-1]
		var unplaced []storage.Event
		for _, event := range page {
			if event.Position > 0 {
				last[event.Partition] = max(last[event.Partition], event.Position)
				continue
			}
			event.Partition = storage.PartitionOf(event.TicketID)
			last[event.Partition]++
			event.Position = last[event.Partition]
			unplaced = append(unplaced, event)
		}
		if err := s.placeAll(ctx, unplaced); err != nil {
			return err
		}
	}
}

// eventsToPlace returns a page of all events with a ticket, after the given one.
func (s *Store) eventsToPlace(ctx context.Context, after storage.Event) ([]storage.Event, error) {
	page, err := find[storage.Event](ctx, s, nextEvents, placingBatch, after.TicketID, after.Number)
	if err != nil || len(page) > 0 {
		return page, err
	}
	return find[storage.Event](ctx, s, firstEvents, placingBatch, after.TicketID)
}

// placeAll gives events their places. Two tickets could have an event with the same cause; the later one gets an id that
// has its ticket and number too.
func (s *Store) placeAll(ctx context.Context, events []storage.Event) error {
	if len(events) == 0 {
		return nil
	}
	updates := make([]mongo.WriteModel, len(events))
	for i := range events {
		filter, update := placing(&events[i], events[i].EventID)
		updates[i] = mongo.NewUpdateOneModel().SetFilter(filter).SetUpdate(update)
	}
	err := s.run(ctx, func(ctx context.Context) error {
		_, err := s.in("events").BulkWrite(ctx, updates)
		if mongo.IsDuplicateKeyError(err) {
			return errTaken
		}
		return err
	})
	if !errors.Is(err, errTaken) {
		return err
	}
	for i := range events { // one at a time, to learn which it is
		if err := s.placeOne(ctx, &events[i]); err != nil {
			return err
		}
	}
	return nil
}

// errTaken says that one of several events has the id of another.
var errTaken = fmt.Errorf("an event has the id of another: %w", storage.ErrConflict)

func (s *Store) placeOne(ctx context.Context, event *storage.Event) error {
	return s.run(ctx, func(ctx context.Context) error {
		filter, update := placing(event, event.EventID)
		_, err := s.in("events").UpdateOne(ctx, filter, update)
		if mongo.IsDuplicateKeyError(err) {
			filter, update = placing(event, fmt.Sprintf("%s/%d/%s", event.TicketID, event.Number, event.EventID))
			_, err = s.in("events").UpdateOne(ctx, filter, update)
		}
		return err
	})
}

// placing returns the update that places an event, unless it has its place.
func placing(event *storage.Event, cause string) (filter, update bson.D) {
	id := ids.EventID(cause)
	return bson.D{e("_id", eventKey(event)), e("position", bson.D{e("$exists", false)})},
		bson.D{e("$set", bson.D{
			e("partition", event.Partition), e("position", event.Position), e("eventId", id), e("index.event", id),
		})}
}
