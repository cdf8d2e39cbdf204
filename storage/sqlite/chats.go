package sqlite

import (
	"context"
	"time"

	"github.com/topicdesk/topicdesk/storage"
)

var (
	insertChat = define(`INSERT INTO chats (chat_id, due_at, version, doc) VALUES (?, ?, 1, ?) ON CONFLICT DO NOTHING`)
	updateChat = define(`
		UPDATE chats SET due_at = ?2, version = version + 1, doc = ?3 WHERE chat_id = ?1 AND version = ?4`)
	readChat = define(`SELECT doc FROM chats WHERE chat_id = ?`)
	dueChats = define(`SELECT chat_id, due_at FROM chats WHERE due_at <= ? ORDER BY due_at, chat_id LIMIT ?`)
)

// Chat implements storage.Chats.
func (s *Store) Chat(ctx context.Context, chatID string) (*storage.Chat, error) {
	return readOne[storage.Chat](ctx, s, "chat", readChat, chatID)
}

// SaveChat implements storage.Chats.
func (s *Store) SaveChat(ctx context.Context, c *storage.Chat) error {
	if err := validID("id", c.ChatID); err != nil {
		return err
	}
	record, old := c.Kept(), c.Version
	record.Version++
	doc, err := encode(record)
	if err != nil {
		return err
	}
	id, due := record.ChatID, dueAt(record.DueAt)
	err = s.write(ctx, func(w *writer) error {
		if old == 0 {
			return w.one(exists("chat", id), insertChat, id, due, doc)
		}
		return w.one(conflict("chat", id), updateChat, id, due, doc, old)
	})
	if err == nil {
		c.Version = record.Version
	}
	return err
}

// DueChats implements storage.Chats.
func (s *Store) DueChats(ctx context.Context, now time.Time, limit int) ([]storage.Due, error) {
	return s.dues(ctx, dueChats, millis(now), atMost(limit))
}
