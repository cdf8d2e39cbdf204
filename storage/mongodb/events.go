package mongodb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/topicdesk/topicdesk/storage"
)

var eventsAfter = define("events", "number",
	bson.D{e("ticketId", arg(0)), e("number", bson.D{e("$gt", arg(1))})}, bson.D{e("number", 1)}, nil)

// eventKey returns the _id of an event. The number has no "/", so the last "/" ends the ticket's id.
func eventKey(ticketID string, number int64) string { return fmt.Sprintf("%s/%d", ticketID, number) }

// AppendEvents implements storage.Events. Each event is a write of its own, in order.
func (s *Store) AppendEvents(ctx context.Context, events []storage.Event) error {
	if len(events) == 0 {
		return ctx.Err()
	}
	docs := make([]any, len(events))
	for i := range events {
		doc, _, err := eventDocument(&events[i])
		if err != nil {
			return err
		}
		docs[i] = doc
	}
	return s.insertEach(ctx, "events", docs, func(ctx context.Context, n int) error {
		return s.sameEvent(ctx, events[n])
	})
}

// sameEvent returns nil when the stored event with that number has the same id, and otherwise storage.ErrConflict.
func (s *Store) sameEvent(ctx context.Context, event storage.Event) error {
	found, err := s.stored(ctx, "events", eventKey(event.TicketID, event.Number))
	if errors.Is(err, storage.ErrNotFound) {
		return fmt.Errorf("%w: event %d of %s: the outcome of the write is unknown",
			storage.ErrUnavailable, event.Number, event.TicketID)
	}
	if err == nil && found.EventID != event.EventID {
		err = fmt.Errorf("event %d of %s is %s, not %s: %w",
			event.Number, event.TicketID, found.EventID, event.EventID, storage.ErrConflict)
	}
	return err
}

// EventsAfter implements storage.Events.
func (s *Store) EventsAfter(ctx context.Context, ticketID string, after int64, limit int) ([]storage.Event, error) {
	return find[storage.Event](ctx, s, eventsAfter, limit, ticketID, after)
}

func eventDocument(event *storage.Event) (bson.Raw, bson.ObjectID, error) {
	if err := validID("ticket or event id", event.TicketID, event.EventID); err != nil {
		return nil, bson.ObjectID{}, err
	}
	return encode(eventKey(event.TicketID, event.Number), event.Kept())
}

func (s *Store) Event(ctx context.Context, id string) (*storage.Event, error) { return nil, storage.ErrNotFound }
func (s *Store) LogAfter(ctx context.Context, partition int, after int64, limit int) ([]storage.Event, error) { return nil, nil }
func (s *Store) LogBounds(ctx context.Context) ([]storage.LogBounds, error) { return nil, nil }
func (s *Store) DeleteEvents(ctx context.Context, partition int, before time.Time, limit int) (int, error) { return 0, nil }
