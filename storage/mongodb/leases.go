package mongodb

import (
	"context"
	"errors"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/topicdesk/topicdesk/storage"
)

var (
	readLease  = byID("leases")
	readOffset = byID("offsets")
)

// lease is a stored lease, with the id of the write that made it.
type lease struct {
	storage.Lease `bson:",inline"`
	WriteID       bson.ObjectID `bson:"writeId"`
}

// TakeLease implements storage.Leases. The write carries an id. If its answer is lost, a second attempt finds the id
// and does not increment the epoch again; nor does the first attempt if it arrives late.
func (s *Store) TakeLease(ctx context.Context, entity, owner string, now time.Time) (epoch int64, err error) {
	if err := validID("entity", entity); err != nil {
		return 0, err
	}
	id := bson.NewObjectID()
	filter := bson.D{e("_id", entity), e("writeId", bson.D{e("$ne", id)})}
	update := bson.D{
		e("$inc", bson.D{e("epoch", int64(1))}),
		e("$set", bson.D{e("entity", entity), e("owner", valid(owner)), e("takenAt", milli(now)), e("writeId", id)}),
	}
	o := options.FindOneAndUpdate().SetUpsert(true).SetReturnDocument(options.After)
	err = s.run(ctx, func(ctx context.Context) error {
		for {
			raw, err := s.in("leases").FindOneAndUpdate(ctx, filter, update, o).Raw()
			if mongo.IsDuplicateKeyError(err) {
				// This write was carried out already, or another one created the first lease at the same moment.
				raw, err = s.one(ctx, s.certain("leases"), readLease, []any{entity})
				if errors.Is(err, mongo.ErrNoDocuments) {
					continue
				}
			}
			if err != nil {
				return err
			}
			taken, err := decode[lease](raw)
			if err != nil {
				return err
			}
			if taken.WriteID == id {
				epoch = taken.Epoch
				return nil
			}
		}
	})
	if err != nil {
		return 0, err
	}
	return epoch, nil
}

// Lease implements storage.Leases.
func (s *Store) Lease(ctx context.Context, entity string) (storage.Lease, error) {
	found, err := get[storage.Lease](ctx, s, "lease", readLease, entity)
	if err != nil {
		return storage.Lease{}, err
	}
	return *found, nil
}

// Offset implements storage.Offsets.
func (s *Store) Offset(ctx context.Context, name string) (int64, error) {
	found, err := find[storage.SavedOffset](ctx, s, readOffset, 1, name)
	if err != nil || len(found) == 0 {
		return 0, err
	}
	return found[0].Value, nil
}

// SaveOffset implements storage.Offsets. An offset that was never saved counts as 0, so a negative one is never
// stored.
func (s *Store) SaveOffset(ctx context.Context, name string, value int64) error {
	if err := validID("name", name); err != nil {
		return err
	}
	update := bson.D{e("$max", bson.D{e("value", max(value, 0))}), e("$set", bson.D{e("name", name)})}
	return s.run(ctx, func(ctx context.Context) error {
		for {
			_, err := s.in("offsets").UpdateOne(ctx, bson.D{e("_id", name)}, update, options.UpdateOne().SetUpsert(true))
			if !mongo.IsDuplicateKeyError(err) {
				return err
			}
			// Another write created the offset at the same moment.
		}
	})
}
