package sqlite

import (
	"context"
	"time"

	"github.com/topicdesk/topicdesk/storage"
)

var (
	insertTally = define(`
		INSERT INTO tallies (tally_id, changed_at, answered_at, first_closed_at, closed_at, version, doc)
		VALUES (?, ?, ?, ?, ?, 1, ?) ON CONFLICT DO NOTHING`)
	updateTally = define(`
		UPDATE tallies SET changed_at = ?2, answered_at = ?3, first_closed_at = ?4, closed_at = ?5, version = version + 1,
			doc = ?6
		WHERE tally_id = ?1 AND version = ?7`)
	readTally   = define(`SELECT doc FROM tallies WHERE tally_id = ?`)
	listTallies = define(`SELECT doc FROM tallies WHERE tally_id > ? AND tally_id < ? ORDER BY tally_id LIMIT ?`)
	talliesBy   = [...]*statement{
		storage.TallyAnswered: define(`
			SELECT doc FROM tallies WHERE (answered_at, tally_id) > (?, ?) AND answered_at < ?
			ORDER BY answered_at, tally_id LIMIT ?`),
		storage.TallyFirstClosed: define(`
			SELECT doc FROM tallies WHERE (first_closed_at, tally_id) > (?, ?) AND first_closed_at < ?
			ORDER BY first_closed_at, tally_id LIMIT ?`),
		storage.TallyClosed: define(`
			SELECT doc FROM tallies WHERE (closed_at, tally_id) > (?, ?) AND closed_at < ?
			ORDER BY closed_at, tally_id LIMIT ?`),
	}
	deleteTallies = define(`
		DELETE FROM tallies WHERE tally_id IN (
			SELECT tally_id FROM tallies WHERE changed_at < ? ORDER BY changed_at, tally_id LIMIT ?)`)
)

func tallyColumns(t *storage.Tally, doc string) []any {
	return []any{t.TallyID, dueAt(t.ChangedAt), dueAt(t.AnsweredAt), dueAt(t.FirstClosedAt), dueAt(t.ClosedAt), doc}
}

// Tally implements storage.Tallies.
func (s *Store) Tally(ctx context.Context, tallyID string) (*storage.Tally, error) {
	return readOne[storage.Tally](ctx, s, "tally", readTally, tallyID)
}

// SaveTallies implements storage.Tallies. It saves all of them or none.
func (s *Store) SaveTallies(ctx context.Context, tallies []*storage.Tally) error {
	if len(tallies) == 0 {
		return ctx.Err()
	}
	// The writer may run after the caller has given up: it must not read what the caller may change.
	type entry struct {
		id      string
		columns []any
		old     int64
	}
	entries := make([]entry, len(tallies))
	for i, t := range tallies {
		if err := validID("id", t.TallyID); err != nil {
			return err
		}
		record := t.Kept()
		record.Version++
		doc, err := encode(&record)
		if err != nil {
			return err
		}
		entries[i] = entry{t.TallyID, tallyColumns(&record, doc), t.Version}
	}
	err := s.write(ctx, func(w *writer) error {
		return w.atomically(func() (err error) {
			for _, e := range entries {
				if e.old == 0 {
					err = w.one(exists("tally", e.id), insertTally, e.columns...)
				} else {
					err = w.one(conflict("tally", e.id), updateTally, append(e.columns, e.old)...)
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
	})
	if err == nil {
		for _, t := range tallies {
			t.Version++
		}
	}
	return err
}

// Tallies implements storage.Tallies.
func (s *Store) Tallies(ctx context.Context, after, before string, limit int) ([]storage.Tally, error) {
	return readAll[storage.Tally](ctx, s, listTallies, after, before, atMost(limit))
}

// TalliesBy implements storage.Tallies.
func (s *Store) TalliesBy(
	ctx context.Context, by storage.TallyTime, after storage.Due, before time.Time, limit int,
) ([]storage.Tally, error) {
	return readAll[storage.Tally](ctx, s, talliesBy[by.Known()], millis(after.At), after.ID, millis(before), atMost(limit))
}

// DeleteTallies implements storage.Tallies.
func (s *Store) DeleteTallies(ctx context.Context, before time.Time, limit int) (int, error) {
	n := make(chan int64, 1)
	err := s.write(ctx, func(w *writer) error {
		deleted, err := w.exec(deleteTallies, millis(before), atMost(limit))
		n <- deleted
		return err
	})
	if err != nil {
		return 0, err
	}
	return int(<-n), nil
}
