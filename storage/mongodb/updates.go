package mongodb

import (
	"context"
	"strconv"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/topicdesk/topicdesk/storage"
)

var (
	dumpUpdates = dumpByTwo("waiting_updates", "bot", "bot", "updateId")
	listUpdates = define("waiting_updates", "bot",
		bson.D{e("bot", arg(0)), e("updateId", bson.D{e("$gt", arg(1))})}, bson.D{e("updateId", 1)}, nil)
)

// SaveWaitingUpdates implements storage.WaitingUpdates.
func (s *Store) SaveWaitingUpdates(ctx context.Context, updates []storage.WaitingUpdate) error {
	if len(updates) == 0 {
		return ctx.Err()
	}
	docs := make([]any, len(updates))
	for i := range updates {
		doc, _, err := updateDocument(&updates[i])
		if err != nil {
			return err
		}
		docs[i] = doc
	}
	return s.insertEach(ctx, "waiting_updates", docs, func(context.Context, int) error { return nil })
}

func updateDocument(u *storage.WaitingUpdate) (bson.Raw, bson.ObjectID, error) {
	if err := validID("bot", u.Bot); err != nil {
		return nil, bson.ObjectID{}, err
	}
	return encode(updateID(u.Bot, u.UpdateID), u.Kept())
}

func updateID(bot string, id int64) string { return twoPartID(bot, strconv.FormatInt(id, 10)) }

// WaitingUpdates implements storage.WaitingUpdates.
func (s *Store) WaitingUpdates(ctx context.Context, bot string, after int64, limit int) ([]storage.WaitingUpdate, error) {
	return find[storage.WaitingUpdate](ctx, s, listUpdates, limit, bot, after)
}

// DeleteWaitingUpdates implements storage.WaitingUpdates.
func (s *Store) DeleteWaitingUpdates(ctx context.Context, bot string, updateIDs []int64) error {
	if len(updateIDs) == 0 {
		return ctx.Err()
	}
	ids := make(bson.A, len(updateIDs))
	for i, id := range updateIDs {
		ids[i] = updateID(bot, id)
	}
	return s.run(ctx, func(ctx context.Context) error {
		_, err := s.in("waiting_updates").DeleteMany(ctx, bson.D{e("_id", bson.D{e("$in", ids)})})
		return err
	})
}
