package sqlite

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/topicdesk/topicdesk/storage"
)

var (
	insertUser = define(`
		INSERT INTO users (telegram_id, username, sort_name, group_id, updated_at, due_at, version, doc)
		VALUES (?, ?, ?, ?, ?, ?, 1, ?) ON CONFLICT DO NOTHING`)
	updateUser = define(`
		UPDATE users SET username = ?2, sort_name = ?3, group_id = ?4, updated_at = ?5, due_at = ?6,
			version = version + 1, doc = ?7
		WHERE telegram_id = ?1 AND version = ?8`)
	deleteUser       = define(`DELETE FROM users WHERE telegram_id = ? AND version = ?`)
	listUsers        = define(`SELECT doc FROM users WHERE telegram_id > ? ORDER BY telegram_id LIMIT ?`)
	listUsersOfGroup = define(`
		SELECT doc FROM users WHERE group_id = ? AND telegram_id > ? ORDER BY telegram_id LIMIT ?`)
	readUser           = define(`SELECT doc FROM users WHERE telegram_id = ?`)
	readUserByUsername = define(`
		SELECT doc FROM users WHERE username = ? ORDER BY updated_at DESC, telegram_id DESC LIMIT 1`)
	// sort_name >= '' holds for every name and for no NULL. It makes the index of internal users serve the statement.
	listInternalUsers = define(`
		SELECT doc FROM users WHERE sort_name >= '' ORDER BY sort_name, telegram_id LIMIT ? OFFSET ?`)
	dueUsers = define(`
		SELECT telegram_id, due_at FROM users WHERE due_at <= ? ORDER BY due_at, telegram_id LIMIT ?`)
	countInternalUsers = define(`SELECT count(*) FROM users WHERE sort_name >= ''`)
)

// User implements storage.Users.
func (s *Store) User(ctx context.Context, telegramID int64) (*storage.User, error) {
	return readOne[storage.User](ctx, s, "user", readUser, telegramID)
}

// UserByUsername implements storage.Users.
func (s *Store) UserByUsername(ctx context.Context, username string) (*storage.User, error) {
	return readOne[storage.User](ctx, s, "user", readUserByUsername, strings.ToLower(username))
}

// InternalUsers implements storage.Users. Names are compared byte by byte.
func (s *Store) InternalUsers(ctx context.Context, offset, limit int) (page []storage.User, total int, err error) {
	err = s.read(ctx, func(c *conn) error {
		err := c.query(countInternalUsers, func(r row) error {
			total = int(r.int(0))
			return nil
		})
		if err != nil || limit <= 0 {
			return err
		}
		page, err = list[storage.User](c, listInternalUsers, int64(limit), int64(max(offset, 0)))
		return err
	})
	if err != nil {
		return nil, 0, err
	}
	return page, total, nil
}

// SaveUser implements storage.Users.
func (s *Store) SaveUser(ctx context.Context, u *storage.User) error {
	record, old := u.Kept(), u.Version
	record.Version++
	doc, err := encode(record)
	if err != nil {
		return err
	}
	username, sortName, group := userColumns(&record)
	err = s.write(ctx, func(w *writer) error {
		if old == 0 {
			return w.one(exists("user", record.TelegramID), insertUser,
				record.TelegramID, username, sortName, group, millis(record.UpdatedAt), dueAt(record.DueAt), doc)
		}
		return w.one(conflict("user", record.TelegramID), updateUser,
			record.TelegramID, username, sortName, group, millis(record.UpdatedAt), dueAt(record.DueAt), doc, old)
	})
	if err == nil {
		u.Version = record.Version
	}
	return err
}

// Users implements storage.Users.
func (s *Store) Users(
	ctx context.Context, defaultGroupID string, after int64, limit int,
) ([]storage.User, error) {
	if defaultGroupID == "" {
		return readAll[storage.User](ctx, s, listUsers, after, atMost(limit))
	}
	return readAll[storage.User](ctx, s, listUsersOfGroup, defaultGroupID, after, atMost(limit))
}

// DeleteUser implements storage.Users.
func (s *Store) DeleteUser(ctx context.Context, telegramID, version int64) error {
	return s.write(ctx, func(w *writer) error {
		return w.one(conflict("user", telegramID), deleteUser, telegramID, version)
	})
}

// userColumns returns the columns that users are found and sorted by; nil is NULL.
func userColumns(u *storage.User) (username, sortName, group any) {
	if u.Username != "" {
		username = strings.ToLower(u.Username)
	}
	if u.DefaultGroupID != "" {
		sortName, group = strings.ToLower(u.FirstName), u.DefaultGroupID
	}
	return username, sortName, group
}

// DueUsers implements storage.Users.
func (s *Store) DueUsers(ctx context.Context, now time.Time, limit int) (page []storage.Due, err error) {
	err = s.read(ctx, func(c *conn) error {
		return c.query(dueUsers, func(r row) error {
			page = append(page, storage.Due{ID: strconv.FormatInt(r.int(0), 10), At: time.UnixMilli(r.int(1)).UTC()})
			return nil
		}, millis(now), atMost(limit))
	})
	return page, err
}
