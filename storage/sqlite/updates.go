package sqlite

import (
	"context"
	"slices"

	"github.com/topicdesk/topicdesk/storage"
)

var (
	insertUpdate = define(`INSERT INTO waiting_updates (bot, update_id, doc) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`)
	readUpdate   = define(`SELECT doc FROM waiting_updates WHERE bot = ? AND update_id = ?`)
	listUpdates  = define(`SELECT doc FROM waiting_updates WHERE bot = ? AND update_id > ? ORDER BY update_id LIMIT ?`)
	deleteUpdate = define(`DELETE FROM waiting_updates WHERE bot = ? AND update_id = ?`)
)

// SaveWaitingUpdates implements storage.WaitingUpdates. It saves all of them or none.
func (s *Store) SaveWaitingUpdates(ctx context.Context, updates []storage.WaitingUpdate) error {
	if len(updates) == 0 {
		return ctx.Err()
	}
	rows := make([][]any, len(updates))
	for i := range updates {
		u := updates[i].Kept()
		if err := validID("bot", u.Bot); err != nil {
			return err
		}
		doc, err := encode(&u)
		if err != nil {
			return err
		}
		rows[i] = []any{u.Bot, u.UpdateID, doc}
	}
	return s.write(ctx, func(w *writer) error {
		return w.atomically(func() error {
			for _, row := range rows {
				if _, err := w.exec(insertUpdate, row...); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

// WaitingUpdates implements storage.WaitingUpdates.
func (s *Store) WaitingUpdates(ctx context.Context, bot string, after int64, limit int) ([]storage.WaitingUpdate, error) {
	return readAll[storage.WaitingUpdate](ctx, s, listUpdates, bot, after, atMost(limit))
}

// DeleteWaitingUpdates implements storage.WaitingUpdates.
func (s *Store) DeleteWaitingUpdates(ctx context.Context, bot string, updateIDs []int64) error {
	if len(updateIDs) == 0 {
		return ctx.Err()
	}
	ids := slices.Clone(updateIDs) // the writer may run after the caller has given up
	return s.write(ctx, func(w *writer) error {
		return w.atomically(func() error {
			for _, id := range ids {
				if _, err := w.exec(deleteUpdate, bot, id); err != nil {
					return err
				}
			}
			return nil
		})
	})
}
