package mongodb

import (
	"context"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/topicdesk/topicdesk/storage"
)

var (
	listSamples = define("samples", "_id_",
		bson.D{e("_id", bson.D{e("$gt", arg(0)), e("$lt", arg(1))})}, bson.D{e("_id", 1)}, nil)
	oldSamples = define("samples", "_id_",
		bson.D{e("_id", bson.D{e("$gt", arg(0)), e("$lt", arg(1))})}, bson.D{e("_id", 1)}, bson.D{e("_id", 1)})
)

// SaveSample implements storage.Samples. A repeated write stores the same again.
func (s *Store) SaveSample(ctx context.Context, sample storage.Sample) error {
	if err := validID("node", sample.Node); err != nil {
		return err
	}
	doc, _, err := encode(sample.Key(), sample.Kept())
	if err != nil {
		return err
	}
	return s.run(ctx, func(ctx context.Context) error {
		for {
			_, err := s.in("samples").ReplaceOne(ctx, bson.D{e("_id", sample.Key())}, doc, options.Replace().SetUpsert(true))
			if !mongo.IsDuplicateKeyError(err) {
				return err
			}
			// Another attempt inserted it at the same moment.
		}
	})
}

// Samples implements storage.Samples.
func (s *Store) Samples(ctx context.Context, minutes int, from time.Time, after string, limit int) ([]storage.Sample, error) {
	after = max(after, storage.SampleKey(minutes, from))
	return find[storage.Sample](ctx, s, listSamples, limit, after, storage.SampleKeysEnd(minutes))
}

// DeleteSamples implements storage.Samples.
func (s *Store) DeleteSamples(ctx context.Context, minutes int, before time.Time, limit int) (int, error) {
	first, end := storage.SampleKey(minutes, time.Time{}), storage.SampleKey(minutes, before)
	old, err := find[struct {
		ID string `bson:"_id" json:"_id"`
	}](ctx, s, oldSamples, limit, first, end)
	if err != nil || len(old) == 0 {
		return 0, err
	}
	filter := bson.D{e("_id", bson.D{e("$gt", first), e("$lte", old[len(old)-1].ID)})}
	err = s.run(ctx, func(ctx context.Context) error {
		_, err := s.in("samples").DeleteMany(ctx, filter, options.DeleteMany().SetHint("_id_"))
		return err
	})
	if err != nil {
		return 0, err
	}
	return len(old), nil
}
