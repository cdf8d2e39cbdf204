package storagetest

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/topicdesk/topicdesk/storage"
)

func anUpdate(bot string, id int64) storage.WaitingUpdate {
	return storage.WaitingUpdate{Bot: bot, UpdateID: id, At: minute(int(id)),
		Body: json.RawMessage(fmt.Sprintf(`{"update_id":%d,"message":{"text":"<ก> & b","date":1.0}}`, id))}
}

func testUpdates(t *testing.T, f Factory) {
	ctx := t.Context()
	s := f.Open(t)
	var all []storage.WaitingUpdate
	for i := range f.Sizes.Rows {
		all = append(all, anUpdate("7", int64(i+95))) // ids of two and three digits
	}
	noError(t, s.SaveWaitingUpdates(ctx, nil))
	noError(t, s.SaveWaitingUpdates(ctx, all[10:]))
	other := anUpdate("77", 100)
	noError(t, s.SaveWaitingUpdates(ctx, []storage.WaitingUpdate{other}))
	list := func(bot string) (page []storage.WaitingUpdate) {
		t.Helper()
		for after := int64(0); ; after = page[len(page)-1].UpdateID {
			next, err := s.WaitingUpdates(ctx, bot, after, 7)
			noError(t, err)
			if page = append(page, next...); len(next) < 7 {
				return page
			}
		}
	}
	same(t, list("7"), all[10:])

	t.Run("what is stored already is left as it is, and the rest is stored", func(t *testing.T) {
		again := slices.Clone(all)
		again[12].Body = json.RawMessage(`{"update_id":107}`)
		noError(t, s.SaveWaitingUpdates(ctx, again))
		same(t, list("7"), all)
	})
	t.Run("a large one", func(t *testing.T) {
		large := anUpdate("8", 1<<53)
		large.Body = json.RawMessage(`{"text":"` + strings.Repeat("ยาว", 100<<10/9) + `"}`)
		noError(t, s.SaveWaitingUpdates(ctx, []storage.WaitingUpdate{large}))
		same(t, list("8"), []storage.WaitingUpdate{large})
	})
	t.Run("those that are named are deleted", func(t *testing.T) {
		noError(t, s.DeleteWaitingUpdates(ctx, "7", nil))
		noError(t, s.DeleteWaitingUpdates(ctx, "7", []int64{100, 1, 95, 100}))
		same(t, list("7"), append(slices.Clone(all[1:5]), all[6:]...))
		same(t, list("77"), []storage.WaitingUpdate{other})
	})
}

type updateKey struct {
	bot string
	id  int64
}

func (m *machine) update(t *rapid.T) {
	bot := name(t, "bot", "1", "2")
	if number(t, "delete", 1) == 0 {
		ids := rapid.SliceOfN(rapid.Int64Range(1, 4), 0, 3).Draw(t, "ids")
		both(t, m, "DeleteWaitingUpdates", func(s storage.Store) (any, error) {
			return nil, s.DeleteWaitingUpdates(m.ctx, bot, ids)
		})
		return
	}
	var updates []storage.WaitingUpdate
	for _, id := range rapid.SliceOfN(rapid.Int64Range(1, 4), 0, 3).Draw(t, "ids") {
		u := anUpdate(bot, id)
		u.At = when(t, "at")
		updates = append(updates, u)
	}
	both(t, m, "SaveWaitingUpdates", func(s storage.Store) (any, error) {
		return nil, s.SaveWaitingUpdates(m.ctx, updates)
	})
}

// compareUpdates compares what the calls above can change.
func (m *machine) compareUpdates(t *rapid.T) {
	after, limit := number(t, "after update", 3), int(number(t, "updates", 3))
	both(t, m, "WaitingUpdates", func(s storage.Store) ([]storage.WaitingUpdate, error) {
		return s.WaitingUpdates(m.ctx, "1", after, limit)
	})
}

func (m *model) SaveWaitingUpdates(ctx context.Context, updates []storage.WaitingUpdate) error {
	if err := m.begin(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	for _, u := range updates {
		if err := validID(u.Bot); err != nil {
			return err
		}
		if _, stored := m.updates[updateKey{u.Bot, u.UpdateID}]; !stored {
			m.updates[updateKey{u.Bot, u.UpdateID}] = isolated(u.Kept())
		}
	}
	return nil
}

func (m *model) WaitingUpdates(ctx context.Context, bot string, after int64, limit int) ([]storage.WaitingUpdate, error) {
	return modelList(ctx, m, m.updates, func(u storage.WaitingUpdate) bool { return u.Bot == bot && u.UpdateID > after },
		func(page []storage.WaitingUpdate) {
			slices.SortFunc(page, func(a, b storage.WaitingUpdate) int { return cmp.Compare(a.UpdateID, b.UpdateID) })
		}, 0, limit)
}

func (m *model) DeleteWaitingUpdates(ctx context.Context, bot string, ids []int64) error {
	if err := m.begin(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	for _, id := range ids {
		delete(m.updates, updateKey{bot, id})
	}
	return nil
}
