package mongodb

import (
	"context"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"golang.org/x/sync/errgroup"

	"github.com/topicdesk/topicdesk/storage"
)

var (
	readTally   = byID("tallies")
	dumpTallies = dumpByID("tallies")
	listTallies = define("tallies", "_id_",
		bson.D{e("_id", bson.D{e("$gt", arg(0)), e("$lt", arg(1))})}, bson.D{e("_id", 1)}, nil)
	oldTallies = define("tallies", "changed",
		bson.D{e("index.changed.at", bson.D{e("$lt", arg(1))})},
		bson.D{e("index.changed.at", 1), e("index.changed.id", 1)}, bson.D{e("_id", 1)})
	talliesBy = [...]tallyQueries{
		storage.TallyAnswered: talliesOrderedBy("answered"), storage.TallyFirstClosed: talliesOrderedBy("firstClosed"),
		storage.TallyClosed: talliesOrderedBy("closed"),
	}
)

// tallyQueries find tallies by a time: at that of the place where a page begins, and later.
type tallyQueries struct{ then, later *query }

func talliesOrderedBy(index string) tallyQueries {
	at, id := "index."+index+".at", "index."+index+".id"
	order := bson.D{e(at, 1), e(id, 1)}
	return tallyQueries{
		then:  define("tallies", index, bson.D{e(at, arg(1)), e(id, bson.D{e("$gt", arg(0))})}, order, nil),
		later: define("tallies", index, bson.D{e(at, bson.D{e("$gt", arg(1)), e("$lt", arg(5))})}, order, nil),
	}
}

// Tally implements storage.Tallies.
func (s *Store) Tally(ctx context.Context, tallyID string) (*storage.Tally, error) {
	return get[storage.Tally](ctx, s, "tally", readTally, tallyID)
}

// SaveTallies implements storage.Tallies. Each is a write of its own, several at a time.
func (s *Store) SaveTallies(ctx context.Context, tallies []*storage.Tally) error {
	if len(tallies) == 0 {
		return ctx.Err()
	}
	writes := make([]*write, len(tallies))
	for i, t := range tallies {
		record := t.Kept()
		record.Version++
		doc, writeID, err := tallyDocument(&record)
		if err != nil {
			return err
		}
		writes[i] = &write{collection: "tallies", what: "tally", id: t.TallyID, old: t.Version, doc: doc, writeID: writeID}
	}
	var group errgroup.Group
	group.SetLimit(savesAtOnce)
	for i, w := range writes {
		group.Go(func() error {
			err := s.save(ctx, w)
			if err == nil {
				tallies[i].Version++
			}
			return err
		})
	}
	return group.Wait()
}

func tallyDocument(t *storage.Tally) (bson.Raw, bson.ObjectID, error) {
	if err := validID("id", t.TallyID); err != nil {
		return nil, bson.ObjectID{}, err
	}
	record := t.Kept()
	var on []bson.E
	for _, index := range []struct {
		name string
		at   time.Time
	}{{"changed", record.ChangedAt}, {"answered", record.AnsweredAt}, {"firstClosed", record.FirstClosedAt},
		{"closed", record.ClosedAt}} {
		if !index.at.IsZero() {
			on = append(on, e(index.name, bson.D{e("at", milli(index.at)), e("id", t.TallyID)}))
		}
	}
	return encode(t.TallyID, record, on...)
}

// Tallies implements storage.Tallies.
func (s *Store) Tallies(ctx context.Context, after, before string, limit int) ([]storage.Tally, error) {
	return find[storage.Tally](ctx, s, listTallies, limit, after, before)
}

// TalliesBy implements storage.Tallies.
func (s *Store) TalliesBy(
	ctx context.Context, by storage.TallyTime, after storage.Due, before time.Time, limit int,
) (page []storage.Tally, err error) {
	q := talliesBy[by.Known()]
	if after.At.Before(before) {
		if page, err = find[storage.Tally](ctx, s, q.then, limit, after.ID, milli(after.At)); err != nil {
			return nil, err
		}
	}
	rest, err := find[storage.Tally](ctx, s, q.later, limit-len(page), nil, milli(after.At), nil, nil, nil, milli(before))
	if err != nil {
		return nil, err
	}
	return append(page, rest...), nil
}

// DeleteTallies implements storage.Tallies.
func (s *Store) DeleteTallies(ctx context.Context, before time.Time, limit int) (int, error) {
	old, err := find[struct {
		ID string `bson:"_id" json:"_id"`
	}](ctx, s, oldTallies, limit, nil, milli(before))
	if err != nil || len(old) == 0 {
		return 0, err
	}
	ids := make(bson.A, len(old))
	for i, t := range old {
		ids[i] = t.ID
	}
	err = s.run(ctx, func(ctx context.Context) error {
		filter := bson.D{e("_id", bson.D{e("$in", ids)}), e("index.changed.at", bson.D{e("$lt", milli(before))})}
		_, err := s.in("tallies").DeleteMany(ctx, filter)
		return err
	})
	if err != nil {
		return 0, err
	}
	return len(ids), nil
}
