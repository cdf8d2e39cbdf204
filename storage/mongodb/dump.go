package mongodb

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/topicdesk/topicdesk/storage"
)

var _ storage.Dumper = (*Store)(nil)

var (
	dumpUsers       = define("users", "_id_", bson.D{e("_id", bson.D{e("$gte", arg(0))})}, bson.D{e("_id", 1)}, nil)
	dumpTickets     = dumpByID("tickets")
	dumpChats       = dumpByID("chats")
	dumpIdempotency = dumpByID("idempotency")
	dumpLeases      = dumpByID("leases")
	dumpOffsets     = dumpByID("offsets")
	dumpMessages    = dumpByTwo("messages", "sequence", "ticketId", "sequence")
	dumpCopies      = dumpByTwo("copies", "topic", "messageId", "topicId")
	dumpEvents      = dumpByTwo("events", "place", "partition", "position")
	// The remaining copies of the message at which the dump was interrupted.
	copiesOfAfter = define("copies", "topic",
		bson.D{e("messageId", arg(0)), e("topicId", bson.D{e("$gt", arg(1))})}, bson.D{e("topicId", 1)}, nil)
)

func dumpByID(collection string) *query {
	return define(collection, "_id_", bson.D{e("_id", bson.D{e("$gt", arg(0))})}, bson.D{e("_id", 1)}, nil)
}

func dumpByTwo(collection, index, first, second string) *query {
	return define(collection, index, bson.D{e(first, bson.D{e("$gt", arg(0))})}, bson.D{e(first, 1), e(second, 1)}, nil)
}

// Dump implements storage.Dumper.
func (s *Store) Dump(ctx context.Context, collection string, after any) iter.Seq2[any, error] {
	return func(yield func(any, error) bool) {
		for {
			before := after
			err := s.dumpAfter(ctx, collection, after, func(record any) bool {
				after = record
				return yield(record, nil)
			})
			if errors.Is(err, errEnough) || err == nil {
				return
			}
			// The connection broke: continue after the last record, if there was progress.
			if !errors.Is(err, storage.ErrUnavailable) || after == before || !pause(ctx) {
				yield(nil, err)
				return
			}
		}
	}
}

var errEnough = errors.New("the reader has enough")

func (s *Store) dumpAfter(ctx context.Context, collection string, after any, each func(any) bool) error {
	switch collection {
	case "users":
		from := int64(math.MinInt64)
		if u, ok := after.(*storage.User); ok {
			if u.TelegramID == math.MaxInt64 {
				return ctx.Err()
			}
			from = u.TelegramID + 1
		}
		return dump[storage.User](ctx, s, dumpUsers, each, from)
	case "groups":
		g, _ := orNew[storage.Group](after)
		return dump[storage.Group](ctx, s, listGroups, each, g.GroupID)
	case "tickets":
		t, _ := orNew[storage.Ticket](after)
		return dump[storage.Ticket](ctx, s, dumpTickets, each, t.TicketID)
	case "messages":
		m, more := orNew[storage.Message](after)
		return dumpTwo[storage.Message](ctx, s, more, messagesAfter, dumpMessages, each, m.TicketID, m.Sequence)
	case "copies":
		c, more := orNew[storage.Copy](after)
		return dumpTwo[storage.Copy](ctx, s, more, copiesOfAfter, dumpCopies, each, c.MessageID, c.TopicID)
	case "attachments":
		a, _ := orNew[storage.Attachment](after)
		return dump[storage.Attachment](ctx, s, attachmentsAfter, each, a.AttachmentID)
	case "chats":
		c, _ := orNew[storage.Chat](after)
		return dump[storage.Chat](ctx, s, dumpChats, each, c.ChatID)
	case "events":
		event, more := orNew[storage.Event](after)
		if !more {
			event.Partition = -1
		}
		return dumpTwo[storage.Event](ctx, s, more, logAfter, dumpEvents, each, event.Partition, event.Position)
	case "api_keys":
		k, _ := orNew[storage.APIKey](after)
		return dump[storage.APIKey](ctx, s, listAPIKeys, each, k.KeyID)
	case "idempotency":
		i, _ := orNew[storage.Idempotency](after)
		return dump[storage.Idempotency](ctx, s, dumpIdempotency, each, i.RequestID)
	case "webhooks":
		w, _ := orNew[storage.Webhook](after)
		return dump[storage.Webhook](ctx, s, listWebhooks, each, w.WebhookID)
	case "deliveries":
		d, more := orNew[storage.Delivery](after)
		if more {
			created := milli(d.CreatedAt)
			if err := dump[storage.Delivery](ctx, s, dumpedAt, each, d.WebhookID, created, d.EventID); err != nil {
				return err
			}
			if err := dump[storage.Delivery](ctx, s, dumpedAfter, each, d.WebhookID, created); err != nil {
				return err
			}
		}
		return dump[storage.Delivery](ctx, s, dumpDeliveries, each, d.WebhookID)
	case "replays":
		r, _ := orNew[storage.Replay](after)
		return dump[storage.Replay](ctx, s, dumpReplays, each, r.ReplayID)
	case "consumers":
		c, more := orNew[storage.Consumer](after)
		return dumpTwo[storage.Consumer](ctx, s, more, consumersAfter, dumpConsumers, each, c.KeyID, c.Name)
	case "errors":
		g, _ := orNew[storage.ErrorGroup](after)
		return dump[storage.ErrorGroup](ctx, s, listErrorGroups, each, g.Fingerprint)
	case "problems":
		p, _ := orNew[storage.Problem](after)
		return dump[storage.Problem](ctx, s, listProblems, each, p.ProblemID)
	case "tallies":
		t, _ := orNew[storage.Tally](after)
		return dump[storage.Tally](ctx, s, dumpTallies, each, t.TallyID)
	case "leases":
		l, _ := orNew[storage.Lease](after)
		return dump[storage.Lease](ctx, s, dumpLeases, each, l.Entity)
	case "offsets":
		o, _ := orNew[storage.SavedOffset](after)
		return dump[storage.SavedOffset](ctx, s, dumpOffsets, each, o.Name)
	case "waiting_updates":
		u, more := orNew[storage.WaitingUpdate](after)
		return dumpTwo[storage.WaitingUpdate](ctx, s, more, listUpdates, dumpUpdates, each, u.Bot, u.UpdateID)
	}
	return fmt.Errorf("mongodb: there is no collection %q", collection)
}

// orNew returns the record to continue after, or an empty one, which is before all others.
func orNew[T any](after any) (record *T, more bool) {
	if record, more = after.(*T); more {
		return record, true
	}
	return new(T), false
}

// dumpPatience is how long each batch of a dump may take. No request waits for it, and the server may sort a whole
// collection before it gives the first batch; that it is gone is found sooner by the driver's heartbeats.
const dumpPatience = 5 * time.Minute

// dump reads everything that q finds in batches.
func dump[T any](ctx context.Context, s *Store, q *query, each func(any) bool, args ...any) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	var cursor *mongo.Cursor
	err := s.within(ctx, dumpPatience, func(ctx context.Context) (err error) {
		o := options.Find().SetHint(q.index).SetSort(q.sort).SetBatchSize(dumpBatch)
		cursor, err = s.in(q.collection).Find(ctx, bind(q.filter, args), o)
		return err
	})
	if err != nil {
		return err
	}
	defer func() { _ = cursor.Close(ctx) }()
	for more := true; more; {
		err := s.within(ctx, dumpPatience, func(ctx context.Context) error {
			more = cursor.Next(ctx)
			return cursor.Err()
		})
		if err != nil || !more {
			return err
		}
		record, err := decode[T](cursor.Current)
		if err != nil {
			return s.explain(err)
		}
		if !each(&record) {
			return errEnough
		}
	}
	return nil
}

// dumpBatch limits the records of a batch, so that a batch of large records is not too large.
const dumpBatch = 500

// dumpTwo reads a collection whose key has two parts. When it continues after a record, it first reads the other
// records with the same first part.
func dumpTwo[T any](
	ctx context.Context, s *Store, more bool, same, rest *query, each func(any) bool, first, second any,
) error {
	if more {
		if err := dump[T](ctx, s, same, each, first, second); err != nil {
			return err
		}
	}
	return dump[T](ctx, s, rest, each, first)
}

// Count implements storage.Dumper.
func (s *Store) Count(ctx context.Context, collection string) (n int64, err error) {
	if err := s.begin(ctx); err != nil {
		return 0, err
	}
	defer s.end()
	err = s.within(ctx, dumpPatience, func(ctx context.Context) error {
		n, err = s.in(collection).EstimatedDocumentCount(ctx, options.EstimatedDocumentCount())
		return err
	})
	return n, err
}
