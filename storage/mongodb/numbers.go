package mongodb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/topicdesk/topicdesk/storage"
)

// Numbers of tickets. ticket_numbers has one document once the first was taken.

const numbersID = "tickets"

var (
	highestNumber = define("tickets", "number",
		bson.D{e("index.number", bson.D{e("$gt", arg(0))})}, bson.D{e("index.number", -1)}, bson.D{e("number", 1)})
	// ticketsToNumber are in the order of their creation.
	ticketsToNumber = func() listQueries {
		all := listKind{oldestFirst: true}.define()
		fields := bson.D{e("number", 1), e("createdAt", 1)}
		all.then.fields, all.rest.fields = fields, fields
		return all
	}()
	newestMessage = define("messages", "sequence",
		bson.D{e("ticketId", arg(0))}, bson.D{e("sequence", -1)}, bson.D{e("recordedAt", 1)})
)

// TakeNumbers implements storage.Tickets.
func (s *Store) TakeNumbers(ctx context.Context, n int) (first int64, err error) {
	if n <= 0 {
		return 0, fmt.Errorf("mongodb: %d numbers of tickets can't be taken", n)
	}
	update := bson.D{e("$inc", bson.D{e("last", int64(n))})}
	o := options.FindOneAndUpdate().SetReturnDocument(options.After)
	err = s.run(ctx, func(ctx context.Context) error {
		var taken struct {
			Last int64 `bson:"last"`
		}
		err := s.in("ticket_numbers").FindOneAndUpdate(ctx, bson.D{e("_id", numbersID)}, update, o).Decode(&taken)
		if errors.Is(err, mongo.ErrNoDocuments) {
			if err = s.firstNumbers(ctx); err == nil {
				err = s.in("ticket_numbers").FindOneAndUpdate(ctx, bson.D{e("_id", numbersID)}, update, o).Decode(&taken)
			}
		}
		first = taken.Last - int64(n) + 1
		return err
	})
	if err != nil {
		return 0, err
	}
	return first, nil
}

// firstNumbers makes the document from the highest number that a ticket has, unless another node has made it meanwhile.
func (s *Store) firstNumbers(ctx context.Context) error {
	raw, err := s.one(ctx, s.certain("tickets"), highestNumber, []any{int64(0)})
	var highest int64
	switch {
	case err == nil:
		highest, _ = raw.Lookup("number").AsInt64OK()
	case !errors.Is(err, mongo.ErrNoDocuments):
		return err
	}
	_, err = s.in("ticket_numbers").InsertOne(ctx, bson.D{e("_id", numbersID), e("last", highest)})
	if mongo.IsDuplicateKeyError(err) {
		return nil
	}
	return err
}

// toNumber is a ticket as far as numbering needs it.
type toNumber struct {
	ID        string    `bson:"_id"`
	Number    int64     `bson:"number"`
	CreatedAt time.Time `bson:"createdAt"`
}

// numberedTogether is how many tickets get their numbers with one command.
const numberedTogether = 1000

// numberTickets numbers the tickets of earlier schemas in the order of their creation. Whoever does it again, or at the
// same time, comes to the same numbers, and leaves those alone that have theirs.
func numberTickets(ctx context.Context, s *Store) error {
	number, last := int64(0), toNumber{}
	for {
		page, err := s.ticketsToNumber(ctx, last)
		if err != nil || len(page) == 0 {
			return err
		}
		last = page[len(page)-1]
		var updates []mongo.WriteModel
		for _, t := range page {
			if t.Number > 0 {
				number = max(number, t.Number)
				continue
			}
			number++
			at, err := s.lastMessageAt(ctx, t)
			if err != nil {
				return err
			}
			updates = append(updates, mongo.NewUpdateOneModel().
				SetFilter(bson.D{e("_id", t.ID), e("number", bson.D{e("$exists", false)})}).
				SetUpdate(bson.D{e("$set", bson.D{
					e("number", number), e("index.number", number), e("lastMessageAt", milli(at)),
				})}))
		}
		if len(updates) == 0 {
			continue
		}
		err = s.run(ctx, func(ctx context.Context) error {
			_, err := s.in("tickets").BulkWrite(ctx, updates)
			return err
		})
		if err != nil {
			return err
		}
	}
}

// ticketsToNumber returns a page of all tickets, after the given one.
func (s *Store) ticketsToNumber(ctx context.Context, after toNumber) (page []toNumber, err error) {
	at := milli(after.CreatedAt)
	args := []any{"", "", "", "", storage.Statuses, at, milli(time.Unix(1<<40, 0)), at, after.ID}
	if after.ID != "" {
		if page, err = find[toNumber](ctx, s, ticketsToNumber.then, numberedTogether, args...); err != nil || len(page) > 0 {
			return page, err
		}
	}
	return find[toNumber](ctx, s, ticketsToNumber.rest, numberedTogether, args...)
}

func (s *Store) lastMessageAt(ctx context.Context, t toNumber) (time.Time, error) {
	type recorded struct {
		At time.Time `bson:"recordedAt"`
	}
	found, err := find[recorded](ctx, s, newestMessage, 1, t.ID)
	if err != nil || len(found) == 0 || !found[0].At.After(t.CreatedAt) {
		return t.CreatedAt, err
	}
	return found[0].At, nil
}
