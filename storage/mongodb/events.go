package mongodb

import (
	"context"
	"errors"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/topicdesk/topicdesk/storage"
)

var eventsAfter = define("events", "number",
	bson.D{e("ticketId", arg(0)), e("number", bson.D{e("$gt", arg(1))})}, bson.D{e("number", 1)}, nil)

// eventKey is the _id of an event: there is no "/" in the number, so the last one ends the ticket's id.
func eventKey(ticketID string, number int64) string { return fmt.Sprintf("%s/%d", ticketID, number) }

// AppendEvents implements storage.Events: in order, each for itself.
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
	next := 0 // the events before it are stored
	return s.call(ctx, func(ctx context.Context) error {
		for next < len(docs) {
			_, err := s.in("events").InsertMany(ctx, docs[next:])
			if err == nil {
				return nil
			}
			var failed mongo.BulkWriteException
			if !errors.As(err, &failed) || len(failed.WriteErrors) != 1 || failed.WriteErrors[0].Code != codeDuplicateKey {
				return err // what was stored is found to be so at the second attempt
			}
			next += failed.WriteErrors[0].Index
			if err := s.sameEvent(ctx, events[next]); err != nil {
				return err
			}
			next++
		}
		return nil
	})
}

// sameEvent returns nil when the stored event with that number is that event.
func (s *Store) sameEvent(ctx context.Context, event storage.Event) error {
	found, err := s.stored(ctx, "events", eventKey(event.TicketID, event.Number))
	if errors.Is(err, storage.ErrNotFound) {
		return fmt.Errorf("%w: event %d of %s: what is stored could not be found out", storage.ErrUnavailable, event.Number, event.TicketID)
	}
	if err == nil && found.EventID != event.EventID {
		err = fmt.Errorf("event %d of %s is %s, not %s: %w", event.Number, event.TicketID, found.EventID, event.EventID, storage.ErrConflict)
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
