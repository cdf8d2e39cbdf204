package storagetest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/topicdesk/topicdesk/storage"
)

func aTally(id string) *storage.Tally {
	return &storage.Tally{TallyID: id, GroupID: "g1", ChangedAt: minute(1), Batch: 7, Number: 3, CreatedAt: day,
		Counts: []storage.TallyCount{{Quarter: 3, By: storage.Creator{Kind: "user", ID: "4711", Name: "Nok"}, Opened: 1}}}
}

var tallyTimes = []storage.TallyTime{storage.TallyAnswered, storage.TallyFirstClosed, storage.TallyClosed}

// setTallyTime sets a time that tallies are listed by.
func setTallyTime(tally *storage.Tally, by storage.TallyTime, at time.Time) {
	switch by {
	case storage.TallyAnswered:
		tally.AnsweredAt = at
	case storage.TallyFirstClosed:
		tally.FirstClosedAt = at
	case storage.TallyClosed:
		tally.ClosedAt = at
	}
}

func testTallies(t *testing.T, f Factory) {
	ctx := t.Context()
	t.Run("tallies are listed by id, and go by their version", func(t *testing.T) {
		s := f.Open(t)
		var all []*storage.Tally
		for i := range f.Sizes.Rows {
			all = append(all, aTally(fmt.Sprintf("%03d", i)))
		}
		noError(t, s.SaveTallies(ctx, nil))
		noError(t, s.SaveTallies(ctx, all))
		same(t, all[0].Version, int64(1))
		var got []storage.Tally
		for after := "000"; ; {
			page, err := s.Tallies(ctx, after, "020", 7)
			noError(t, err)
			if got = append(got, page...); len(page) < 7 {
				break
			}
			after = page[6].TallyID
		}
		same(t, len(got), 19)
		same(t, got[0], *all[1])
		all[1].Batch = 8
		noError(t, s.SaveTallies(ctx, all[1:2]))
		one, err := s.Tally(ctx, "001")
		noError(t, err)
		same(t, one, all[1])
		stale := *all[1]
		stale.Version = 1
		fails(t, s.SaveTallies(ctx, []*storage.Tally{&stale}), storage.ErrConflict)
		fails(t, s.SaveTallies(ctx, []*storage.Tally{aTally("001")}), storage.ErrExists)
		_, err = s.Tally(ctx, "none")
		fails(t, err, storage.ErrNotFound)
	})
	t.Run("tallies are listed by each of their times", func(t *testing.T) {
		for _, by := range tallyTimes {
			s := f.Open(t)
			var want []storage.Tally
			for i := range f.Sizes.Rows { // three for each minute, and one without the time
				tally := aTally(fmt.Sprintf("%03d", i))
				if i > 0 {
					setTallyTime(tally, by, minute(i/3))
				}
				noError(t, s.SaveTallies(ctx, []*storage.Tally{tally}))
				if i >= 6 && i/3 < 9 {
					want = append(want, *tally)
				}
			}
			var got []storage.Tally
			for after := (storage.Due{At: minute(2)}); ; {
				page, err := s.TalliesBy(ctx, by, after, minute(9), 4)
				noError(t, err)
				if got = append(got, page...); len(page) < 4 {
					break
				}
				after = storage.Due{ID: page[3].TallyID, At: page[3].At(by)}
			}
			same(t, got, want)
			changed := want[0]
			setTallyTime(&changed, by, time.Time{})
			noError(t, s.SaveTallies(ctx, []*storage.Tally{&changed}))
			page, err := s.TalliesBy(ctx, by, storage.Due{At: minute(2)}, minute(9), 1)
			noError(t, err)
			same(t, page, want[1:2])
			page, err = s.TalliesBy(ctx, by, storage.Due{At: minute(9)}, minute(9), 9)
			noError(t, err)
			same(t, len(page), 0)
		}
	})
	t.Run("the oldest are deleted, at most so many", func(t *testing.T) {
		s := f.Open(t)
		for i := range 6 {
			tally := aTally(fmt.Sprint(i))
			tally.ChangedAt = minute(5 - i)
			if i == 5 {
				tally.ChangedAt = time.Time{}
			}
			noError(t, s.SaveTallies(ctx, []*storage.Tally{tally}))
		}
		for _, step := range []struct{ before, limit, deleted int }{{3, 0, 0}, {3, 1, 1}, {3, 9, 1}, {3, 9, 0}} {
			n, err := s.DeleteTallies(ctx, minute(step.before), step.limit)
			noError(t, err)
			same(t, n, step.deleted)
		}
		left, err := s.Tallies(ctx, "", "9", 9)
		noError(t, err)
		same(t, len(left), 4) // minutes 3, 4 and 5, and the one that stays
	})
}

func tallySaveable() saveable {
	return saveableOf("tally",
		func(id int) *storage.Tally { return aTally(fmt.Sprintf("t%d", id)) },
		func(s storage.Store, ctx context.Context, t *storage.Tally) error {
			return s.SaveTallies(ctx, []*storage.Tally{t})
		},
		func(s storage.Store, ctx context.Context, t *storage.Tally) (*storage.Tally, error) {
			return s.Tally(ctx, t.TallyID)
		},
		tallyVersion,
		func(t *storage.Tally) *string { return &t.AnsweredBy.Name },
		func(t, like *storage.Tally) { t.TallyID, t.Version = like.TallyID, like.Version })
}

func (m *machine) tally(t *rapid.T) {
	tally := aTally(name(t, "id", "t1", "t2", "t3"))
	stored, err := m.model.Tally(m.ctx, tally.TallyID)
	tally.Version = version(t, stored, err, func(t *storage.Tally) int64 { return t.Version })
	if number(t, "delete", 4) == 0 {
		before, limit := minute(int(number(t, "before", 3))), int(number(t, "limit", 3))
		both(t, m, "DeleteTallies", func(s storage.Store) (int, error) { return s.DeleteTallies(m.ctx, before, limit) })
		return
	}
	tally.ChangedAt = minute(int(number(t, "changed", 3)))
	for _, by := range tallyTimes {
		if at := number(t, "at", 3); at > 0 {
			setTallyTime(tally, by, minute(int(at)))
		}
	}
	saveBoth(t, m, *tally, func(s storage.Store, ctx context.Context, t *storage.Tally) error {
		return s.SaveTallies(ctx, []*storage.Tally{t})
	})
}

// compareTallies compares what the calls above can change.
func (m *machine) compareTallies(t *rapid.T) {
	after, limit := name(t, "after", "", "t1"), 1+int(number(t, "page", 3))
	both(t, m, "Tallies", func(s storage.Store) ([]storage.Tally, error) { return s.Tallies(m.ctx, after, "t3", limit) })
	place := storage.Due{ID: after, At: minute(int(number(t, "from", 3)))}
	for _, by := range tallyTimes {
		both(t, m, "TalliesBy", func(s storage.Store) ([]storage.Tally, error) {
			return s.TalliesBy(m.ctx, by, place, minute(3), limit)
		})
	}
}

func tallyVersion(t *storage.Tally) *int64 { return &t.Version }

func (m *model) Tally(ctx context.Context, tallyID string) (*storage.Tally, error) {
	return modelGet(ctx, m, m.tallies, tallyID)
}

func (m *model) SaveTallies(ctx context.Context, tallies []*storage.Tally) error {
	if len(tallies) == 0 {
		return ctx.Err()
	}
	for _, t := range tallies {
		if err := modelSave(ctx, m, m.tallies, t.TallyID, t, t.Kept(), tallyVersion, nil); err != nil {
			return err
		}
	}
	return nil
}

func (m *model) Tallies(ctx context.Context, after, before string, limit int) ([]storage.Tally, error) {
	return modelList(ctx, m, m.tallies, func(t storage.Tally) bool { return t.TallyID > after && t.TallyID < before },
		func(page []storage.Tally) {
			slices.SortFunc(page, func(a, b storage.Tally) int { return cmp.Compare(a.TallyID, b.TallyID) })
		}, 0, limit)
}

func (m *model) TalliesBy(
	ctx context.Context, by storage.TallyTime, after storage.Due, before time.Time, limit int,
) ([]storage.Tally, error) {
	return modelList(ctx, m, m.tallies, func(t storage.Tally) bool {
		at := t.At(by)
		return !at.IsZero() && at.Before(before) && (at.After(after.At) || at.Equal(after.At) && t.TallyID > after.ID)
	}, func(page []storage.Tally) {
		slices.SortFunc(page, func(a, b storage.Tally) int {
			return cmp.Or(a.At(by).Compare(b.At(by)), cmp.Compare(a.TallyID, b.TallyID))
		})
	}, 0, limit)
}

func (m *model) DeleteTallies(ctx context.Context, before time.Time, limit int) (int, error) {
	page, err := modelList(ctx, m, m.tallies, func(t storage.Tally) bool {
		return !t.ChangedAt.IsZero() && t.ChangedAt.Before(before)
	}, func(page []storage.Tally) {
		slices.SortFunc(page, func(a, b storage.Tally) int {
			return cmp.Or(a.ChangedAt.Compare(b.ChangedAt), cmp.Compare(a.TallyID, b.TallyID))
		})
	}, 0, limit)
	if err != nil {
		return 0, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, t := range page {
		delete(m.tallies, t.TallyID)
	}
	return len(page), nil
}
