package mongodb

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/topicdesk/topicdesk/storage"
)

// Unfinished says whether the database is half of a copy, for whoever has opened it WithCopying.
func (s *Store) Unfinished(ctx context.Context) (is bool, err error) {
	err = s.run(ctx, func(ctx context.Context) error {
		schema, err := s.schema(ctx)
		is = schema.MinReader == storage.Unfinished
		return err
	})
	return is, err
}

// BeginCopy marks a database that has a schema, but no records.
func (s *Store) BeginCopy(ctx context.Context) error { return s.mark(ctx, storage.Unfinished) }

// EndCopy makes a desk of what was copied.
func (s *Store) EndCopy(ctx context.Context) error {
	oldest := int64(0)
	for _, step := range s.options.steps {
		oldest = max(oldest, step.minReader)
	}
	return s.mark(ctx, oldest)
}

func (s *Store) mark(ctx context.Context, minReader int64) error {
	return s.run(ctx, func(ctx context.Context) error {
		_, err := s.in(schemaCollection).UpdateOne(ctx, bson.D{e("_id", schemaID)},
			bson.D{e("$set", bson.D{e("minReader", minReader)})})
		return err
	})
}
