package mongodb

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/topicdesk/topicdesk/storage"
)

// Load implements storage.Dumper.
func (s *Store) Load(ctx context.Context, records []any) error {
	for len(records) > 0 {
		// Consecutive records of one collection are stored together.
		collection, n := "", 0
		var docs []any
		for ; n < len(records); n++ {
			of, doc, err := loadable(records[n])
			if err != nil {
				return err
			}
			if n > 0 && of != collection {
				break
			}
			collection, docs = of, append(docs, doc)
		}
		if err := s.load(ctx, collection, docs, records[:n]); err != nil {
			return err
		}
		records = records[n:]
	}
	return ctx.Err()
}

func (s *Store) load(ctx context.Context, collection string, docs, records []any) error {
	return s.insertEach(ctx, collection, docs, func(ctx context.Context, n int) error {
		return s.sameRecord(ctx, collection, docs[n].(bson.Raw), records[n])
	})
}

// sameRecord returns nil when the stored record is the same, and otherwise storage.ErrConflict.
func (s *Store) sameRecord(ctx context.Context, collection string, doc bson.Raw, record any) error {
	id := doc.Lookup("_id")
	conflict := fmt.Errorf("a record of %s is stored with other content: %s: %w", collection, id, storage.ErrConflict)
	raw, err := s.certain(collection).FindOne(ctx, bson.D{e("_id", id)}, options.FindOne().SetHint("_id_")).Raw()
	if errors.Is(err, mongo.ErrNoDocuments) {
		return conflict // another record has one of its unique values
	}
	if err != nil {
		return err
	}
	stored, err := exported(collection, raw)
	if err != nil {
		return err
	}
	given, err := storage.Encode(record)
	if err == nil && !bytes.Equal(stored, given) {
		err = conflict
	}
	return err
}

// exported returns the exported form of a document.
func exported(collection string, raw bson.Raw) ([]byte, error) {
	decoders := map[string]func(bson.Raw) ([]byte, error){
		"users": export[storage.User], "groups": export[storage.Group], "tickets": export[storage.Ticket],
		"messages": export[storage.Message], "copies": export[storage.Copy], "attachments": export[storage.Attachment],
		"chats": export[storage.Chat], "events": export[storage.Event], "api_keys": export[storage.APIKey],
		"idempotency": export[storage.Idempotency],
		"webhooks":    export[storage.Webhook], "deliveries": export[storage.Delivery],
		"replays": export[storage.Replay], "consumers": export[storage.Consumer],
		"errors": export[storage.ErrorGroup], "problems": export[storage.Problem], "tallies": export[storage.Tally],
		"leases": export[storage.Lease], "offsets": export[storage.SavedOffset],
		"waiting_updates": export[storage.WaitingUpdate],
	}
	return decoders[collection](raw)
}

func export[T any](raw bson.Raw) ([]byte, error) {
	record, err := decode[T](raw)
	if err != nil {
		return nil, err
	}
	return storage.Encode(&record)
}

// loadable returns the document of a record, and its collection.
func loadable(record any) (collection string, doc bson.Raw, err error) {
	switch r := record.(type) {
	case *storage.User:
		doc, _, err = userDocument(r)
		return "users", doc, err
	case *storage.Group:
		doc, _, err = groupDocument(r)
		return "groups", doc, err
	case *storage.Ticket:
		doc, _, err = ticketDocument(r, r.DueWhenLoaded())
		return "tickets", doc, err
	case *storage.Message:
		doc, _, err = messageDocument(r)
		return "messages", doc, err
	case *storage.Copy:
		doc, _, err = copyDocument(r)
		return "copies", doc, err
	case *storage.Attachment:
		doc, _, err = attachmentDocument(r)
		return "attachments", doc, err
	case *storage.Chat:
		doc, _, err = chatDocument(r)
		return "chats", doc, err
	case *storage.Event:
		doc, _, err = eventDocument(r)
		return "events", doc, err
	case *storage.APIKey:
		doc, _, err = apiKeyDocument(r)
		return "api_keys", doc, err
	case *storage.Idempotency:
		doc, _, err = idempotencyDocument(r)
		return "idempotency", doc, err
	case *storage.Webhook:
		doc, _, err = webhookDocument(r)
		return "webhooks", doc, err
	case *storage.Delivery:
		doc, _, err = deliveryDocument(r)
		return "deliveries", doc, err
	case *storage.Replay:
		doc, _, err = replayDocument(r)
		return "replays", doc, err
	case *storage.Consumer:
		doc, _, err = consumerDocument(r)
		return "consumers", doc, err
	case *storage.ErrorGroup:
		doc, _, err = errorGroupDocument(r)
		return "errors", doc, err
	case *storage.Problem:
		doc, _, err = problemDocument(r)
		return "problems", doc, err
	case *storage.Tally:
		doc, _, err = tallyDocument(r)
		return "tallies", doc, err
	case *storage.Lease:
		doc, _, err = encode(r.Entity, r.Kept())
		return "leases", doc, err
	case *storage.SavedOffset:
		doc, _, err = encode(r.Name, *r)
		return "offsets", doc, err
	case *storage.WaitingUpdate:
		doc, _, err = updateDocument(r)
		return "waiting_updates", doc, err
	}
	return "", nil, fmt.Errorf("mongodb: a %T is not a record", record)
}
