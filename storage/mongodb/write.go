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
	what       string // the kind of record, for messages
	id         any    // _id
	old        int64  // version that is expected to be stored; 0: none
	same       bson.D // what of the stored document must not be changed, besides
	doc        bson.Raw
	writeID    bson.ObjectID
	taken      error // what it means that another document has what must be unique, apart from the id; nil: there is nothing
}

// save carries w out. After an attempt of which the outcome is unknown (no answer came, or one that the primary gave up)
// it looks for the write's own id in the stored document before it says anything: a write that was carried out is never
// reported as a conflict, and one that was not is never reported as done. A late ghost of an attempt does no harm: the
// version, or the id, that it expects is there no more. What can't be found out is storage.ErrUnavailable.
func (s *Store) save(ctx context.Context, w *write) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	unknown := false // whether an attempt was carried out
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

// try carries w out once. It is not done, without an error, when the expected version is not stored.
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

// judge finds out why w was not carried out; duplicate says that something that must be unique was there already.
func (s *Store) judge(ctx context.Context, w *write, duplicate, unknown bool) error {
	stored, err := s.stored(ctx, w.collection, w.id)
	found := err == nil
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return err
	}
	switch {
	case found && stored.WriteID == w.writeID:
		return nil // it was an earlier attempt of this very write
	case found && w.old == 0:
		return fmt.Errorf("%s %v: %w", w.what, w.id, storage.ErrExists)
	case duplicate && w.taken != nil:
		return w.taken
	case duplicate || unknown && found && stored.Version <= w.old:
		// What stood in the way has gone meanwhile, or is not there for all to see yet.
		return fmt.Errorf("%w: %s %v: what is stored could not be found out", storage.ErrUnavailable, w.what, w.id)
	}
	return fmt.Errorf("%s %v: %w", w.what, w.id, storage.ErrConflict)
}

// stamp is what tells one state of a document from another.
type stamp struct {
	Version int64         `bson:"version"`
	WriteID bson.ObjectID `bson:"writeId"`
	EventID string        `bson:"eventId"`
}

var stampFields = bson.D{e("version", 1), e("writeId", 1), e("eventId", 1)}

// stored returns the stamp of the document with that id, or storage.ErrNotFound, and makes sure of it.
func (s *Store) stored(ctx context.Context, collection string, id any) (stamp, error) {
	var found stamp
	err := s.certain(collection).FindOne(ctx, bson.D{e("_id", id)},
		options.FindOne().SetHint("_id_").SetProjection(stampFields)).Decode(&found)
	if errors.Is(err, mongo.ErrNoDocuments) {
		return stamp{}, fmt.Errorf("%s %v: %w", collection, id, storage.ErrNotFound)
	}
	return found, err
}
