package mongodb

import (
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"
	"golang.org/x/sync/errgroup"

	"github.com/topicdesk/topicdesk/storage"
)

var (
	readErrorGroup  = byID("errors")
	listErrorGroups = dumpByID("errors")
	readProblem     = byID("problems")
	listProblems    = dumpByID("problems")
)

// ErrorGroup implements storage.Monitor.
func (s *Store) ErrorGroup(ctx context.Context, fingerprint string) (*storage.ErrorGroup, error) {
	return get[storage.ErrorGroup](ctx, s, "error", readErrorGroup, fingerprint)
}

// ErrorGroups implements storage.Monitor.
func (s *Store) ErrorGroups(ctx context.Context, after string, limit int) ([]storage.ErrorGroup, error) {
	return find[storage.ErrorGroup](ctx, s, listErrorGroups, limit, after)
}

// SaveErrorGroups implements storage.Monitor. Each group is a write of its own, several at a time.
func (s *Store) SaveErrorGroups(ctx context.Context, groups []*storage.ErrorGroup) error {
	if len(groups) == 0 {
		return ctx.Err()
	}
	writes := make([]*write, len(groups))
	for i, g := range groups {
		record := g.Kept()
		record.Version++
		doc, writeID, err := errorGroupDocument(&record)
		if err != nil {
			return err
		}
		writes[i] = &write{collection: "errors", what: "error", id: g.Fingerprint, old: g.Version, doc: doc, writeID: writeID}
	}
	var group errgroup.Group
	group.SetLimit(savesAtOnce)
	for i, w := range writes {
		group.Go(func() error {
			err := s.save(ctx, w)
			if err == nil {
				groups[i].Version++
			}
			return err
		})
	}
	return group.Wait()
}

func errorGroupDocument(g *storage.ErrorGroup) (bson.Raw, bson.ObjectID, error) {
	if err := validID("fingerprint", g.Fingerprint); err != nil {
		return nil, bson.ObjectID{}, err
	}
	return encode(g.Fingerprint, g.Kept())
}

// DeleteErrorGroup implements storage.Monitor.
func (s *Store) DeleteErrorGroup(ctx context.Context, fingerprint string, version int64) error {
	return s.deleteVersion(ctx, "errors", fingerprint, version)
}

// Problem implements storage.Monitor.
func (s *Store) Problem(ctx context.Context, problemID string) (*storage.Problem, error) {
	return get[storage.Problem](ctx, s, "problem", readProblem, problemID)
}

// Problems implements storage.Monitor.
func (s *Store) Problems(ctx context.Context, after string, limit int) ([]storage.Problem, error) {
	return find[storage.Problem](ctx, s, listProblems, limit, after)
}

// SaveProblem implements storage.Monitor.
func (s *Store) SaveProblem(ctx context.Context, p *storage.Problem) error {
	record, old := p.Kept(), p.Version
	record.Version++
	doc, writeID, err := problemDocument(&record)
	if err != nil {
		return err
	}
	err = s.save(ctx, &write{collection: "problems", what: "problem", id: record.ProblemID, old: old, doc: doc, writeID: writeID})
	if err == nil {
		p.Version = record.Version
	}
	return err
}

func problemDocument(p *storage.Problem) (bson.Raw, bson.ObjectID, error) {
	if err := validID("id", p.ProblemID); err != nil {
		return nil, bson.ObjectID{}, err
	}
	return encode(p.ProblemID, p.Kept())
}

// DeleteProblem implements storage.Monitor.
func (s *Store) DeleteProblem(ctx context.Context, problemID string, version int64) error {
	return s.deleteVersion(ctx, "problems", problemID, version)
}
