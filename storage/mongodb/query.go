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

// query is the find command of MongoDB. Queries are package variables beside the methods that use them, so that tests
// can visit all of them: each must be served by its index.
type query struct {
	collection string
	index      string // name of the index that serves it, given to MongoDB as the hint
	filter     bson.D // with arg instead of values
	sort       bson.D
	fields     bson.D // nil: the whole document
}

// arg stands for the argument with that number, from 0.
type arg int

// listArg is the argument that is a list.
const listArg arg = 9

var queries []*query

func define(collection, index string, filter, sort, fields bson.D) *query {
	q := &query{collection, index, filter, sort, fields}
	queries = append(queries, q)
	return q
}

// byID defines the query for one document by its _id.
func byID(collection string) *query {
	return define(collection, "_id_", bson.D{e("_id", arg(0))}, nil, nil)
}

// bind returns the filter with its arguments.
func bind(filter bson.D, args []any) bson.D {
	bound := make(bson.D, len(filter))
	for i, element := range filter {
		switch value := element.Value.(type) {
		case arg:
			element.Value = args[value]
		case bson.D:
			element.Value = bind(value, args)
		}
		bound[i] = element
	}
	return bound
}

// find returns at most limit records that q finds, and none when limit is not positive.
func find[T any](ctx context.Context, s *Store, q *query, limit int, args ...any) ([]T, error) {
	return findFrom[T](ctx, s, q, 0, limit, args...)
}

// findFrom does what find does, but skips the first offset records.
func findFrom[T any](ctx context.Context, s *Store, q *query, offset, limit int, args ...any) (page []T, err error) {
	err = s.run(ctx, func(ctx context.Context) error {
		page = nil
		if limit <= 0 {
			return nil
		}
		// The batch is as large as the page, so that one answer has all of it, unless the page is very large.
		batch := min(limit, 1000) + 1
		o := options.Find().SetHint(q.index).SetLimit(int64(limit)).SetBatchSize(int32(batch)).SetSkip(int64(offset))
		if q.sort != nil {
			o.SetSort(q.sort)
		}
		if q.fields != nil {
			o.SetProjection(q.fields)
		}
		cursor, err := s.in(q.collection).Find(ctx, bind(q.filter, args), o)
		if err != nil {
			return err
		}
		defer func() { _ = cursor.Close(ctx) }()
		for cursor.Next(ctx) {
			record, err := decode[T](cursor.Current)
			if err != nil {
				return err
			}
			page = append(page, record)
		}
		return cursor.Err()
	})
	if err != nil {
		return nil, err
	}
	return page, nil
}

// get returns the first record that q finds, or storage.ErrNotFound. It confirms by a linearizable read that there is
// none.
func get[T any](ctx context.Context, s *Store, what string, q *query, args ...any) (record *T, err error) {
	err = s.run(ctx, func(ctx context.Context) error {
		raw, err := s.one(ctx, s.in(q.collection), q, args)
		if errors.Is(err, mongo.ErrNoDocuments) && s.replicated {
			raw, err = s.one(ctx, s.certain(q.collection), q, args)
		}
		if errors.Is(err, mongo.ErrNoDocuments) {
			return fmt.Errorf("%s %v: %w", what, args[0], storage.ErrNotFound)
		}
		if err != nil {
			return err
		}
		r, err := decode[T](raw)
		record = &r
		return err
	})
	if err != nil {
		return nil, err
	}
	return record, nil
}

func (s *Store) one(ctx context.Context, from *mongo.Collection, q *query, args []any) (bson.Raw, error) {
	o := options.FindOne().SetHint(q.index)
	if q.sort != nil {
		o.SetSort(q.sort)
	}
	if q.fields != nil {
		o.SetProjection(q.fields)
	}
	return from.FindOne(ctx, bind(q.filter, args), o).Raw()
}

// dues is the result of a query for due records.
type dues struct {
	Index struct {
		Due struct {
			At     bson.DateTime `bson:"at"`
			ID     string        `bson:"id"`
			Ticket string        `bson:"ticket"` // of attachments only
		} `bson:"due"`
	} `bson:"index"`
}

var (
	dueFields = bson.D{e("_id", 0), e("index.due", 1)}
	dueOrder  = bson.D{e("index.due.at", 1), e("index.due.id", 1)}
)

func findDue(ctx context.Context, s *Store, q *query, limit int, args ...any) ([]storage.Due, error) {
	found, err := find[dues](ctx, s, q, limit, args...)
	if err != nil {
		return nil, err
	}
	page := make([]storage.Due, len(found))
	for i, d := range found {
		page[i] = storage.Due{ID: d.Index.Due.ID, At: d.Index.Due.At.Time().UTC()}
	}
	return page, nil
}
