package mongodb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/topicdesk/topicdesk/storage"
)

var (
	readWebhook       = byID("webhooks")
	readWebhookByName = define("webhooks", "name",
		bson.D{e("index.name.name", arg(0)), e("index.name.owner", arg(1))}, nil, nil)
	listWebhooks        = dumpByID("webhooks")
	listWebhooksOfGroup = define("webhooks", "group",
		bson.D{e("index.group.group", arg(0)), e("index.group.id", bson.D{e("$gt", arg(1))})},
		bson.D{e("index.group.id", 1)}, nil)
	webhooksOfKey = define("webhooks", "key", bson.D{e("keyId", arg(0))}, nil, onlyID)

	readReplay  = byID("replays")
	dumpReplays = dumpByID("replays")
	listReplays = define("replays", "webhook",
		bson.D{e("webhookId", arg(0))}, bson.D{e("createdAt", -1), e("_id", -1)}, nil)
	oldReplays = define("replays", "webhook",
		bson.D{e("webhookId", arg(0)), e("createdAt", bson.D{e("$lt", arg(1))})},
		bson.D{e("createdAt", 1), e("_id", 1)}, onlyID)

	readConsumer   = byID("consumers")
	dumpConsumers  = dumpByTwo("consumers", "name", "keyId", "name")
	consumersAfter = define("consumers", "name",
		bson.D{e("keyId", arg(0)), e("name", bson.D{e("$gt", arg(1))})}, bson.D{e("name", 1)}, nil)

	onlyID = bson.D{e("_id", 1)}
)

// Webhook implements storage.Webhooks.
func (s *Store) Webhook(ctx context.Context, webhookID string) (*storage.Webhook, error) {
	return get[storage.Webhook](ctx, s, "webhook", readWebhook, webhookID)
}

// WebhookByName implements storage.Webhooks.
func (s *Store) WebhookByName(ctx context.Context, owner, name string) (*storage.Webhook, error) {
	return get[storage.Webhook](ctx, s, "webhook", readWebhookByName, name, owner)
}

// Webhooks implements storage.Webhooks.
func (s *Store) Webhooks(ctx context.Context, groupID, after string, limit int) ([]storage.Webhook, error) {
	if groupID == "" {
		return find[storage.Webhook](ctx, s, listWebhooks, limit, after)
	}
	return find[storage.Webhook](ctx, s, listWebhooksOfGroup, limit, groupID, after)
}

// CountWebhooks implements storage.Webhooks.
func (s *Store) CountWebhooks(ctx context.Context, keyID string) (int, error) {
	found, err := find[idOnly](ctx, s, webhooksOfKey, many, keyID)
	return len(found), err
}

// SaveWebhook implements storage.Webhooks.
func (s *Store) SaveWebhook(ctx context.Context, given *storage.Webhook) error {
	record, old := given.Kept(), given.Version
	record.Version++
	doc, writeID, err := webhookDocument(&record)
	if err != nil {
		return err
	}
	err = s.save(ctx, &write{
		collection: "webhooks", what: "webhook", id: record.WebhookID, old: old, doc: doc, writeID: writeID,
		taken: fmt.Errorf("webhook %s: %w", record.WebhookID, storage.ErrNameTaken),
	})
	if err == nil {
		given.Version = record.Version
	}
	return err
}

func webhookDocument(w *storage.Webhook) (bson.Raw, bson.ObjectID, error) {
	if err := validID("id", w.WebhookID); err != nil {
		return nil, bson.ObjectID{}, err
	}
	var on []bson.E
	if w.Name != "" {
		on = append(on, e("name", bson.D{e("name", w.Name), e("owner", w.GroupID)}))
	}
	if w.GroupID != "" {
		on = append(on, e("group", bson.D{e("group", w.GroupID), e("id", w.WebhookID)}))
	}
	return encode(w.WebhookID, w.Kept(), on...)
}

// DeleteWebhook implements storage.Webhooks.
func (s *Store) DeleteWebhook(ctx context.Context, webhookID string, version int64) error {
	return s.deleteVersion(ctx, "webhooks", webhookID, version)
}

// deleteVersion deletes the document with that id and version. When an attempt got no answer and the document is
// deleted, that attempt has deleted it.
func (s *Store) deleteVersion(ctx context.Context, collection string, id any, version int64) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	unknown := false
	return s.twice(ctx, func(ctx context.Context) error {
		result, err := s.in(collection).DeleteOne(ctx, bson.D{e("_id", id), e("version", version)})
		if err != nil {
			unknown = true
			return err
		}
		if result.DeletedCount == 1 {
			return nil
		}
		_, err = s.stored(ctx, collection, id)
		if unknown && errors.Is(err, storage.ErrNotFound) {
			return nil
		}
		if err != nil && !errors.Is(err, storage.ErrNotFound) {
			return err
		}
		return fmt.Errorf("%s %v: %w", collection, id, storage.ErrConflict)
	})
}

// Replay implements storage.Replays.
func (s *Store) Replay(ctx context.Context, replayID string) (*storage.Replay, error) {
	return get[storage.Replay](ctx, s, "replay", readReplay, replayID)
}

// SaveReplay implements storage.Replays.
func (s *Store) SaveReplay(ctx context.Context, r *storage.Replay) error {
	record, old := r.Kept(), r.Version
	record.Version++
	doc, writeID, err := replayDocument(&record)
	if err != nil {
		return err
	}
	err = s.save(ctx, &write{
		collection: "replays", what: "replay", id: record.ReplayID, old: old, doc: doc, writeID: writeID,
	})
	if err == nil {
		r.Version = record.Version
	}
	return err
}

func replayDocument(r *storage.Replay) (bson.Raw, bson.ObjectID, error) {
	if err := validID("replay or webhook id", r.ReplayID, r.WebhookID); err != nil {
		return nil, bson.ObjectID{}, err
	}
	return encode(r.ReplayID, r.Kept())
}

// Replays implements storage.Replays.
func (s *Store) Replays(ctx context.Context, webhookID string, limit int) ([]storage.Replay, error) {
	return find[storage.Replay](ctx, s, listReplays, limit, webhookID)
}

// DeleteReplays implements storage.Replays.
func (s *Store) DeleteReplays(ctx context.Context, webhookID string, before time.Time, limit int) (int, error) {
	found, err := find[idOnly](ctx, s, oldReplays, limit, webhookID, createdBefore(before))
	if err != nil {
		return 0, err
	}
	return s.deleteAll(ctx, "replays", found)
}

// createdBefore returns the bound of createdAt: none for the zero time. It is after all times that Go can show.
func createdBefore(before time.Time) bson.DateTime {
	if before.IsZero() {
		return milli(time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC))
	}
	return milli(before)
}

// idOnly is a document without its record.
type idOnly struct {
	ID string `bson:"_id" json:"_id"`
}

// deleteAll deletes documents that were found. Afterwards all of them are deleted, so it returns how many they are, and
// not what the server says: the answer of a first attempt may be lost.
func (s *Store) deleteAll(ctx context.Context, collection string, found []idOnly) (int, error) {
	if len(found) == 0 {
		return 0, nil
	}
	ids := make(bson.A, len(found))
	for i, x := range found {
		ids[i] = x.ID
	}
	err := s.run(ctx, func(ctx context.Context) error {
		_, err := s.in(collection).DeleteMany(ctx, bson.D{e("_id", bson.D{e("$in", ids)})},
			options.DeleteMany().SetHint("_id_"))
		return err
	})
	if err != nil {
		return 0, err
	}
	return len(found), nil
}

// Consumer implements storage.Consumers.
func (s *Store) Consumer(ctx context.Context, keyID, name string) (*storage.Consumer, error) {
	return get[storage.Consumer](ctx, s, "consumer", readConsumer, twoPartID(keyID, name))
}

// SaveConsumer implements storage.Consumers.
func (s *Store) SaveConsumer(ctx context.Context, c *storage.Consumer) error {
	record, old := c.Kept(), c.Version
	record.Version++
	doc, writeID, err := consumerDocument(&record)
	if err != nil {
		return err
	}
	id := twoPartID(record.KeyID, record.Name)
	err = s.save(ctx, &write{collection: "consumers", what: "consumer", id: id, old: old, doc: doc, writeID: writeID})
	if err == nil {
		c.Version = record.Version
	}
	return err
}

// Consumers implements storage.Consumers.
func (s *Store) Consumers(ctx context.Context, keyID, after string, limit int) ([]storage.Consumer, error) {
	return find[storage.Consumer](ctx, s, consumersAfter, limit, keyID, after)
}

// DeleteConsumer implements storage.Consumers.
func (s *Store) DeleteConsumer(ctx context.Context, keyID, name string, version int64) error {
	return s.deleteVersion(ctx, "consumers", twoPartID(keyID, name), version)
}

func consumerDocument(c *storage.Consumer) (bson.Raw, bson.ObjectID, error) {
	if err := validID("key id or name", c.KeyID, c.Name); err != nil {
		return nil, bson.ObjectID{}, err
	}
	return encode(twoPartID(c.KeyID, c.Name), c.Kept())
}
