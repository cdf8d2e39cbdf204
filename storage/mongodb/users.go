package mongodb

import (
	"context"
	"strconv"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/topicdesk/topicdesk/storage"
)

var (
	readUser           = byID("users")
	readUserByUsername = define("users", "username",
		bson.D{e("index.username", arg(0))}, bson.D{e("updatedAt", -1), e("_id", -1)}, nil)
	// The filter holds for every name, and only for users with one. It makes the index of internal users serve the query.
	listInternalUsers = define("users", "internal",
		bson.D{e("index.internal.name", bson.D{e("$gte", "")})},
		bson.D{e("index.internal.name", 1), e("index.internal.id", 1)}, nil)
	dueUsers         = define("users", "due", bson.D{e("index.due.at", bson.D{e("$lte", arg(0))})}, dueOrder, dueFields)
	listUsers        = define("users", "_id_", bson.D{e("_id", bson.D{e("$gt", arg(0))})}, bson.D{e("_id", 1)}, nil)
	listUsersOfGroup = define("users", "group",
		bson.D{e("index.group.group", arg(0)), e("index.group.id", bson.D{e("$gt", arg(1))})},
		bson.D{e("index.group.id", 1)}, nil)
)

// User implements storage.Users.
func (s *Store) User(ctx context.Context, telegramID int64) (*storage.User, error) {
	return get[storage.User](ctx, s, "user", readUser, telegramID)
}

// UserByUsername implements storage.Users.
func (s *Store) UserByUsername(ctx context.Context, username string) (*storage.User, error) {
	return get[storage.User](ctx, s, "user", readUserByUsername, valid(strings.ToLower(username)))
}

// InternalUsers implements storage.Users. Names are compared byte by byte.
func (s *Store) InternalUsers(ctx context.Context, offset, limit int) (page []storage.User, total int, err error) {
	err = s.run(ctx, func(ctx context.Context) error {
		hint := options.Count().SetHint(listInternalUsers.index)
		n, err := s.in("users").CountDocuments(ctx, listInternalUsers.filter, hint)
		total = int(n)
		return err
	})
	if err != nil {
		return nil, 0, err
	}
	page, err = findFrom[storage.User](ctx, s, listInternalUsers, max(offset, 0), limit)
	if err != nil {
		return nil, 0, err
	}
	return page, total, nil
}

// SaveUser implements storage.Users.
func (s *Store) SaveUser(ctx context.Context, u *storage.User) error {
	record, old := u.Kept(), u.Version
	record.Version++
	doc, writeID, err := userDocument(&record)
	if err != nil {
		return err
	}
	err = s.save(ctx, &write{
		collection: "users", what: "user", id: record.TelegramID, old: old, doc: doc, writeID: writeID,
	})
	if err == nil {
		u.Version = record.Version
	}
	return err
}

// Users implements storage.Users.
func (s *Store) Users(ctx context.Context, defaultGroupID string, after int64, limit int) ([]storage.User, error) {
	if defaultGroupID == "" {
		return find[storage.User](ctx, s, listUsers, limit, after)
	}
	return find[storage.User](ctx, s, listUsersOfGroup, limit, defaultGroupID, after)
}

// DeleteUser implements storage.Users.
func (s *Store) DeleteUser(ctx context.Context, telegramID, version int64) error {
	return s.deleteVersion(ctx, "users", telegramID, version)
}

func userDocument(u *storage.User) (bson.Raw, bson.ObjectID, error) {
	on := due(strconv.FormatInt(u.TelegramID, 10), u.DueAt)
	if u.Username != "" {
		on = append(on, e("username", strings.ToLower(u.Username)))
	}
	if u.DefaultGroupID != "" {
		on = append(on, e("internal", bson.D{e("name", strings.ToLower(u.FirstName)), e("id", u.TelegramID)}),
			e("group", bson.D{e("group", u.DefaultGroupID), e("id", u.TelegramID)}))
	}
	return encode(u.TelegramID, u.Kept(), on...)
}

// DueUsers implements storage.Users.
func (s *Store) DueUsers(ctx context.Context, now time.Time, limit int) ([]storage.Due, error) {
	return findDue(ctx, s, dueUsers, limit, milli(now))
}
