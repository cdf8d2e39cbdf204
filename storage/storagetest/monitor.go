package storagetest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/topicdesk/topicdesk/storage"
)

func anErrorGroup(fingerprint string) *storage.ErrorGroup {
	return &storage.ErrorGroup{
		Fingerprint: fingerprint, Component: "chat", Place: "actors/internal/chat.(*chat).onDone", Message: "a call failed",
		Level: "error", Count: 3, FirstAt: day, LastAt: minute(1), Occurrence: 1, TicketIDs: []string{"TICK-A"},
		Facts:    []storage.Fact{{Name: "error", Value: "Bad Request"}},
		Reports:  []storage.Report{{Boot: "b", Sequence: 2}},
		Unlogged: []storage.Event{{EventID: "evt_1", Type: "error.occurred", At: day, Data: []byte(`{}`)}},
	}
}

func aProblem(id string) *storage.Problem {
	return &storage.Problem{ProblemID: id, Kind: "group_lag", Subject: "g1", Name: "Support", OpenedAt: day, Times: 1}
}

func testMonitor(t *testing.T, f Factory) {
	ctx := t.Context()
	t.Run("errors come in pages, by fingerprint, and go by their version", func(t *testing.T) {
		s := f.Open(t)
		var want []storage.ErrorGroup
		var all []*storage.ErrorGroup
		for i := range f.Sizes.Rows {
			all = append(all, anErrorGroup(fmt.Sprintf("%03d", i)))
		}
		noError(t, s.SaveErrorGroups(ctx, nil))
		noError(t, s.SaveErrorGroups(ctx, all))
		for _, g := range all {
			same(t, g.Version, int64(1))
			want = append(want, *g)
		}
		var got []storage.ErrorGroup
		for after := ""; ; after = got[len(got)-1].Fingerprint {
			page, err := s.ErrorGroups(ctx, after, 7)
			noError(t, err)
			if len(page) == 0 {
				break
			}
			got = append(got, page...)
		}
		same(t, got, want)
		noError(t, s.SaveErrorGroups(ctx, all[:1]))
		stale := want[0]
		fails(t, s.SaveErrorGroups(ctx, []*storage.ErrorGroup{&stale}), storage.ErrConflict)
		fails(t, s.SaveErrorGroups(ctx, []*storage.ErrorGroup{anErrorGroup("001")}), storage.ErrExists)
		fails(t, s.DeleteErrorGroup(ctx, "000", 1), storage.ErrConflict)
		noError(t, s.DeleteErrorGroup(ctx, "000", 2))
		fails(t, s.DeleteErrorGroup(ctx, "000", 2), storage.ErrConflict)
		_, err := s.ErrorGroup(ctx, "000")
		fails(t, err, storage.ErrNotFound)
	})
	t.Run("problems come in pages, by id, and go by their version", func(t *testing.T) {
		s := f.Open(t)
		a, b := aProblem("prb_a"), aProblem("prb_b")
		noError(t, s.SaveProblem(ctx, b))
		noError(t, s.SaveProblem(ctx, a))
		page, err := s.Problems(ctx, "", 1)
		noError(t, err)
		same(t, page, []storage.Problem{*a})
		page, err = s.Problems(ctx, "prb_a", 9)
		noError(t, err)
		same(t, page, []storage.Problem{*b})
		fails(t, s.DeleteProblem(ctx, "prb_a", 2), storage.ErrConflict)
		noError(t, s.DeleteProblem(ctx, "prb_a", 1))
		_, err = s.Problem(ctx, "prb_a")
		fails(t, err, storage.ErrNotFound)
	})
}

func monitorSaveables() []saveable {
	return []saveable{
		saveableOf("error",
			func(id int) *storage.ErrorGroup { return anErrorGroup(fmt.Sprintf("e%d", id)) },
			func(s storage.Store, ctx context.Context, g *storage.ErrorGroup) error {
				return s.SaveErrorGroups(ctx, []*storage.ErrorGroup{g})
			},
			func(s storage.Store, ctx context.Context, g *storage.ErrorGroup) (*storage.ErrorGroup, error) {
				return s.ErrorGroup(ctx, g.Fingerprint)
			},
			func(g *storage.ErrorGroup) *int64 { return &g.Version },
			func(g *storage.ErrorGroup) *string { return &g.Message },
			func(g, like *storage.ErrorGroup) { g.Fingerprint, g.Version = like.Fingerprint, like.Version }),
		saveableOf("problem",
			func(id int) *storage.Problem { return aProblem(fmt.Sprintf("prb_%d", id)) },
			storage.Store.SaveProblem,
			func(s storage.Store, ctx context.Context, p *storage.Problem) (*storage.Problem, error) {
				return s.Problem(ctx, p.ProblemID)
			},
			func(p *storage.Problem) *int64 { return &p.Version },
			func(p *storage.Problem) *string { return &p.Detail },
			func(p, like *storage.Problem) {
				p.ProblemID, p.Name, p.Version = like.ProblemID, like.Name, like.Version
			}),
	}
}

func (m *machine) errorGroup(t *rapid.T) {
	g := anErrorGroup(name(t, "id", "e1", "e2", "e3"))
	stored, err := m.model.ErrorGroup(m.ctx, g.Fingerprint)
	g.Version = version(t, stored, err, func(g *storage.ErrorGroup) int64 { return g.Version })
	if number(t, "delete", 4) == 0 {
		both(t, m, "DeleteErrorGroup", func(s storage.Store) (any, error) {
			return nil, s.DeleteErrorGroup(m.ctx, g.Fingerprint, g.Version)
		})
		return
	}
	saveBoth(t, m, *g, func(s storage.Store, ctx context.Context, g *storage.ErrorGroup) error {
		return s.SaveErrorGroups(ctx, []*storage.ErrorGroup{g})
	})
}

func (m *machine) problem(t *rapid.T) {
	p := aProblem(name(t, "id", "prb_1", "prb_2", "prb_3"))
	stored, err := m.model.Problem(m.ctx, p.ProblemID)
	p.Version = version(t, stored, err, func(p *storage.Problem) int64 { return p.Version })
	if number(t, "delete", 4) == 0 {
		both(t, m, "DeleteProblem", func(s storage.Store) (any, error) {
			return nil, s.DeleteProblem(m.ctx, p.ProblemID, p.Version)
		})
		return
	}
	saveBoth(t, m, *p, storage.Store.SaveProblem)
}

// compareMonitor compares what the calls above can change.
func (m *machine) compareMonitor(t *rapid.T) {
	after, limit := name(t, "after", "", "e1", "prb_1"), 1+int(number(t, "page", 3))
	both(t, m, "ErrorGroups", func(s storage.Store) ([]storage.ErrorGroup, error) { return s.ErrorGroups(m.ctx, after, limit) })
	both(t, m, "Problems", func(s storage.Store) ([]storage.Problem, error) { return s.Problems(m.ctx, after, limit) })
}

func errorVersion(g *storage.ErrorGroup) *int64 { return &g.Version }
func problemVersion(p *storage.Problem) *int64  { return &p.Version }

func (m *model) ErrorGroup(ctx context.Context, fingerprint string) (*storage.ErrorGroup, error) {
	return modelGet(ctx, m, m.errors, fingerprint)
}

func (m *model) ErrorGroups(ctx context.Context, after string, limit int) ([]storage.ErrorGroup, error) {
	return modelList(ctx, m, m.errors, func(g storage.ErrorGroup) bool { return g.Fingerprint > after },
		func(page []storage.ErrorGroup) {
			slices.SortFunc(page, func(a, b storage.ErrorGroup) int { return cmp.Compare(a.Fingerprint, b.Fingerprint) })
		}, 0, limit)
}

func (m *model) SaveErrorGroups(ctx context.Context, groups []*storage.ErrorGroup) error {
	if len(groups) == 0 {
		return ctx.Err()
	}
	for _, g := range groups {
		if err := modelSave(ctx, m, m.errors, g.Fingerprint, g, g.Kept(), errorVersion, nil); err != nil {
			return err
		}
	}
	return nil
}

func (m *model) DeleteErrorGroup(ctx context.Context, fingerprint string, version int64) error {
	return modelDeleteVersion(ctx, m, m.errors, fingerprint, version, errorVersion)
}

func (m *model) Problem(ctx context.Context, id string) (*storage.Problem, error) {
	return modelGet(ctx, m, m.problems, id)
}

func (m *model) Problems(ctx context.Context, after string, limit int) ([]storage.Problem, error) {
	return modelList(ctx, m, m.problems, func(p storage.Problem) bool { return p.ProblemID > after },
		func(page []storage.Problem) {
			slices.SortFunc(page, func(a, b storage.Problem) int { return cmp.Compare(a.ProblemID, b.ProblemID) })
		}, 0, limit)
}

func (m *model) SaveProblem(ctx context.Context, p *storage.Problem) error {
	return modelSave(ctx, m, m.problems, p.ProblemID, p, p.Kept(), problemVersion, nil)
}

func (m *model) DeleteProblem(ctx context.Context, id string, version int64) error {
	return modelDeleteVersion(ctx, m, m.problems, id, version, problemVersion)
}

// modelDeleteVersion deletes a record that has the version.
func modelDeleteVersion[T any](
	ctx context.Context, m *model, all map[string]T, id string, version int64, of func(*T) *int64,
) error {
	if err := m.begin(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	if stored, ok := all[id]; !ok || *of(&stored) != version {
		return storage.ErrConflict
	}
	delete(all, id)
	return nil
}
