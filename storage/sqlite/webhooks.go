package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/topicdesk/topicdesk/storage"
)

var (
	insertWebhook = define(`
		INSERT INTO webhooks (webhook_id, owner, name, key_id, group_id, version, doc)
		VALUES (?, ?, ?, ?, ?, 1, ?)`)
	updateWebhook = define(`
		UPDATE webhooks SET owner = ?2, name = ?3, key_id = ?4, group_id = ?5, version = version + 1, doc = ?6
		WHERE webhook_id = ?1`)
	readWebhook         = define(`SELECT doc FROM webhooks WHERE webhook_id = ?`)
	readWebhookVersion  = define(`SELECT version FROM webhooks WHERE webhook_id = ?`)
	readWebhookByName   = define(`SELECT doc FROM webhooks WHERE name = ? AND owner = ?`)
	readNamed           = define(`SELECT webhook_id FROM webhooks WHERE name = ? AND owner = ?`)
	listWebhooks        = define(`SELECT doc FROM webhooks WHERE webhook_id > ? ORDER BY webhook_id LIMIT ?`)
	listWebhooksOfGroup = define(`
		SELECT doc FROM webhooks WHERE group_id = ? AND webhook_id > ? ORDER BY webhook_id LIMIT ?`)
	countWebhooks = define(`SELECT count(*) FROM webhooks WHERE key_id = ?`)
	deleteWebhook = define(`DELETE FROM webhooks WHERE webhook_id = ? AND version = ?`)

	insertReplay = define(`
		INSERT INTO replays (replay_id, webhook_id, created_at, version, doc) VALUES (?, ?, ?, 1, ?) ON CONFLICT DO NOTHING`)
	updateReplay = define(`
		UPDATE replays SET webhook_id = ?2, created_at = ?3, version = version + 1, doc = ?4
		WHERE replay_id = ?1 AND version = ?5`)
	readReplay  = define(`SELECT doc FROM replays WHERE replay_id = ?`)
	listReplays = define(`
		SELECT doc FROM replays WHERE webhook_id = ? ORDER BY created_at DESC, replay_id DESC LIMIT ?`)
	deleteReplays = define(`
		DELETE FROM replays WHERE replay_id IN (
			SELECT replay_id FROM replays WHERE webhook_id = ? AND created_at < ? ORDER BY created_at, replay_id LIMIT ?)`)

	insertConsumer = define(`
		INSERT INTO consumers (key_id, name, version, doc) VALUES (?, ?, 1, ?) ON CONFLICT DO NOTHING`)
	updateConsumer = define(`
		UPDATE consumers SET version = version + 1, doc = ?3 WHERE key_id = ?1 AND name = ?2 AND version = ?4`)
	readConsumer   = define(`SELECT doc FROM consumers WHERE key_id = ? AND name = ?`)
	listConsumers  = define(`SELECT doc FROM consumers WHERE key_id = ? AND name > ? ORDER BY name LIMIT ?`)
	deleteConsumer = define(`DELETE FROM consumers WHERE key_id = ? AND name = ? AND version = ?`)
)

// Webhook implements storage.Webhooks.
func (s *Store) Webhook(ctx context.Context, webhookID string) (*storage.Webhook, error) {
	return readOne[storage.Webhook](ctx, s, "webhook", readWebhook, webhookID)
}

// WebhookByName implements storage.Webhooks.
func (s *Store) WebhookByName(ctx context.Context, owner, name string) (*storage.Webhook, error) {
	return readOne[storage.Webhook](ctx, s, "webhook", readWebhookByName, name, owner)
}

// Webhooks implements storage.Webhooks.
func (s *Store) Webhooks(ctx context.Context, groupID, after string, limit int) ([]storage.Webhook, error) {
	if groupID == "" {
		return readAll[storage.Webhook](ctx, s, listWebhooks, after, atMost(limit))
	}
	return readAll[storage.Webhook](ctx, s, listWebhooksOfGroup, groupID, after, atMost(limit))
}

// CountWebhooks implements storage.Webhooks.
func (s *Store) CountWebhooks(ctx context.Context, keyID string) (n int, err error) {
	err = s.read(ctx, func(c *conn) error {
		return c.query(countWebhooks, func(r row) error {
			n = int(r.int(0))
			return nil
		}, keyID)
	})
	return n, err
}

// SaveWebhook implements storage.Webhooks.
func (s *Store) SaveWebhook(ctx context.Context, given *storage.Webhook) error {
	if err := validID("id", given.WebhookID); err != nil {
		return err
	}
	record, old := given.Kept(), given.Version
	record.Version++
	doc, err := encode(record)
	if err != nil {
		return err
	}
	save := newWebhookSave(&record, doc)
	err = s.write(ctx, func(w *writer) error { return save.run(w, old) })
	if err == nil {
		given.Version = record.Version
	}
	return err
}

// webhookSave is a webhook to be stored.
type webhookSave struct {
	id      string
	name    any // nil: none
	owner   string
	columns []any
}

func newWebhookSave(w *storage.Webhook, doc string) *webhookSave {
	name := orNull(w.Name)
	return &webhookSave{
		id: w.WebhookID, name: name, owner: w.GroupID,
		columns: []any{w.WebhookID, w.GroupID, name, w.KeyID, orNull(w.GroupID), doc},
	}
}

func (s *webhookSave) run(w *writer, old int64) error {
	stored := int64(0)
	err := w.conn.query(readWebhookVersion, func(r row) error {
		stored = r.int(0)
		return nil
	}, s.id)
	switch {
	case err != nil:
		return err
	case old == 0 && stored != 0:
		return exists("webhook", s.id)
	case old != stored:
		return conflict("webhook", s.id)
	}
	err = w.conn.query(readNamed, func(r row) error {
		if r.text(0) != s.id {
			return fmt.Errorf("webhook %s: %w", s.id, storage.ErrNameTaken)
		}
		return nil
	}, s.name, s.owner)
	if err != nil {
		return err
	}
	st := insertWebhook
	if old != 0 {
		st = updateWebhook
	}
	_, err = w.exec(st, s.columns...)
	return err
}

// DeleteWebhook implements storage.Webhooks.
func (s *Store) DeleteWebhook(ctx context.Context, webhookID string, version int64) error {
	return s.write(ctx, func(w *writer) error {
		return w.one(conflict("webhook", webhookID), deleteWebhook, webhookID, version)
	})
}

// Replay implements storage.Replays.
func (s *Store) Replay(ctx context.Context, replayID string) (*storage.Replay, error) {
	return readOne[storage.Replay](ctx, s, "replay", readReplay, replayID)
}

// SaveReplay implements storage.Replays.
func (s *Store) SaveReplay(ctx context.Context, r *storage.Replay) error {
	if err := validID("replay or webhook id", r.ReplayID, r.WebhookID); err != nil {
		return err
	}
	record, old := r.Kept(), r.Version
	record.Version++
	doc, err := encode(record)
	if err != nil {
		return err
	}
	id, webhook, created := record.ReplayID, record.WebhookID, millis(record.CreatedAt)
	err = s.write(ctx, func(w *writer) error {
		if old == 0 {
			return w.one(exists("replay", id), insertReplay, id, webhook, created, doc)
		}
		return w.one(conflict("replay", id), updateReplay, id, webhook, created, doc, old)
	})
	if err == nil {
		r.Version = record.Version
	}
	return err
}

// Replays implements storage.Replays.
func (s *Store) Replays(ctx context.Context, webhookID string, limit int) ([]storage.Replay, error) {
	return readAll[storage.Replay](ctx, s, listReplays, webhookID, atMost(limit))
}

// DeleteReplays implements storage.Replays.
func (s *Store) DeleteReplays(ctx context.Context, webhookID string, before time.Time, limit int) (int, error) {
	return s.deleteBefore(ctx, deleteReplays, webhookID, createdBefore(before), atMost(limit))
}

// Consumer implements storage.Consumers.
func (s *Store) Consumer(ctx context.Context, keyID, name string) (*storage.Consumer, error) {
	return readOne[storage.Consumer](ctx, s, "consumer", readConsumer, keyID, name)
}

// SaveConsumer implements storage.Consumers.
func (s *Store) SaveConsumer(ctx context.Context, c *storage.Consumer) error {
	if err := validID("key id or name", c.KeyID, c.Name); err != nil {
		return err
	}
	record, old := c.Kept(), c.Version
	record.Version++
	doc, err := encode(record)
	if err != nil {
		return err
	}
	key, name := record.KeyID, record.Name
	err = s.write(ctx, func(w *writer) error {
		if old == 0 {
			return w.one(exists("consumer", name), insertConsumer, key, name, doc)
		}
		return w.one(conflict("consumer", name), updateConsumer, key, name, doc, old)
	})
	if err == nil {
		c.Version = record.Version
	}
	return err
}

// Consumers implements storage.Consumers.
func (s *Store) Consumers(ctx context.Context, keyID, after string, limit int) ([]storage.Consumer, error) {
	return readAll[storage.Consumer](ctx, s, listConsumers, keyID, after, atMost(limit))
}

// DeleteConsumer implements storage.Consumers.
func (s *Store) DeleteConsumer(ctx context.Context, keyID, name string, version int64) error {
	return s.write(ctx, func(w *writer) error {
		return w.one(conflict("consumer", name), deleteConsumer, keyID, name, version)
	})
}
