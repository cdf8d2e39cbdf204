package mongodb

import (
	"context"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/topicdesk/topicdesk/storage"
)

var (
	readAPIKey         = byID("api_keys")
	listAPIKeys        = define("api_keys", "_id_", bson.D{e("_id", bson.D{e("$gt", arg(0))})}, bson.D{e("_id", 1)}, nil)
	listAPIKeysOfGroup = define("api_keys", "group",
		bson.D{e("index.group.group", arg(0)), e("index.group.id", bson.D{e("$gt", arg(1))})},
		bson.D{e("index.group.id", 1)}, nil)

	readIdempotency      = byID("idempotency")
	expiredIdempotencies = define("idempotency", "expires",
		bson.D{e("expiresAt", bson.D{e("$lte", arg(0))})}, bson.D{e("expiresAt", 1), e("_id", 1)}, bson.D{e("_id", 1)})
)

// APIKey implements storage.APIKeys.
func (s *Store) APIKey(ctx context.Context, keyID string) (*storage.APIKey, error) {
	return get[storage.APIKey](ctx, s, "API key", readAPIKey, keyID)
}

// APIKeys implements storage.APIKeys.
func (s *Store) APIKeys(ctx context.Context, groupID, after string, limit int) ([]storage.APIKey, error) {
	if groupID == "" {
		return find[storage.APIKey](ctx, s, listAPIKeys, limit, after)
	}
	return find[storage.APIKey](ctx, s, listAPIKeysOfGroup, limit, groupID, after)
}

// SaveAPIKey implements storage.APIKeys.
func (s *Store) SaveAPIKey(ctx context.Context, k *storage.APIKey) error {
	record, old := k.Kept(), k.Version
	record.Version++
	doc, writeID, err := apiKeyDocument(&record)
	if err != nil {
		return err
	}
	err = s.save(ctx, &write{
		collection: "api_keys", what: "API key", id: record.KeyID, old: old, doc: doc, writeID: writeID,
	})
	if err == nil {
		k.Version = record.Version
	}
	return err
}

// Idempotency implements storage.Idempotencies.
func (s *Store) Idempotency(ctx context.Context, requestID string) (*storage.Idempotency, error) {
	return get[storage.Idempotency](ctx, s, "answer", readIdempotency, requestID)
}

// SaveIdempotency implements storage.Idempotencies.
func (s *Store) SaveIdempotency(ctx context.Context, i *storage.Idempotency) error {
	record, old := i.Kept(), i.Version
	record.Version++
	doc, writeID, err := idempotencyDocument(&record)
	if err != nil {
		return err
	}
	err = s.save(ctx, &write{
		collection: "idempotency", what: "answer", id: record.RequestID, old: old, doc: doc, writeID: writeID,
	})
	if err == nil {
		i.Version = record.Version
	}
	return err
}

// DeleteIdempotencies implements storage.Idempotencies.
func (s *Store) DeleteIdempotencies(ctx context.Context, now time.Time, limit int) (n int, err error) {
	expired, err := find[struct {
		ID string `bson:"_id" json:"_id"`
	}](ctx, s, expiredIdempotencies, limit, milli(now))
	if err != nil || len(expired) == 0 {
		return 0, err
	}
	ids := make(bson.A, len(expired))
	for i, x := range expired {
		ids[i] = x.ID
	}
	err = s.run(ctx, func(ctx context.Context) error {
		// The number that the server returns is not used, since the answer of a first attempt may be lost. Afterwards all of
		// these are deleted.
		filter := bson.D{e("_id", bson.D{e("$in", ids)}), e("expiresAt", bson.D{e("$lte", milli(now))})}
		_, err := s.in("idempotency").DeleteMany(ctx, filter)
		return err
	})
	if err != nil {
		return 0, err
	}
	return len(ids), nil
}

func apiKeyDocument(k *storage.APIKey) (bson.Raw, bson.ObjectID, error) {
	if err := validID("id", k.KeyID); err != nil {
		return nil, bson.ObjectID{}, err
	}
	var on []bson.E
	if k.GroupID != "" {
		on = append(on, e("group", bson.D{e("group", k.GroupID), e("id", k.KeyID)}))
	}
	return encode(k.KeyID, k.Kept(), on...)
}

func idempotencyDocument(i *storage.Idempotency) (bson.Raw, bson.ObjectID, error) {
	if err := validID("id", i.RequestID); err != nil {
		return nil, bson.ObjectID{}, err
	}
	return encode(i.RequestID, i.Kept())
}
