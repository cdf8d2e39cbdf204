package storagetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/storage"
)

func testSaveable(t *testing.T, f Factory, name string) {
	for _, k := range saveables() {
		if k.name == name {
			testVersions(t, f, k)
		}
	}
}

func testUsers(t *testing.T, f Factory) {
	ctx := t.Context()
	testSaveable(t, f, "user")
	save := func(t *testing.T, s storage.Store, u storage.User) *storage.User {
		t.Helper()
		noError(t, s.SaveUser(ctx, &u))
		return &u
	}
	t.Run("a username is found in any case, and finds the user who was updated last", func(t *testing.T) {
		s := f.Open(t)
		a := save(t, s, storage.User{TelegramID: 1, Username: "Somchai", UpdatedAt: minute(1)})
		b := save(t, s, storage.User{TelegramID: 2, Username: "somCHAI", UpdatedAt: minute(2)})
		save(t, s, storage.User{TelegramID: 3, UpdatedAt: minute(9)})
		for _, name := range []string{"somchai", "SOMCHAI", "Somchai"} {
			got, err := s.UserByUsername(ctx, name)
			noError(t, err)
			same(t, got, b)
		}
		b.Username = "other"
		noError(t, s.SaveUser(ctx, b))
		got, err := s.UserByUsername(ctx, "somchai")
		noError(t, err)
		same(t, got, a)
		for _, name := range []string{"", "som", "somchai ", "%", "_omchai", ".*"} {
			_, err = s.UserByUsername(ctx, name)
			fails(t, err, storage.ErrNotFound)
		}
	})
	t.Run("internal users come in pages, by name and id, with their number", func(t *testing.T) {
		s := f.Open(t)
		names := []string{"", "Anong", "anong", "Boonmee", "Zoe", "สมชาย"}
		var want []storage.User
		for rank, name := range names {
			for j := range f.Sizes.Rows / len(names) {
				u := storage.User{TelegramID: int64(rank + j*len(names)), FirstName: name, DefaultGroupID: "g1"}
				want = append(want, *save(t, s, u))
			}
		}
		// "Anong" and "anong" count as the same name: the ids decide.
		byNameThenID(want)
		save(t, s, storage.User{TelegramID: 1000, FirstName: "External"})
		left := save(t, s, storage.User{TelegramID: 1001, FirstName: "Left", DefaultGroupID: "g1"})
		left.DefaultGroupID = ""
		noError(t, s.SaveUser(ctx, left))

		var got []storage.User
		for offset := 0; ; offset += 7 {
			page, total, err := s.InternalUsers(ctx, offset, 7)
			noError(t, err)
			same(t, total, len(want))
			if len(page) == 0 {
				break
			}
			got = append(got, page...)
		}
		same(t, got, want)
		for _, limit := range []int{0, -1} {
			page, total, err := s.InternalUsers(ctx, 0, limit)
			noError(t, err)
			same(t, len(page), 0)
			same(t, total, len(want))
		}
	})
}

func testDueUsers(t *testing.T, f Factory) {
	t.Run("people for whom something is pending are listed, oldest first", func(t *testing.T) {
		ctx, s := t.Context(), f.Open(t)
		due := []time.Time{minute(11), minute(10), minute(2), {}}
		for i, at := range due {
			noError(t, s.SaveUser(ctx, &storage.User{TelegramID: int64(i + 1), DueAt: at}))
		}
		got, err := s.DueUsers(ctx, minute(10), 9)
		noError(t, err)
		want := []storage.Due{{ID: "3", At: minute(2)}, {ID: "2", At: minute(10)}}
		same(t, got, want)
		got, err = s.DueUsers(ctx, minute(10), 1)
		noError(t, err)
		same(t, got, want[:1])
		noError(t, s.SaveUser(ctx, &storage.User{TelegramID: 3, Version: 1}))
		noError(t, s.SaveUser(ctx, &storage.User{TelegramID: 4, DueAt: minute(1), Version: 1}))
		got, err = s.DueUsers(ctx, minute(10), 9)
		noError(t, err)
		same(t, got, []storage.Due{{ID: "4", At: minute(1)}, {ID: "2", At: minute(10)}})
	})
	t.Run("what a person does in private is kept", func(t *testing.T) {
		ctx, s := t.Context(), f.Open(t)
		u := &storage.User{
			TelegramID: 7, FirstName: "Nok", CurrentTicketID: "TICK-A", SettledID: 2, PinnedID: 12, Blocked: true, DueAt: minute(3),
			Drafts: []storage.Draft{{
				TicketID: "TICK-B", Title: "Printer", Description: "on fire", Asked: []byte{1, 2}, State: "choosing",
				Groups: []string{"g1", "g2"}, Chosen: "g1", Pressed: []byte{3},
				Enclosures: []storage.Enclosure{
					{Media: storage.Media{Kind: "photo", FileID: "f", MediaGroupID: "a"}, MessageID: "7:1", Text: "here",
						Entities: []storage.Entity{{Type: "bold", Length: 4}}},
					{MessageID: "7:2", Text: "a text", Protected: true},
				},
				Forwarded: &storage.Forward{Kind: "channel", ID: -9, Name: "News", Date: minute(1)},
			}},
			Shelf: &storage.Shelf{
				Messages: []storage.Shelved{
					{MessageID: 3, Album: "a", Body: []byte{4}, At: minute(1)},
					{MessageID: 4, Untitled: 4, TicketID: "TICK-B", Body: []byte{5}, At: minute(2)},
					{MessageID: 5, Unclear: 2, Asked: true, TicketID: "TICK-B", Body: []byte{5}, At: minute(2)},
					{MessageID: 6, Unclear: 2, Asked: true, Question: []byte{7}, Withdrawn: true, Body: []byte{5}, At: minute(2)},
					{MessageID: 9, Closed: "TICK-A", By: "cb:1", Body: []byte{5}, At: minute(2)},
					{MessageID: 7, Homeless: true, Untitled: 7, TitleAsked: 8, Body: []byte{5}, At: minute(2)},
				},
				Albums: []storage.ShelvedAlbum{{Album: "a", TicketID: "TICK-B", Said: true, At: minute(2)}},
			},
			Pending: []storage.Pending{{ID: "x", Kind: "operation", Body: []byte{9}}}, Handled: []string{"a", "b"},
		}
		noError(t, s.SaveUser(ctx, u))
		got, err := s.User(ctx, 7)
		noError(t, err)
		same(t, got, u)
	})
}

func testGroups(t *testing.T, f Factory) {
	ctx := t.Context()
	testSaveable(t, f, "group")
	t.Run("a group is found by its current chat id and by previous ones", func(t *testing.T) {
		s := f.Open(t)
		g := &storage.Group{GroupID: "g1", TelegramGroupID: -1}
		noError(t, s.SaveGroup(ctx, g))
		other := &storage.Group{GroupID: "g2", TelegramGroupID: -2}
		noError(t, s.SaveGroup(ctx, other))
		g.TelegramGroupID, g.FormerIDs = -1003, []int64{-1}
		noError(t, s.SaveGroup(ctx, g))
		for _, id := range []int64{-1, -1003} {
			got, err := s.GroupByTelegramID(ctx, id)
			noError(t, err)
			same(t, got, g)
		}
		got, err := s.GroupByTelegramID(ctx, -2)
		noError(t, err)
		same(t, got, other)
		g.FormerIDs = nil
		noError(t, s.SaveGroup(ctx, g))
		for _, id := range []int64{-1, 0, 1003, -1004} {
			_, err = s.GroupByTelegramID(ctx, id)
			fails(t, err, storage.ErrNotFound)
		}
	})
	t.Run("a current chat id goes before a previous one", func(t *testing.T) {
		s := f.Open(t)
		for _, g := range []storage.Group{
			{GroupID: "g1", TelegramGroupID: -1, FormerIDs: []int64{-2}},
			{GroupID: "g2", TelegramGroupID: -2},
			{GroupID: "g3", TelegramGroupID: -3, FormerIDs: []int64{-2}},
		} {
			noError(t, s.SaveGroup(ctx, &g))
		}
		got, err := s.GroupByTelegramID(ctx, -2)
		noError(t, err)
		same(t, got.GroupID, "g2")
	})
	t.Run("all groups come in pages, by internal id", func(t *testing.T) {
		s := f.Open(t)
		var want []storage.Group
		for i := f.Sizes.Rows - 1; i >= 0; i-- {
			g := storage.Group{GroupID: fmt.Sprintf("g%03d", i), TelegramGroupID: int64(-i)}
			noError(t, s.SaveGroup(ctx, &g))
			want = append([]storage.Group{g}, want...)
		}
		var got []storage.Group
		for after := ""; ; after = got[len(got)-1].GroupID {
			page, err := s.Groups(ctx, after, 7)
			noError(t, err)
			if len(page) == 0 {
				break
			}
			got = append(got, page...)
		}
		same(t, got, want)
	})
	testDue(t, f, func(s storage.Store, id string, at time.Time, version int64) error {
		return s.SaveGroup(ctx, &storage.Group{GroupID: id, DueAt: at, Version: version})
	}, func(s storage.Store, now time.Time, limit int) ([]storage.Due, error) {
		return s.DueGroups(ctx, now, limit)
	})
}

func testChats(t *testing.T, f Factory) {
	ctx := t.Context()
	testSaveable(t, f, "chat")
	testDue(t, f, func(s storage.Store, id string, at time.Time, version int64) error {
		return s.SaveChat(ctx, &storage.Chat{ChatID: id, DueAt: at, Version: version})
	}, func(s storage.Store, now time.Time, limit int) ([]storage.Due, error) {
		return s.DueChats(ctx, now, limit)
	})
}

func testDueTickets(t *testing.T, f Factory) {
	save := func(s storage.Store, id string, at time.Time, version int64) error {
		ticket := aTicket(id)
		ticket.DueAt, ticket.Version = at, version
		return s.SaveTicket(context.WithoutCancel(t.Context()), ticket)
	}
	testDue(t, f, save, func(s storage.Store, now time.Time, limit int) ([]storage.Due, error) {
		return s.DueTickets(t.Context(), now, storage.Due{}, limit)
	})
	t.Run("due tickets come in pages, by time and id", func(t *testing.T) {
		s := f.Open(t)
		var want []storage.Due
		for i := range f.Sizes.Rows {
			// Several are due at the same time.
			d := storage.Due{ID: fmt.Sprintf("T%03d", f.Sizes.Rows-i), At: minute(i % 5)}
			noError(t, save(s, d.ID, d.At, 0))
			want = append(want, d)
		}
		byTimeThenID(want)
		var got []storage.Due
		var after storage.Due
		for {
			page, err := s.DueTickets(t.Context(), minute(9), after, 3)
			noError(t, err)
			if len(page) == 0 {
				break
			}
			got, after = append(got, page...), page[len(page)-1]
		}
		same(t, got, want)
	})
}

// testDue tests how a collection lists its due records.
func testDue(t *testing.T, f Factory,
	save func(s storage.Store, id string, at time.Time, version int64) error,
	due func(s storage.Store, now time.Time, limit int) ([]storage.Due, error),
) {
	t.Run("what is due is listed, oldest first", func(t *testing.T) {
		s := f.Open(t)
		noError(t, save(s, "later", minute(11), 0))
		noError(t, save(s, "now", minute(10), 0))
		noError(t, save(s, "before", minute(2), 0))
		noError(t, save(s, "long ago", time.Date(1960, 1, 1, 0, 0, 0, 0, time.UTC), 0))
		noError(t, save(s, "nothing", time.Time{}, 0))
		want := []storage.Due{
			{ID: "long ago", At: time.Date(1960, 1, 1, 0, 0, 0, 0, time.UTC)},
			{ID: "before", At: minute(2)}, {ID: "now", At: minute(10)},
		}
		got, err := due(s, minute(10), 9)
		noError(t, err)
		same(t, got, want)
		got, err = due(s, minute(10), 2)
		noError(t, err)
		same(t, got, want[:2])
		got, err = due(s, minute(10), 0)
		noError(t, err)
		same(t, len(got), 0)

		noError(t, save(s, "before", time.Time{}, 1))
		noError(t, save(s, "long ago", minute(99), 1))
		noError(t, save(s, "nothing", minute(1), 1))
		got, err = due(s, minute(10), 9)
		noError(t, err)
		same(t, got, []storage.Due{{ID: "nothing", At: minute(1)}, {ID: "now", At: minute(10)}})
	})
}
