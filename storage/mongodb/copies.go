package mongodb

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/topicdesk/topicdesk/storage"
)

var (
	readCopy    = byID("copies")
	copiesAt    = define("copies", "parts", bson.D{e("chatId", arg(0)), e("parts", arg(1))}, nil, nil)
	copiesAfter = define("copies", "link",
		bson.D{e("linkId", arg(0)), e("sequence", bson.D{e("$gt", arg(1))})}, bson.D{e("sequence", 1), e("topicId", 1)}, nil)
	openCopies = define("copies", "open",
		bson.D{e("index.open.link", arg(0))}, bson.D{e("index.open.sequence", 1), e("index.open.topic", 1)}, nil)
	failedCopies = define("copies", "failed",
		bson.D{e("index.failed.link", arg(0)), e("index.failed.sequence", bson.D{e("$gt", arg(1))})},
		bson.D{e("index.failed.sequence", 1), e("index.failed.topic", 1)}, nil)
	copiesOf = define("copies", "topic", bson.D{e("messageId", arg(0))}, bson.D{e("topicId", 1)}, nil)
)

// many is the limit of lists that the contract gives none: more than one message can have of copies or attachments.
const many = 100_000

// twoPartID returns the _id of a record whose key has two parts: both, with a "/" between them. A "/" or "\" in the
// first has a "\" before it.
func twoPartID(first, second string) string {
	return strings.NewReplacer(`\`, `\\`, `/`, `\/`).Replace(first) + "/" + second
}

func copyDocument(c *storage.Copy) (bson.Raw, bson.ObjectID, error) {
	if err := validID("message or topic id", c.MessageID, c.TopicID); err != nil {
		return nil, bson.ObjectID{}, err
	}
	var on []bson.E
	if c.Open() {
		on = append(on, e("open", bson.D{e("link", c.LinkID), e("sequence", c.Sequence), e("topic", c.TopicID)}))
	}
	if c.State == "failed" {
		on = append(on, e("failed", bson.D{e("link", c.LinkID), e("sequence", c.Sequence), e("topic", c.TopicID)}))
	}
	return encode(twoPartID(c.MessageID, c.TopicID), c.Kept(), on...)
}

// SaveCopy implements storage.Copies.
func (s *Store) SaveCopy(ctx context.Context, c *storage.Copy) error {
	record, old := c.Kept(), c.Version
	record.Version++
	doc, writeID, err := copyDocument(&record)
	if err != nil {
		return err
	}
	id := twoPartID(record.MessageID, record.TopicID)
	err = s.save(ctx, &write{collection: "copies", what: "copy", id: id, old: old, doc: doc, writeID: writeID})
	if err == nil {
		c.Version = record.Version
	}
	return err
}

// Copy implements storage.Copies.
func (s *Store) Copy(ctx context.Context, messageID, topicID string) (*storage.Copy, error) {
	return get[storage.Copy](ctx, s, "copy", readCopy, twoPartID(messageID, topicID))
}

// CopiesAt implements storage.Copies.
func (s *Store) CopiesAt(ctx context.Context, chatID, messageID int64) ([]storage.Copy, error) {
	page, err := find[storage.Copy](ctx, s, copiesAt, many, chatID, messageID)
	slices.SortFunc(page, func(a, b storage.Copy) int {
		return cmp.Or(
			cmp.Compare(a.Sequence, b.Sequence),
			strings.Compare(a.TopicID, b.TopicID), strings.Compare(a.MessageID, b.MessageID))
	})
	return page, err
}

// CopiesAfter implements storage.Copies.
func (s *Store) CopiesAfter(ctx context.Context, linkID string, after int64, limit int) ([]storage.Copy, error) {
	return find[storage.Copy](ctx, s, copiesAfter, limit, linkID, after)
}

// OpenCopies implements storage.Copies.
func (s *Store) OpenCopies(ctx context.Context, linkID string, limit int) ([]storage.Copy, error) {
	return find[storage.Copy](ctx, s, openCopies, limit, linkID)
}

// FailedCopies implements storage.Copies.
func (s *Store) FailedCopies(ctx context.Context, linkID string, after int64, limit int) ([]storage.Copy, error) {
	return find[storage.Copy](ctx, s, failedCopies, limit, linkID, after)
}

// CopiesOf implements storage.Copies.
func (s *Store) CopiesOf(ctx context.Context, messageID string) ([]storage.Copy, error) {
	return find[storage.Copy](ctx, s, copiesOf, many, messageID)
}
