package sqlite

import (
	"context"
	"slices"
	"time"

	"github.com/topicdesk/topicdesk/storage"
)

var (
	insertGroup = define(`INSERT INTO groups (group_id, due_at, version, doc) VALUES (?, ?, 1, ?) ON CONFLICT DO NOTHING`)
	updateGroup = define(`
		UPDATE groups SET due_at = ?2, version = version + 1, doc = ?3 WHERE group_id = ?1 AND version = ?4`)
	deleteGroupChats = define(`DELETE FROM group_chats WHERE group_id = ?`)
	insertGroupChat  = define(`
		INSERT INTO group_chats (group_id, chat_id, today) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`)
	readGroup = define(`SELECT doc FROM groups WHERE group_id = ?`)
	// If two groups have had that chat id, the one whose current id it is comes first.
	readGroupByChat = define(`
		SELECT g.doc FROM group_chats c CROSS JOIN groups g ON g.group_id = c.group_id
		WHERE c.chat_id = ? ORDER BY c.today DESC, c.group_id DESC LIMIT 1`)
	listGroups = define(`SELECT doc FROM groups WHERE group_id > ? ORDER BY group_id LIMIT ?`)
	dueGroups  = define(`SELECT group_id, due_at FROM groups WHERE due_at <= ? ORDER BY due_at, group_id LIMIT ?`)
)

// Group implements storage.Groups.
func (s *Store) Group(ctx context.Context, groupID string) (*storage.Group, error) {
	return readOne[storage.Group](ctx, s, "group", readGroup, groupID)
}

// GroupByTelegramID implements storage.Groups.
func (s *Store) GroupByTelegramID(ctx context.Context, chatID int64) (*storage.Group, error) {
	return readOne[storage.Group](ctx, s, "group of chat", readGroupByChat, chatID)
}

// Groups implements storage.Groups.
func (s *Store) Groups(ctx context.Context, after string, limit int) ([]storage.Group, error) {
	return readAll[storage.Group](ctx, s, listGroups, after, atMost(limit))
}

// SaveGroup implements storage.Groups.
func (s *Store) SaveGroup(ctx context.Context, g *storage.Group) error {
	if err := validID("id", g.GroupID); err != nil {
		return err
	}
	record, old := g.Kept(), g.Version
	record.Version++
	record.FormerIDs = slices.Clone(record.FormerIDs)
	doc, err := encode(record)
	if err != nil {
		return err
	}
	err = s.write(ctx, func(w *writer) error {
		return w.atomically(func() error {
			var err error
			if old == 0 {
				err = w.one(exists("group", record.GroupID), insertGroup, record.GroupID, dueAt(record.DueAt), doc)
			} else {
				err = w.one(conflict("group", record.GroupID), updateGroup, record.GroupID, dueAt(record.DueAt), doc, old)
			}
			if err != nil {
				return err
			}
			return w.saveGroupChats(record)
		})
	})
	if err == nil {
		g.Version = record.Version
	}
	return err
}

func (w *writer) saveGroupChats(g storage.Group) error {
	if _, err := w.exec(deleteGroupChats, g.GroupID); err != nil {
		return err
	}
	if _, err := w.exec(insertGroupChat, g.GroupID, g.TelegramGroupID, int64(1)); err != nil {
		return err
	}
	for _, id := range g.FormerIDs {
		if _, err := w.exec(insertGroupChat, g.GroupID, id, int64(0)); err != nil {
			return err
		}
	}
	return nil
}

// DueGroups implements storage.Groups.
func (s *Store) DueGroups(ctx context.Context, now time.Time, limit int) ([]storage.Due, error) {
	return s.dues(ctx, dueGroups, millis(now), atMost(limit))
}
