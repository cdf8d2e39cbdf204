package mongodb

import (
	"context"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/topicdesk/topicdesk/storage"
)

// Each ticket's document says in which folding it is indexed, and an index finds those of another one. So whoever dies
// in between continues with what is left.

// unmarked is the folding of documents that do not say.
const unmarked storage.Folding = 1

var toRenew = define("tickets", "folding",
	bson.D{e("index.folding", bson.D{e("$ne", arg(0))})}, nil, nil)

// candidateGrams returns the grams of which a candidate has at least one. While some tickets are indexed in the former
// folding, it is one that both foldings have; if there is none, one of each.
func (s *Store) candidateGrams(search *storage.Search) bson.A {
	grams, former := search.Grams(), search.FormerGrams()
	if s.renewed.Load() || len(former) == 0 {
		return bson.A{grams[0]}
	}
	for _, gram := range grams {
		if slices.Contains(former, gram) {
			return bson.A{gram}
		}
	}
	return bson.A{grams[0], former[0]}
}

// RenewSearch implements storage.Tickets. It leaves a ticket's version as it is: nothing that its owner reads changes.
// A ticket that was saved meanwhile is indexed anew already.
func (s *Store) RenewSearch(ctx context.Context, limit int) (n int, more bool, err error) {
	found, err := find[storage.Ticket](ctx, s, toRenew, limit, int32(s.options.folding))
	if err != nil || limit <= 0 {
		return 0, err == nil, err
	}
	if len(found) == 0 {
		s.renewed.Store(true)
		return 0, false, nil
	}
	updates := make([]mongo.WriteModel, len(found))
	for i := range found {
		t := &found[i]
		update := bson.D{e("$set", bson.D{e("index.folding", int32(s.options.folding))})}
		if grams := s.options.folding.Grams(t); len(grams) > 0 {
			update = bson.D{e("$set", bson.D{e("index.folding", int32(s.options.folding)), e("index.grams", grams)})}
		} else {
			update = append(update, e("$unset", bson.D{e("index.grams", "")}))
		}
		updates[i] = mongo.NewUpdateOneModel().SetUpdate(update).
			SetFilter(bson.D{e("_id", t.TicketID), e("version", t.Version)})
	}
	err = s.run(ctx, func(ctx context.Context) error {
		_, err := s.in("tickets").BulkWrite(ctx, updates, options.BulkWrite().SetOrdered(false))
		return err
	})
	if err != nil {
		return 0, true, err
	}
	return len(found), true, nil
}
