package storagetest

import (
	"fmt"
	"math"
	"testing"

	"github.com/topicdesk/topicdesk/storage"
)

func testAPIKeys(t *testing.T, f Factory) {
	ctx := t.Context()
	testSaveable(t, f, "API key")
	t.Run("keys come in pages, by id, all or those of a group", func(t *testing.T) {
		s := f.Open(t)
		want := map[string][]storage.APIKey{}
		for i := range f.Sizes.Rows {
			k := anAPIKey(fmt.Sprintf("k%03d", i))
			k.GroupID = []string{"", "g1", "g2"}[i%3]
			noError(t, s.SaveAPIKey(ctx, k))
			want[""] = append(want[""], *k)
			if k.GroupID != "" {
				want[k.GroupID] = append(want[k.GroupID], *k)
			}
		}
		for _, group := range []string{"", "g1", "g2", "g3"} {
			var got []storage.APIKey
			for after := ""; ; after = got[len(got)-1].KeyID {
				page, err := s.APIKeys(ctx, group, after, 7)
				noError(t, err)
				if len(page) == 0 {
					break
				}
				got = append(got, page...)
			}
			same(t, got, want[group])
		}
	})
	t.Run("a key that leaves its group is no longer listed there", func(t *testing.T) {
		s := f.Open(t)
		k := anAPIKey("k1")
		k.GroupID = "g1"
		noError(t, s.SaveAPIKey(ctx, k))
		k.GroupID = ""
		noError(t, s.SaveAPIKey(ctx, k))
		page, err := s.APIKeys(ctx, "g1", "", 9)
		noError(t, err)
		same(t, len(page), 0)
	})
}

func testIdempotencies(t *testing.T, f Factory) {
	ctx := t.Context()
	testSaveable(t, f, "idempotency")
	t.Run("expired answers are deleted, the oldest first", func(t *testing.T) {
		s := f.Open(t)
		for i := range 5 {
			answer := anIdempotency(fmt.Sprintf("k1/%d", i))
			answer.ExpiresAt = minute(10 - i)
			noError(t, s.SaveIdempotency(ctx, answer))
		}
		left := func() (ids []string) {
			for i := range 5 {
				if answer, err := s.Idempotency(ctx, fmt.Sprintf("k1/%d", i)); err == nil {
					ids = append(ids, answer.RequestID)
				} else {
					fails(t, err, storage.ErrNotFound)
				}
			}
			return ids
		}
		for _, step := range []struct {
			now, limit, deleted int
			left                []string
		}{
			{5, 9, 0, []string{"k1/0", "k1/1", "k1/2", "k1/3", "k1/4"}},
			{8, 2, 2, []string{"k1/0", "k1/1", "k1/2"}},
			{8, 0, 0, []string{"k1/0", "k1/1", "k1/2"}},
			{8, 2, 1, []string{"k1/0", "k1/1"}},
			{20, 9, 2, nil},
		} {
			n, err := s.DeleteIdempotencies(ctx, minute(step.now), step.limit)
			noError(t, err)
			same(t, n, step.deleted)
			same(t, left(), step.left)
		}
	})
}

func testUserLists(t *testing.T, f Factory) {
	ctx := t.Context()
	t.Run("people come in pages, by id, all or those of a default group", func(t *testing.T) {
		s := f.Open(t)
		want := map[string][]storage.User{}
		for i := f.Sizes.Rows; i > 0; i-- {
			u := storage.User{TelegramID: int64(i), DefaultGroupID: []string{"", "g1", "g2"}[i%3]}
			noError(t, s.SaveUser(ctx, &u))
			want[""] = append([]storage.User{u}, want[""]...)
			if u.DefaultGroupID != "" {
				want[u.DefaultGroupID] = append([]storage.User{u}, want[u.DefaultGroupID]...)
			}
		}
		for _, group := range []string{"", "g1", "g2", "g3"} {
			var got []storage.User
			for after := int64(math.MinInt64); ; after = got[len(got)-1].TelegramID {
				page, err := s.Users(ctx, group, after, 7)
				noError(t, err)
				if len(page) == 0 {
					break
				}
				got = append(got, page...)
			}
			same(t, got, want[group])
		}
	})
	t.Run("a deleted user is no longer found, and may be inserted again", func(t *testing.T) {
		s := f.Open(t)
		u := storage.User{TelegramID: 7, Username: "nok", DefaultGroupID: "g1"}
		noError(t, s.SaveUser(ctx, &u))
		fails(t, s.DeleteUser(ctx, 7, 2), storage.ErrConflict)
		fails(t, s.DeleteUser(ctx, 8, 1), storage.ErrConflict)
		noError(t, s.DeleteUser(ctx, 7, 1))
		fails(t, s.DeleteUser(ctx, 7, 1), storage.ErrConflict)
		_, err := s.User(ctx, 7)
		fails(t, err, storage.ErrNotFound)
		_, err = s.UserByUsername(ctx, "nok")
		fails(t, err, storage.ErrNotFound)
		_, total, err := s.InternalUsers(ctx, 0, 9)
		noError(t, err)
		same(t, total, 0)
		fails(t, s.SaveUser(ctx, &u), storage.ErrConflict)
		u.Version = 0
		noError(t, s.SaveUser(ctx, &u))
		same(t, u.Version, int64(1))
	})
}
