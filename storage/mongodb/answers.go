package mongodb

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/topicdesk/topicdesk/storage"
)

// What a message answers: a key of the index, written with the document.

var messagesAnswering = define("messages", "answers",
	bson.D{e("index.answers.key", arg(0)), e("index.answers.id", bson.D{e("$gt", arg(1))})}, bson.D{e("index.answers.id", 1)}, nil)

// indexedAnswers is what the index has of a message that answers another. Both keys are in it, since a sparse index has every
// document that has one of its keys.
func indexedAnswers(answers, id string) bson.D { return bson.D{e("key", answers), e("id", id)} }

// MessagesAnswering implements storage.Messages.
func (s *Store) MessagesAnswering(
	ctx context.Context, answers, after string, limit int,
) ([]storage.Message, error) {
	if answers == "" {
		return nil, nil
	}
	return find[storage.Message](ctx, s, messagesAnswering, limit, answers, after)
}

var messagesByID = define("messages", "_id_", bson.D{e("_id", bson.D{e("$gt", arg(0))})}, bson.D{e("_id", 1)}, nil)

// scannedMessage is a message as far as it can be decoded.
type scannedMessage struct {
	id      string
	filled  bool // its index knows what it answers
	message storage.Message
}

// UnmarshalBSON implements bson.Unmarshaler. An error concerns one message of a page.
func (r *scannedMessage) UnmarshalBSON(raw []byte) error {
	r.id, _ = bson.Raw(raw).Lookup("_id").StringValueOK()
	_, r.filled = bson.Raw(raw).Lookup("index", "answers", "key").StringValueOK()
	if m, err := decode[storage.Message](raw); err == nil {
		r.message = m
	}
	return nil
}

// fillAnswers writes what the messages that are there answer (storage.Message.Answers), a page in one command. No save of a
// message changes that; one that can't be decoded answers nothing. What an interrupted start has written is left alone.
func fillAnswers(ctx context.Context, s *Store) error {
	after := ""
	for {
		page, err := find[scannedMessage](ctx, s, messagesByID, fillingBatch, after)
		if err != nil || len(page) == 0 {
			return err
		}
		after = page[len(page)-1].id
		var updates []mongo.WriteModel
		for i := range page {
			if answers := page[i].message.Answers(); answers != "" && !page[i].filled {
				updates = append(updates, mongo.NewUpdateOneModel().SetFilter(bson.D{e("_id", page[i].id)}).
					SetUpdate(bson.D{e("$set", bson.D{e("index.answers", indexedAnswers(answers, page[i].id))})}))
			}
		}
		if len(updates) == 0 {
			continue
		}
		err = s.run(ctx, func(ctx context.Context) error {
			_, err := s.in("messages").BulkWrite(ctx, updates, options.BulkWrite().SetOrdered(false))
			return err
		})
		if err != nil {
			return err
		}
	}
}
