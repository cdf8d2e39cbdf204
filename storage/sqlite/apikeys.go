package sqlite

import (
	"context"
	"time"

	"github.com/topicdesk/topicdesk/storage"
)

var (
	insertAPIKey = define(`
		INSERT INTO api_keys (key_id, group_id, version, doc) VALUES (?, ?, 1, ?) ON CONFLICT DO NOTHING`)
	updateAPIKey = define(`
		UPDATE api_keys SET group_id = ?2, version = version + 1, doc = ?3 WHERE key_id = ?1 AND version = ?4`)
	readAPIKey         = define(`SELECT doc FROM api_keys WHERE key_id = ?`)
	listAPIKeys        = define(`SELECT doc FROM api_keys WHERE key_id > ? ORDER BY key_id LIMIT ?`)
	listAPIKeysOfGroup = define(`SELECT doc FROM api_keys WHERE group_id = ? AND key_id > ? ORDER BY key_id LIMIT ?`)

	insertIdempotency = define(`
		INSERT INTO idempotency (request_id, expires_at, version, doc) VALUES (?, ?, 1, ?) ON CONFLICT DO NOTHING`)
	updateIdempotency = define(`
		UPDATE idempotency SET expires_at = ?2, version = version + 1, doc = ?3 WHERE request_id = ?1 AND version = ?4`)
	readIdempotency   = define(`SELECT doc FROM idempotency WHERE request_id = ?`)
	deleteIdempotency = define(`
		DELETE FROM idempotency WHERE request_id IN (
			SELECT request_id FROM idempotency WHERE expires_at <= ? ORDER BY expires_at, request_id LIMIT ?)`)
)

// APIKey implements storage.APIKeys.
func (s *Store) APIKey(ctx context.Context, keyID string) (*storage.APIKey, error) {
	return readOne[storage.APIKey](ctx, s, "API key", readAPIKey, keyID)
}

// APIKeys implements storage.APIKeys.
func (s *Store) APIKeys(ctx context.Context, groupID, after string, limit int) ([]storage.APIKey, error) {
	if groupID == "" {
		return readAll[storage.APIKey](ctx, s, listAPIKeys, after, atMost(limit))
	}
	return readAll[storage.APIKey](ctx, s, listAPIKeysOfGroup, groupID, after, atMost(limit))
}

// SaveAPIKey implements storage.APIKeys.
func (s *Store) SaveAPIKey(ctx context.Context, k *storage.APIKey) error {
	if err := validID("id", k.KeyID); err != nil {
		return err
	}
	record, old := k.Kept(), k.Version
	record.Version++
	doc, err := encode(record)
	if err != nil {
		return err
	}
	id, group := record.KeyID, orNull(record.GroupID)
	err = s.write(ctx, func(w *writer) error {
		if old == 0 {
			return w.one(exists("API key", id), insertAPIKey, id, group, doc)
		}
		return w.one(conflict("API key", id), updateAPIKey, id, group, doc, old)
	})
	if err == nil {
		k.Version = record.Version
	}
	return err
}

// Idempotency implements storage.Idempotencies.
func (s *Store) Idempotency(ctx context.Context, requestID string) (*storage.Idempotency, error) {
	return readOne[storage.Idempotency](ctx, s, "answer", readIdempotency, requestID)
}

// SaveIdempotency implements storage.Idempotencies.
func (s *Store) SaveIdempotency(ctx context.Context, i *storage.Idempotency) error {
	if err := validID("id", i.RequestID); err != nil {
		return err
	}
	record, old := i.Kept(), i.Version
	record.Version++
	doc, err := encode(record)
	if err != nil {
		return err
	}
	id, expires := record.RequestID, millis(record.ExpiresAt)
	err = s.write(ctx, func(w *writer) error {
		if old == 0 {
			return w.one(exists("answer", id), insertIdempotency, id, expires, doc)
		}
		return w.one(conflict("answer", id), updateIdempotency, id, expires, doc, old)
	})
	if err == nil {
		i.Version = record.Version
	}
	return err
}

// DeleteIdempotencies implements storage.Idempotencies.
func (s *Store) DeleteIdempotencies(ctx context.Context, now time.Time, limit int) (int, error) {
	n := make(chan int64, 1)
	err := s.write(ctx, func(w *writer) error {
		deleted, err := w.exec(deleteIdempotency, millis(now), atMost(limit))
		n <- deleted
		return err
	})
	if err != nil {
		return 0, err
	}
	return int(<-n), nil
}
