package sqlite

import (
	"context"

	"github.com/topicdesk/topicdesk/storage"
)

var (
	insertErrorGroup = define(`INSERT INTO errors (fingerprint, version, doc) VALUES (?, 1, ?) ON CONFLICT DO NOTHING`)
	updateErrorGroup = define(`UPDATE errors SET version = version + 1, doc = ?2 WHERE fingerprint = ?1 AND version = ?3`)
	readErrorGroup   = define(`SELECT doc FROM errors WHERE fingerprint = ?`)
	listErrorGroups  = define(`SELECT doc FROM errors WHERE fingerprint > ? ORDER BY fingerprint LIMIT ?`)
	deleteErrorGroup = define(`DELETE FROM errors WHERE fingerprint = ? AND version = ?`)

	insertProblem = define(`INSERT INTO problems (problem_id, version, doc) VALUES (?, 1, ?) ON CONFLICT DO NOTHING`)
	updateProblem = define(`UPDATE problems SET version = version + 1, doc = ?2 WHERE problem_id = ?1 AND version = ?3`)
	readProblem   = define(`SELECT doc FROM problems WHERE problem_id = ?`)
	listProblems  = define(`SELECT doc FROM problems WHERE problem_id > ? ORDER BY problem_id LIMIT ?`)
	deleteProblem = define(`DELETE FROM problems WHERE problem_id = ? AND version = ?`)
)

// ErrorGroup implements storage.Monitor.
func (s *Store) ErrorGroup(ctx context.Context, fingerprint string) (*storage.ErrorGroup, error) {
	return readOne[storage.ErrorGroup](ctx, s, "error", readErrorGroup, fingerprint)
}

// ErrorGroups implements storage.Monitor.
func (s *Store) ErrorGroups(ctx context.Context, after string, limit int) ([]storage.ErrorGroup, error) {
	return readAll[storage.ErrorGroup](ctx, s, listErrorGroups, after, atMost(limit))
}

// SaveErrorGroups implements storage.Monitor. It saves all of them or none.
func (s *Store) SaveErrorGroups(ctx context.Context, groups []*storage.ErrorGroup) error {
	if len(groups) == 0 {
		return ctx.Err()
	}
	docs := make([]string, len(groups))
	for i, g := range groups {
		if err := validID("fingerprint", g.Fingerprint); err != nil {
			return err
		}
		record := g.Kept()
		record.Version++
		var err error
		if docs[i], err = encode(&record); err != nil {
			return err
		}
	}
	// The writer may run after the caller has given up: it must not read what the caller may change.
	type entry struct {
		id, doc string
		old     int64
	}
	entries := make([]entry, len(groups))
	for i, g := range groups {
		entries[i] = entry{g.Fingerprint, docs[i], g.Version}
	}
	err := s.write(ctx, func(w *writer) error {
		return w.atomically(func() (err error) {
			for _, e := range entries {
				if e.old == 0 {
					err = w.one(exists("error", e.id), insertErrorGroup, e.id, e.doc)
				} else {
					err = w.one(conflict("error", e.id), updateErrorGroup, e.id, e.doc, e.old)
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
	})
	if err == nil {
		for _, g := range groups {
			g.Version++
		}
	}
	return err
}

// DeleteErrorGroup implements storage.Monitor.
func (s *Store) DeleteErrorGroup(ctx context.Context, fingerprint string, version int64) error {
	return s.write(ctx, func(w *writer) error {
		return w.one(conflict("error", fingerprint), deleteErrorGroup, fingerprint, version)
	})
}

// Problem implements storage.Monitor.
func (s *Store) Problem(ctx context.Context, problemID string) (*storage.Problem, error) {
	return readOne[storage.Problem](ctx, s, "problem", readProblem, problemID)
}

// Problems implements storage.Monitor.
func (s *Store) Problems(ctx context.Context, after string, limit int) ([]storage.Problem, error) {
	return readAll[storage.Problem](ctx, s, listProblems, after, atMost(limit))
}

// SaveProblem implements storage.Monitor.
func (s *Store) SaveProblem(ctx context.Context, p *storage.Problem) error {
	if err := validID("id", p.ProblemID); err != nil {
		return err
	}
	record, old := p.Kept(), p.Version
	record.Version++
	doc, err := encode(&record)
	if err != nil {
		return err
	}
	id := p.ProblemID
	err = s.write(ctx, func(w *writer) error {
		if old == 0 {
			return w.one(exists("problem", id), insertProblem, id, doc)
		}
		return w.one(conflict("problem", id), updateProblem, id, doc, old)
	})
	if err == nil {
		p.Version = record.Version
	}
	return err
}

// DeleteProblem implements storage.Monitor.
func (s *Store) DeleteProblem(ctx context.Context, problemID string, version int64) error {
	return s.write(ctx, func(w *writer) error {
		return w.one(conflict("problem", problemID), deleteProblem, problemID, version)
	})
}
