package sqlite

import (
	"context"
	"slices"

	"github.com/topicdesk/topicdesk/storage"
)

var (
	insertMessage = define(`
		INSERT INTO messages (ticket_id, sequence, message_id, hidden, open, answers, version, doc)
		VALUES (?, ?, ?, ?, ?, ?, 1, ?)
		ON CONFLICT DO NOTHING`)
	hasMessage = define(`SELECT 1 FROM messages WHERE message_id = ?`)
	// A message never moves to another ticket or sequence.
	updateMessage = define(`
		UPDATE messages SET hidden = ?4, open = ?5, version = version + 1, doc = ?6
		WHERE ticket_id = ?1 AND sequence = ?2 AND message_id = ?3 AND version = ?7`)
	readMessage    = define(`SELECT doc FROM messages WHERE message_id = ?`)
	messagesAfter  = define(`SELECT doc FROM messages WHERE ticket_id = ? AND sequence > ? ORDER BY sequence LIMIT ?`)
	openMessages   = define(`SELECT doc FROM messages WHERE ticket_id = ? AND open = 1 ORDER BY sequence LIMIT ?`)
	messagesBefore = define(`
		SELECT doc FROM messages WHERE ticket_id = ? AND sequence < ? ORDER BY sequence DESC LIMIT ?`)
	lastMessages    = define(`SELECT doc FROM messages WHERE ticket_id = ? AND hidden = 0 ORDER BY sequence DESC LIMIT ?`)
	answering       = define(`SELECT doc FROM messages WHERE answers = ? AND message_id > ? ORDER BY message_id LIMIT ?`)
	lastSequence    = define(`SELECT sequence FROM messages WHERE ticket_id = ? ORDER BY sequence DESC LIMIT 1`)
	messageVersions = define(`SELECT sequence, version FROM messages WHERE ticket_id = ? AND sequence > ? ORDER BY sequence LIMIT ?`)
)

// InsertMessage implements storage.Messages.
func (s *Store) InsertMessage(ctx context.Context, m *storage.Message) error {
	if err := validID("message or ticket id", m.MessageID, m.TicketID); err != nil {
		return err
	}
	record := m.Kept()
	record.Version = 1
	doc, err := encode(&record)
	if err != nil {
		return err
	}
	err = s.write(ctx, func(w *writer) error {
		n, err := w.exec(insertMessage,
			record.TicketID, record.Sequence, record.MessageID, record.Hidden(), record.Open(), answersOf(&record), doc)
		if err != nil || n == 1 {
			return err
		}
		known := false
		err = w.conn.query(hasMessage, func(row) error {
			known = true
			return nil
		}, record.MessageID)
		switch {
		case err != nil:
			return err
		case known:
			return exists("message", record.MessageID)
		}
		return conflict("sequence of message", record.MessageID)
	})
	if err == nil {
		m.Version = record.Version
	}
	return err
}

// Message implements storage.Messages.
func (s *Store) Message(ctx context.Context, messageID string) (*storage.Message, error) {
	return readOne[storage.Message](ctx, s, "message", readMessage, messageID)
}

// SaveMessage implements storage.Messages.
func (s *Store) SaveMessage(ctx context.Context, m *storage.Message) error {
	record, old := m.Kept(), m.Version
	record.Version++
	doc, err := encode(&record)
	if err != nil {
		return err
	}
	err = s.write(ctx, func(w *writer) error {
		return w.one(conflict("message", record.MessageID), updateMessage,
			record.TicketID, record.Sequence, record.MessageID, record.Hidden(), record.Open(), doc, old)
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
	return readAll[storage.Message](ctx, s, messagesAfter, ticketID, after, atMost(limit))
}

// OpenMessages implements storage.Messages.
func (s *Store) OpenMessages(ctx context.Context, ticketID string, limit int) ([]storage.Message, error) {
	return readAll[storage.Message](ctx, s, openMessages, ticketID, atMost(limit))
}

// MessagesBefore implements storage.Messages.
func (s *Store) MessagesBefore(
	ctx context.Context, ticketID string, before int64, limit int,
) ([]storage.Message, error) {
	return readAll[storage.Message](ctx, s, messagesBefore, ticketID, before, atMost(limit))
}

// LastMessages implements storage.Messages.
func (s *Store) LastMessages(ctx context.Context, ticketID string, limit int) ([]storage.Message, error) {
	page, err := readAll[storage.Message](ctx, s, lastMessages, ticketID, atMost(limit))
	slices.Reverse(page)
	return page, err
}

// MessagesAnswering implements storage.Messages.
func (s *Store) MessagesAnswering(
	ctx context.Context, answers, after string, limit int,
) ([]storage.Message, error) {
	return readAll[storage.Message](ctx, s, answering, answers, after, atMost(limit))
}

// answersOf is what a message answers, as its column has it. No change of a message changes that.
func answersOf(m *storage.Message) any {
	if answers := m.Answers(); answers != "" {
		return answers
	}
	return nil
}

// LastSequence implements storage.Messages.
func (s *Store) LastSequence(ctx context.Context, ticketID string) (last int64, err error) {
	err = s.read(ctx, func(c *conn) error {
		return c.query(lastSequence, func(r row) error {
			last = r.int(0)
			return nil
		}, ticketID)
	})
	return last, err
}

// MessageVersions implements storage.Messages.
func (s *Store) MessageVersions(
	ctx context.Context, ticketID string, after int64, limit int,
) (all []storage.MessageVersion, err error) {
	err = s.read(ctx, func(c *conn) error {
		all = nil
		return c.query(messageVersions, func(r row) error {
			all = append(all, storage.MessageVersion{Sequence: r.int(0), Version: r.int(1)})
			return nil
		}, ticketID, after, atMost(limit))
	})
	return all, err
}
