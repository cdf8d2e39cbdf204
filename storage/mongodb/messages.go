package mongodb

import (
	"context"
	"fmt"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/topicdesk/topicdesk/storage"
)

var (
	readMessage   = byID("messages")
	messagesAfter = define("messages", "sequence",
		bson.D{e("ticketId", arg(0)), e("sequence", bson.D{e("$gt", arg(1))})}, bson.D{e("sequence", 1)}, nil)
	openMessages = define("messages", "open",
		bson.D{e("index.open.ticket", arg(0))}, bson.D{e("index.open.sequence", 1)}, nil)
	messagesBefore = define("messages", "sequence",
		bson.D{e("ticketId", arg(0)), e("sequence", bson.D{e("$lt", arg(1))})}, bson.D{e("sequence", -1)}, nil)
	// The query reads internal notes and deleted messages too and skips them; a ticket has few.
	lastMessages = define("messages", "sequence",
		bson.D{e("ticketId", arg(0)), e("internal", bson.D{e("$ne", true)}), e("deleted", bson.D{e("$ne", true)})},
		bson.D{e("sequence", -1)}, nil)
	messageVersions = define("messages", "sequence",
		bson.D{e("ticketId", arg(0)), e("sequence", bson.D{e("$gt", arg(1))})}, bson.D{e("sequence", 1)},
		bson.D{e("_id", 0), e("sequence", 1), e("version", 1)})
	lastSequence = define("messages", "sequence",
		bson.D{e("ticketId", arg(0))}, bson.D{e("sequence", -1)}, bson.D{e("_id", 0), e("sequence", 1)})
)

// InsertMessage implements storage.Messages.
func (s *Store) InsertMessage(ctx context.Context, m *storage.Message) error {
	record := m.Kept()
	record.Version = 1
	doc, writeID, err := messageDocument(&record)
	if err != nil {
		return err
	}
	err = s.save(ctx, &write{
		collection: "messages", what: "message", id: record.MessageID, doc: doc, writeID: writeID,
		taken: fmt.Errorf("sequence %d of ticket %s: %w", record.Sequence, record.TicketID, storage.ErrConflict),
	})
	if err == nil {
		m.Version = record.Version
	}
	return err
}

// Message implements storage.Messages.
func (s *Store) Message(ctx context.Context, messageID string) (*storage.Message, error) {
	return get[storage.Message](ctx, s, "message", readMessage, messageID)
}

// SaveMessage implements storage.Messages.
func (s *Store) SaveMessage(ctx context.Context, m *storage.Message) error {
	record, old := m.Kept(), m.Version
	if old == 0 {
		return fmt.Errorf("message %s was never stored: %w", m.MessageID, storage.ErrConflict)
	}
	record.Version++
	doc, writeID, err := messageDocument(&record)
	if err != nil {
		return err
	}
	err = s.save(ctx, &write{
		collection: "messages", what: "message", id: record.MessageID, old: old, doc: doc, writeID: writeID,
		same: bson.D{e("ticketId", record.TicketID), e("sequence", record.Sequence)},
	})
	if err == nil {
		m.Version = record.Version
	}
	return err
}

// MessagesAfter implements storage.Messages.
func (s *Store) MessagesAfter(
	ctx context.Context, ticketID string, after int64, limit int,
) ([]storage.Message, error) {
	return find[storage.Message](ctx, s, messagesAfter, limit, ticketID, after)
}

// OpenMessages implements storage.Messages.
func (s *Store) OpenMessages(ctx context.Context, ticketID string, limit int) ([]storage.Message, error) {
	return find[storage.Message](ctx, s, openMessages, limit, ticketID)
}

// MessagesBefore implements storage.Messages.
func (s *Store) MessagesBefore(
	ctx context.Context, ticketID string, before int64, limit int,
) ([]storage.Message, error) {
	return find[storage.Message](ctx, s, messagesBefore, limit, ticketID, before)
}

// LastMessages implements storage.Messages.
func (s *Store) LastMessages(ctx context.Context, ticketID string, limit int) ([]storage.Message, error) {
	page, err := find[storage.Message](ctx, s, lastMessages, limit, ticketID)
	slices.Reverse(page)
	return page, err
}

// LastSequence implements storage.Messages.
func (s *Store) LastSequence(ctx context.Context, ticketID string) (int64, error) {
	last, err := find[storage.Message](ctx, s, lastSequence, 1, ticketID)
	if err != nil || len(last) == 0 {
		return 0, err
	}
	return last[0].Sequence, nil
}

// MessageVersions implements storage.Messages.
func (s *Store) MessageVersions(
	ctx context.Context, ticketID string, after int64, limit int,
) ([]storage.MessageVersion, error) {
	return find[storage.MessageVersion](ctx, s, messageVersions, limit, ticketID, after)
}

func messageDocument(m *storage.Message) (bson.Raw, bson.ObjectID, error) {
	if err := validID("message or ticket id", m.MessageID, m.TicketID); err != nil {
		return nil, bson.ObjectID{}, err
	}
	var on []bson.E
	if m.Open() {
		on = append(on, e("open", bson.D{e("ticket", m.TicketID), e("sequence", m.Sequence)}))
	}
	if answers := m.Answers(); answers != "" {
		on = append(on, e("answers", indexedAnswers(answers, m.MessageID)))
	}
	return encode(m.MessageID, m.Kept(), on...)
}
