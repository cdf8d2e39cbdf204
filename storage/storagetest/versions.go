package storagetest

import (
	"encoding/json"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/storage"
)

// testVersions tests the compare-and-set of one collection.
func testVersions(t *testing.T, f Factory, k saveable) {
	ctx := t.Context()

	t.Run("what was never saved is not found", func(t *testing.T) {
		_, err := k.load(ctx, f.Open(t), k.record(1))
		fails(t, err, storage.ErrNotFound)
	})
	t.Run("versions count up from 1 and are set on the record", func(t *testing.T) {
		s := f.Open(t)
		r := k.record(1)
		for version := int64(1); version <= 3; version++ {
			write := k.save
			if version == 1 {
				write = k.insert
			}
			noError(t, write(ctx, s, r))
			same(t, *k.version(r), version)
			stored, err := k.load(ctx, s, r)
			noError(t, err)
			same(t, stored, r)
		}
	})
	t.Run("a second insert fails because the record exists, and changes nothing", func(t *testing.T) {
		s := f.Open(t)
		first, second := k.record(1), k.record(1)
		*k.text(second) = "second"
		noError(t, k.insert(ctx, s, first))
		fails(t, k.insert(ctx, s, second), storage.ErrExists)
		same(t, *k.version(second), int64(0))
		stored, err := k.load(ctx, s, first)
		noError(t, err)
		same(t, stored, first)
	})
	t.Run("a save of an older version is a conflict, and changes nothing", func(t *testing.T) {
		s := f.Open(t)
		r := k.record(1)
		noError(t, k.insert(ctx, s, r))
		late := k.clone(r)
		*k.text(r) = "newer"
		noError(t, k.save(ctx, s, r))
		for _, version := range []int64{1, 3} {
			*k.version(late) = version
			fails(t, k.save(ctx, s, late), storage.ErrConflict)
			same(t, *k.version(late), version)
		}
		stored, err := k.load(ctx, s, r)
		noError(t, err)
		same(t, stored, r)
	})
	t.Run("an update of what is not stored is a conflict", func(t *testing.T) {
		s := f.Open(t)
		r := k.record(1)
		*k.version(r) = 1
		fails(t, k.save(ctx, s, r), storage.ErrConflict)
		_, err := k.load(ctx, s, r)
		fails(t, err, storage.ErrNotFound)
	})
}

// testRoundTrip checks that inserts and updates lose no field.
func testRoundTrip(t *testing.T, f Factory) {
	ctx := t.Context()
	for _, k := range saveables() {
		t.Run(k.name, func(t *testing.T) {
			s := f.Open(t)
			first := k.record(1)
			fill(first, 0)
			*k.version(first) = 0
			want := k.clone(first)
			*k.version(want) = 1
			noError(t, k.insert(ctx, s, first))
			same(t, first, want) // only the version was changed
			stored, err := k.load(ctx, s, first)
			noError(t, err)
			same(t, stored, want)

			second := k.record(1)
			fill(second, 500)
			k.adopt(second, first)
			noError(t, k.save(ctx, s, second))
			stored, err = k.load(ctx, s, first)
			noError(t, err)
			same(t, stored, second)
			noneLeft(t, reflect.ValueOf(stored).Elem(), reflect.ValueOf(want).Elem(), k.name)
		})
	}
	t.Run("event", func(t *testing.T) {
		s := f.Open(t)
		var e storage.Event
		fill(&e, 0)
		e.Partition = storage.PartitionOf(e.TicketID)
		noError(t, s.AppendEvents(ctx, []storage.Event{e}))
		stored, err := s.EventsAfter(ctx, e.TicketID, 0, 9)
		noError(t, err)
		same(t, stored, []storage.Event{e})
	})
	t.Run("times are kept to the millisecond, in UTC", func(t *testing.T) {
		s := f.Open(t)
		at := time.Date(2026, 3, 1, 23, 59, 59, 123_999_999, time.FixedZone("Bangkok", 7*3600))
		ticket := aTicket("T1")
		ticket.CreatedAt, ticket.DueAt, ticket.ClosedAt = at, at, at
		ticket.Links = []storage.Link{{LinkID: "T1:1", CreatedAt: at}}
		ticket.Events = []storage.Event{{EventID: "e", At: at}}
		given := *ticket
		given.Links, given.Events = slices.Clone(ticket.Links), slices.Clone(ticket.Events)
		noError(t, s.SaveTicket(ctx, ticket))
		given.Version = 1
		same(t, *ticket, given)
		stored, err := s.Ticket(ctx, "T1")
		noError(t, err)
		want := time.Date(2026, 3, 1, 16, 59, 59, 123_000_000, time.UTC)
		for _, got := range []time.Time{
			stored.CreatedAt, stored.DueAt, stored.ClosedAt, stored.Links[0].CreatedAt, stored.Events[0].At,
		} {
			if got != want {
				t.Errorf("got %v, want %v", got, want)
			}
		}
	})
	t.Run("times that are not set are read back as not set", func(t *testing.T) {
		s := f.Open(t)
		u := &storage.User{TelegramID: 1}
		noError(t, s.SaveUser(ctx, u))
		stored, err := s.User(ctx, 1)
		noError(t, err)
		same(t, stored, &storage.User{TelegramID: 1, Version: 1})
		if !stored.CreatedAt.IsZero() {
			t.Error("a time that was not set is", stored.CreatedAt)
		}
	})
}

// noneLeft fails when a field of got, other than the identity, has the same value as in before. Then fill has not
// changed it, and the test above would not notice if a store lost it.
func noneLeft(t *testing.T, got, before reflect.Value, name string) {
	t.Helper()
	identity := []string{
		"MessageID", "TicketID", "TopicID", "Sequence", "TelegramID", "GroupID", "ChatID", "AttachmentID", "KeyID",
		"RequestID", "WebhookID", "EventID", "EventAt", "ReplayID", "Fingerprint", "ProblemID", "TallyID", "Name", // the last one of a consumer
	}
	for i := range got.NumField() {
		field := got.Type().Field(i)
		if slices.Contains(identity, field.Name) || field.Type.Kind() == reflect.Bool {
			continue
		}
		a, _ := json.Marshal(got.Field(i).Interface())
		b, _ := json.Marshal(before.Field(i).Interface())
		if string(a) == string(b) {
			t.Errorf("%s.%s was not changed by the test", name, field.Name)
		}
	}
}

// oneWinner lets n writers save the same version. Exactly one of them may succeed.
func oneWinner(t *testing.T, s storage.Store, k saveable, n int, write func(r any) error, loser error) {
	t.Helper()
	results := make([]error, n)
	var wg sync.WaitGroup
	base := k.record(1)
	if loser == storage.ErrConflict {
		stored, err := k.load(t.Context(), s, base)
		noError(t, err)
		base = stored
	}
	for i := range n {
		r := k.clone(base)
		wg.Go(func() { results[i] = write(r) })
	}
	wg.Wait()
	won := 0
	for _, err := range results {
		if err == nil {
			won++
			continue
		}
		fails(t, err, loser)
	}
	if won != 1 {
		t.Fatalf("%d of %d writers of one version of a %s succeeded", won, n, k.name)
	}
}
