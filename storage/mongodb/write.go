package mongodb

import (
	"context"
	"errors"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/topicdesk/topicdesk/storage"
)

// write is one compare-and-set of one document.
type write struct {
	collection string
	what       string // the kind of record, for errors
	id         any    // _id
	old        int64  // the version that must be stored; 0: none
	same       bson.D // further fields that must be stored with these values
	doc        bson.Raw
	writeID    bson.ObjectID
	taken      error // when another document has a unique value of this one; nil: only the id is unique
}

// save carries w out. An attempt may have an unknown outcome: no answer came, or the primary answered that it stepped
// down. Then save looks for the id of the write in the stored document before it returns. So a write that was carried
// out is never reported as a conflict, and one that was not is never reported as done. An attempt that reaches the
// server late does no harm: it expects a version, or an absence, that no longer holds. When the outcome stays
// unknown, the error is storage.ErrUnavailable.
func (s *Store) save(ctx context.Context, w *write) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	unknown := false // an attempt has an unknown outcome
	return s.twice(ctx, func(ctx context.Context) error {
		done, err := s.try(ctx, w)
		if done {
			return nil
		}
		if err != nil && !mongo.IsDuplicateKeyError(err) {
			unknown = true
			return err
		}
		return s.judge(ctx, w, err != nil, unknown)
	})
}

// try carries w out once. It returns false and no error when the expected version is not stored.
func (s *Store) try(ctx context.Context, w *write) (done bool, err error) {
	if w.old == 0 {
		_, err := s.in(w.collection).InsertOne(ctx, w.doc)
		return err == nil, err
	}
	filter := append(bson.D{e("_id", w.id), e("version", w.old)}, w.same...)
	result, err := s.in(w.collection).ReplaceOne(ctx, filter, w.doc)
	if err != nil {
		return false, err
	}
	return result.MatchedCount == 1, nil
}

// judge finds out why w was not carried out. duplicate says that a unique value was stored already.
func (s *Store) judge(ctx context.Context, w *write, duplicate, unknown bool) error {
	stored, err := s.stored(ctx, w.collection, w.id)
	found := err == nil
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return err
	}
	switch {
	case found && stored.WriteID == w.writeID:
		return nil // an earlier attempt of this write was carried out
	case found && w.old == 0:
		return fmt.Errorf("%s %v: %w", w.what, w.id, storage.ErrExists)
	case duplicate && w.taken != nil:
		return w.taken
	case duplicate || unknown && found && stored.Version <= w.old:
		// What prevented the write was deleted meanwhile, or a majority does not have it yet.
		return fmt.Errorf("%w: %s %v: the outcome of the write is unknown", storage.ErrUnavailable, w.what, w.id)
	}
	return fmt.Errorf("%s %v: %w", w.what, w.id, storage.ErrConflict)
}

// stamp identifies a state of a document.
type stamp struct {
	Version  int64         `bson:"version"`
	WriteID  bson.ObjectID `bson:"writeId"`
	EventID  string        `bson:"eventId"`
	Position int64         `bson:"position"` // of an event
}

var stampFields = bson.D{e("version", 1), e("writeId", 1), e("eventId", 1), e("position", 1)}

// stored returns the stamp of the document with that id, or storage.ErrNotFound, by a linearizable read.
func (s *Store) stored(ctx context.Context, collection string, id any) (stamp, error) {
	var found stamp
	err := s.certain(collection).FindOne(ctx, bson.D{e("_id", id)},
		options.FindOne().SetHint("_id_").SetProjection(stampFields)).Decode(&found)
	if errors.Is(err, mongo.ErrNoDocuments) {
		return stamp{}, fmt.Errorf("%s %v: %w", collection, id, storage.ErrNotFound)
	}
	return found, err
}

// insertEach inserts documents in order. For each whose id is stored already it calls stored with the document's
// index, and continues with the next document when that returns nil. When it fails, the first documents may be
// stored.
func (s *Store) insertEach(
	ctx context.Context, collection string, docs []any, stored func(ctx context.Context, n int) error,
) error {
	next := 0 // the documents before it are stored
	return s.run(ctx, func(ctx context.Context) error {
		for next < len(docs) {
			_, err := s.in(collection).InsertMany(ctx, docs[next:])
			if err == nil {
				return nil
			}
			var failed mongo.BulkWriteException
			if !errors.As(err, &failed) || len(failed.WriteErrors) != 1 || failed.WriteErrors[0].Code != codeDuplicateKey {
				return err // the second attempt finds out which documents are stored
			}
			next += failed.WriteErrors[0].Index
			if err := stored(ctx, next); err != nil {
				return err
			}
			next++
		}
		return nil
	})
}
