package mongodb

import (
	"context"
	"errors"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// Numbers of tickets. ticket_numbers has one document once the first was taken.

const numbersID = "tickets"

var (
	highestNumber = define("tickets", "number",
		bson.D{e("index.number", bson.D{e("$gt", arg(0))})}, bson.D{e("index.number", -1)}, bson.D{e("number", 1)})
	numbersTaken = byID("ticket_numbers")
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
			if err = s.raiseNumbers(ctx); err == nil {
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

// raiseNumbers sees to it that numbers which are taken from now on are above those that tickets have.
func (s *Store) raiseNumbers(ctx context.Context) error {
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
		_, err = s.in("ticket_numbers").UpdateOne(ctx,
			bson.D{e("_id", numbersID)}, bson.D{e("$max", bson.D{e("last", highest)})})
	}
	return err
}

// numbersAreTaken reports whether some number was taken already.
func (s *Store) numbersAreTaken(ctx context.Context) (taken bool, err error) {
	err = s.run(ctx, func(ctx context.Context) error {
		_, err := s.one(ctx, s.certain("ticket_numbers"), numbersTaken, []any{numbersID})
		if taken = err == nil; errors.Is(err, mongo.ErrNoDocuments) {
			return nil
		}
		return err
	})
	return taken, err
}
