package mongodb

import (
	"context"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/topicdesk/topicdesk/storage"
)

var (
	readChat = byID("chats")
	dueChats = define("chats", "due", bson.D{e("index.due.at", bson.D{e("$lte", arg(0))})}, dueOrder, dueFields)
)

// Chat implements storage.Chats.
func (s *Store) Chat(ctx context.Context, chatID string) (*storage.Chat, error) {
	return get[storage.Chat](ctx, s, "chat", readChat, chatID)
}

// SaveChat implements storage.Chats.
func (s *Store) SaveChat(ctx context.Context, c *storage.Chat) error {
	record, old := c.Kept(), c.Version
	record.Version++
	doc, writeID, err := chatDocument(&record)
	if err != nil {
		return err
	}
	err = s.save(ctx, &write{collection: "chats", what: "chat", id: record.ChatID, old: old, doc: doc, writeID: writeID})
	if err == nil {
		c.Version = record.Version
	}
	return err
}

// DueChats implements storage.Chats.
func (s *Store) DueChats(ctx context.Context, now time.Time, limit int) ([]storage.Due, error) {
	return findDue(ctx, s, dueChats, limit, milli(now))
}

func chatDocument(c *storage.Chat) (bson.Raw, bson.ObjectID, error) {
	if err := validID("id", c.ChatID); err != nil {
		return nil, bson.ObjectID{}, err
	}
	return encode(c.ChatID, c.Kept(), due(c.ChatID, c.DueAt)...)
}
