package mongodb

import (
	"context"
	"slices"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/topicdesk/topicdesk/storage"
)

var (
	readGroup    = byID("groups")
	groupsByChat = define("groups", "chats", bson.D{e("index.chats", arg(0))}, nil, nil)
	listGroups   = define("groups", "_id_", bson.D{e("_id", bson.D{e("$gt", arg(0))})}, bson.D{e("_id", 1)}, nil)
	dueGroups    = define("groups", "due", bson.D{e("index.due.at", bson.D{e("$lte", arg(0))})}, dueOrder, dueFields)
)

// Group implements storage.Groups.
func (s *Store) Group(ctx context.Context, groupID string) (*storage.Group, error) {
	return get[storage.Group](ctx, s, "group", readGroup, groupID)
}

// GroupByTelegramID implements storage.Groups. If two groups have had that chat id, it returns the one whose current
// id it is.
func (s *Store) GroupByTelegramID(ctx context.Context, chatID int64) (*storage.Group, error) {
	all, err := find[storage.Group](ctx, s, groupsByChat, 1000, chatID)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return get[storage.Group](ctx, s, "group of chat", groupsByChat, chatID) // confirms that there is none
	}
	best := slices.MaxFunc(all, func(a, b storage.Group) int {
		if today := a.TelegramGroupID == chatID; today != (b.TelegramGroupID == chatID) {
			if today {
				return 1
			}
			return -1
		}
		return strings.Compare(a.GroupID, b.GroupID)
	})
	return &best, nil
}

// Groups implements storage.Groups.
func (s *Store) Groups(ctx context.Context, after string, limit int) ([]storage.Group, error) {
	return find[storage.Group](ctx, s, listGroups, limit, after)
}

// SaveGroup implements storage.Groups.
func (s *Store) SaveGroup(ctx context.Context, g *storage.Group) error {
	record, old := g.Kept(), g.Version
	record.Version++
	doc, writeID, err := groupDocument(&record)
	if err != nil {
		return err
	}
	err = s.save(ctx, &write{
		collection: "groups", what: "group", id: record.GroupID, old: old, doc: doc, writeID: writeID,
	})
	if err == nil {
		g.Version = record.Version
	}
	return err
}

// DueGroups implements storage.Groups.
func (s *Store) DueGroups(ctx context.Context, now time.Time, limit int) ([]storage.Due, error) {
	return findDue(ctx, s, dueGroups, limit, milli(now))
}

func groupDocument(g *storage.Group) (bson.Raw, bson.ObjectID, error) {
	if err := validID("id", g.GroupID); err != nil {
		return nil, bson.ObjectID{}, err
	}
	chats := append([]int64{g.TelegramGroupID}, g.FormerIDs...)
	return encode(g.GroupID, g.Kept(), append(due(g.GroupID, g.DueAt), e("chats", chats))...)
}
