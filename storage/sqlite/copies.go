package sqlite

import (
	"context"
	"slices"

	"github.com/topicdesk/topicdesk/storage"
)

var (
	insertCopy = define(`
		INSERT INTO copies (message_id, topic_id, link_id, sequence, open, failed, chat_id, part, version, doc)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1, ?) ON CONFLICT DO NOTHING`)
	updateCopy = define(`
		UPDATE copies SET link_id = ?3, sequence = ?4, open = ?5, failed = ?6, chat_id = ?7, part = ?8,
			version = version + 1, doc = ?9
		WHERE message_id = ?1 AND topic_id = ?2 AND version = ?10`)
	deleteParts = define(`DELETE FROM copy_parts WHERE message_id = ? AND topic_id = ?`)
	insertPart  = define(`INSERT INTO copy_parts (message_id, topic_id, n, chat_id, part) VALUES (?, ?, ?, ?, ?)`)
	readCopy    = define(`SELECT doc FROM copies WHERE message_id = ? AND topic_id = ?`)
	copiesAt    = define(`
		SELECT doc FROM (
			SELECT doc, sequence, message_id, topic_id FROM copies WHERE chat_id = ?1 AND part = ?2
			UNION ALL
			SELECT c.doc, c.sequence, c.message_id, c.topic_id
			FROM copy_parts p CROSS JOIN copies c ON c.message_id = p.message_id AND c.topic_id = p.topic_id
			WHERE p.chat_id = ?1 AND p.part = ?2
		) ORDER BY sequence, topic_id, message_id`)
	copiesAfter = define(`
		SELECT doc FROM copies WHERE link_id = ? AND sequence > ? ORDER BY sequence, topic_id LIMIT ?`)
	openCopies = define(`
		SELECT doc FROM copies WHERE link_id = ? AND open = 1 ORDER BY sequence, topic_id LIMIT ?`)
	failedCopies = define(`
		SELECT doc FROM copies WHERE link_id = ? AND failed = 1 AND sequence > ? ORDER BY sequence, topic_id LIMIT ?`)
	copiesOf = define(`SELECT doc FROM copies WHERE message_id = ? ORDER BY topic_id`)
)

// SaveCopy implements storage.Copies.
func (s *Store) SaveCopy(ctx context.Context, c *storage.Copy) error {
	if err := validID("message or topic id", c.MessageID, c.TopicID); err != nil {
		return err
	}
	record, old := c.Kept(), c.Version
	record.Version++
	doc, err := encode(&record)
	if err != nil {
		return err
	}
	if len(record.Parts) > 1 {
		record.Parts = slices.Clone(record.Parts)
	}
	columns := copyColumns(&record, doc)
	save := func(w *writer) error {
		if old == 0 {
			return w.one(exists("copy", record.MessageID), insertCopy, columns...)
		}
		return w.one(conflict("copy", record.MessageID), updateCopy, append(columns, old)...)
	}
	err = s.write(ctx, func(w *writer) error {
		if old == 0 && len(record.Parts) <= 1 {
			return save(w)
		}
		return w.atomically(func() error {
			if err := save(w); err != nil {
				return err
			}
			return w.saveParts(&record)
		})
	})
	if err == nil {
		c.Version = record.Version
	}
	return err
}

func copyColumns(c *storage.Copy, doc string) []any {
	var first any
	if len(c.Parts) > 0 {
		first = c.Parts[0]
	}
	return []any{c.MessageID, c.TopicID, c.LinkID, c.Sequence, c.Open(), c.State == "failed", c.ChatID, first, doc}
}

// saveParts stores the parts after the first, which is in the copy's own row.
func (w *writer) saveParts(c *storage.Copy) error {
	if c.Version > 1 {
		if _, err := w.exec(deleteParts, c.MessageID, c.TopicID); err != nil {
			return err
		}
	}
	for n := 1; n < len(c.Parts); n++ {
		if slices.Contains(c.Parts[:n], c.Parts[n]) {
			continue // it is stored already
		}
		if _, err := w.exec(insertPart, c.MessageID, c.TopicID, int64(n), c.ChatID, c.Parts[n]); err != nil {
			return err
		}
	}
	return nil
}

// Copy implements storage.Copies.
func (s *Store) Copy(ctx context.Context, messageID, topicID string) (*storage.Copy, error) {
	return readOne[storage.Copy](ctx, s, "copy", readCopy, messageID, topicID)
}

// CopiesAt implements storage.Copies.
func (s *Store) CopiesAt(ctx context.Context, chatID, messageID int64) ([]storage.Copy, error) {
	return readAll[storage.Copy](ctx, s, copiesAt, chatID, messageID)
}

// CopiesAfter implements storage.Copies.
func (s *Store) CopiesAfter(ctx context.Context, linkID string, after int64, limit int) ([]storage.Copy, error) {
	return readAll[storage.Copy](ctx, s, copiesAfter, linkID, after, atMost(limit))
}

// OpenCopies implements storage.Copies.
func (s *Store) OpenCopies(ctx context.Context, linkID string, limit int) ([]storage.Copy, error) {
	return readAll[storage.Copy](ctx, s, openCopies, linkID, atMost(limit))
}

// FailedCopies implements storage.Copies.
func (s *Store) FailedCopies(ctx context.Context, linkID string, after int64, limit int) ([]storage.Copy, error) {
	return readAll[storage.Copy](ctx, s, failedCopies, linkID, after, atMost(limit))
}

// CopiesOf implements storage.Copies.
func (s *Store) CopiesOf(ctx context.Context, messageID string) ([]storage.Copy, error) {
	return readAll[storage.Copy](ctx, s, copiesOf, messageID)
}
