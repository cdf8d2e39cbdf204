package mongodb

import (
	"context"
	"errors"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/topicdesk/topicdesk/storage"
)

// The search index is made anew when the folding of texts has changed. Each ticket says in index.fold which folding its
// grams have; the schema's document says which folding all of them have, and up to which ticket that is checked.

var ticketsByID = define("tickets", "_id_",
	bson.D{e("_id", bson.D{e("$gt", arg(0))})}, bson.D{e("_id", 1)}, nil)

// indexedTicket is a ticket with what its index says.
type indexedTicket struct {
	storage.Ticket `bson:",inline"`
	Index          struct {
		Fold int64 `json:"fold"`
	} `json:"index"`
}

// scannedTicket is a ticket as far as it can be decoded.
type scannedTicket struct {
	id     string
	ticket indexedTicket
	err    error
}

// UnmarshalBSON implements bson.Unmarshaler. It keeps the error, which concerns one ticket of a page.
func (r *scannedTicket) UnmarshalBSON(raw []byte) error {
	r.id, _ = bson.Raw(raw).Lookup("_id").StringValueOK()
	r.ticket, r.err = decode[indexedTicket](raw)
	return nil
}

// checkIndex notes whether the search index must be made anew.
func (s *Store) checkIndex(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.options.command)
	defer cancel()
	schema, err := s.schema(ctx)
	if err == nil {
		s.outdated.Store(schema.SearchVersion != storage.FoldVersion)
	}
	return err
}

func (s *Store) schema(ctx context.Context) (schemaDocument, error) {
	raw, err := s.one(ctx, s.certain(schemaCollection), readSchema, []any{schemaID})
	if err != nil {
		return schemaDocument{}, err
	}
	return decode[schemaDocument](raw)
}

// Reindex implements storage.Tickets. Several nodes may do it concurrently.
func (s *Store) Reindex(ctx context.Context, limit int) (left bool, err error) {
	if !s.outdated.Load() {
		return false, s.run(ctx, func(context.Context) error { return nil })
	}
	var schema schemaDocument
	err = s.run(ctx, func(ctx context.Context) (err error) {
		schema, err = s.schema(ctx)
		return err
	})
	if err != nil {
		return true, err
	}
	if schema.SearchVersion == storage.FoldVersion { // another node was faster
		s.outdated.Store(false)
		return false, nil
	}
	page, err := find[scannedTicket](ctx, s, ticketsByID, limit, schema.SearchThrough)
	if err != nil {
		return true, err
	}
	broken := error(nil)
	for i := range page {
		switch one := &page[i]; {
		case one.err != nil:
			broken = errors.Join(broken, fmt.Errorf("%w: %s: %w", storage.ErrLeftOut, one.id, one.err))
		case one.ticket.Index.Fold != storage.FoldVersion:
			if err := s.reindexOne(ctx, &one.ticket.Ticket); err != nil {
				return true, err
			}
		}
	}
	set := bson.D{e("searchVersion", int64(storage.FoldVersion))}
	if left = len(page) == limit; left {
		set = bson.D{e("searchThrough", page[len(page)-1].id)}
	}
	err = s.run(ctx, func(ctx context.Context) error {
		_, err := s.in(schemaCollection).UpdateOne(ctx, bson.D{e("_id", schemaID)}, bson.D{e("$set", set)})
		return err
	})
	if err != nil {
		return true, err
	}
	s.outdated.Store(left)
	return left, broken
}

// reindexOne writes a ticket's grams, unless it was saved meanwhile: then they are written already.
func (s *Store) reindexOne(ctx context.Context, t *storage.Ticket) error {
	set := bson.D{e("$set", bson.D{e("index.fold", int64(storage.FoldVersion))})}
	if grams := storage.Grams(t); len(grams) > 0 {
		set = bson.D{e("$set", bson.D{e("index.fold", int64(storage.FoldVersion)), e("index.grams", grams)})}
	}
	return s.run(ctx, func(ctx context.Context) error {
		_, err := s.in("tickets").UpdateOne(ctx, bson.D{e("_id", t.TicketID), e("version", t.Version)}, set)
		return err
	})
}
