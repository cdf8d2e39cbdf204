package storagetest

import (
	"fmt"
	"testing"

	"github.com/topicdesk/topicdesk/storage"
)

// logEvent returns an event of a ticket, or of none, at a place of the log.
func logEvent(ticket string, number int64, partition int, position int64) storage.Event {
	e := anEvent(ticket, number)
	e.EventID = fmt.Sprintf("evt_%d_%d", partition, position)
	e.Partition, e.Position, e.At = partition, position, minute(int(position))
	return e
}

// logOf returns the events first to last of a partition, about no ticket.
func logOf(partition int, first, last int64) (events []storage.Event) {
	for position := first; position <= last; position++ {
		events = append(events, logEvent("", 0, partition, position))
	}
	return events
}

func testEvents(t *testing.T, f Factory) {
	ctx := t.Context()
	t.Run("a ticket's events are listed in order, in pages", func(t *testing.T) {
		s := f.Open(t)
		var want []storage.Event
		for i := range f.Sizes.Rows {
			want = append(want, anEvent("A", int64(i+1)))
		}
		noError(t, s.AppendEvents(ctx, want[:3]))
		noError(t, s.AppendEvents(ctx, nil))
		noError(t, s.AppendEvents(ctx, want[3:]))
		noError(t, s.AppendEvents(ctx, []storage.Event{anEvent("B", 1)}))
		var got []storage.Event
		for after := int64(0); ; after = got[len(got)-1].Number {
			page, err := s.EventsAfter(ctx, "A", after, 7)
			noError(t, err)
			if len(page) == 0 {
				break
			}
			got = append(got, page...)
		}
		same(t, got, want)
		none, err := s.EventsAfter(ctx, "", 0, 9)
		noError(t, err)
		same(t, none, []storage.Event(nil))
	})
	t.Run("an event is found by its id, with a ticket and without", func(t *testing.T) {
		s := f.Open(t)
		events := []storage.Event{logEvent("A", 1, 7, 1), logEvent("", 0, 7, 2), logEvent("", 0, 7, 3)}
		noError(t, s.AppendEvents(ctx, events))
		for _, e := range events {
			got, err := s.Event(ctx, e.EventID)
			noError(t, err)
			same(t, *got, e)
		}
		_, err := s.Event(ctx, "evt_none")
		fails(t, err, storage.ErrNotFound)
	})
	t.Run("appending again changes nothing, and may add more", func(t *testing.T) {
		s := f.Open(t)
		a, b, c := anEvent("A", 1), anEvent("A", 2), anEvent("A", 3)
		noError(t, s.AppendEvents(ctx, []storage.Event{a, b}))
		changed := a
		changed.Type = "ticket.closed"
		noError(t, s.AppendEvents(ctx, []storage.Event{changed, b, c}))
		got, err := s.EventsAfter(ctx, "A", 0, 9)
		noError(t, err)
		same(t, got, []storage.Event{a, b, c})
	})
	t.Run("what another event has is a conflict", func(t *testing.T) { conflictingEvents(t, f) })
	t.Run("what can't be in the log is refused", func(t *testing.T) { refusedEvents(t, f) })
}

func conflictingEvents(t *testing.T, f Factory) {
	ctx, s := t.Context(), f.Open(t)
	a, b := anEvent("A", 1), anEvent("A", 2)
	noError(t, s.AppendEvents(ctx, []storage.Event{a, b}))
	noError(t, s.AppendEvents(ctx, logOf(9, 5, 7))) // an empty partition may begin anywhere
	next := anEvent("A", 3)
	id, number, elsewhere, place, before := next, next, next, next, logEvent("", 0, 9, 4)
	id.EventID = a.EventID
	number.Number = 2
	elsewhere.Partition, elsewhere.Position, elsewhere.EventID = 9, 8, b.EventID
	place.Position = 2
	before.EventID = "evt_9_5"
	for name, events := range map[string][]storage.Event{
		"its id": {id}, "its number": {number}, "its id, in another partition": {elsewhere}, "its place": {place},
		"its place, after one that is stored": {a, place},
		"a place that does not follow":        {anEvent("A", 4)},
		"a place before the first":            {logEvent("", 0, 9, 4)},
		"its id, in a place before it":        {before},
		"a place twice":                       {next, next},
		"a gap":                               {next, anEvent("A", 5)},
		"two partitions":                      {next, logEvent("", 0, 9, 8)},
	} {
		if err := s.AppendEvents(ctx, events); kind(err) != storage.ErrConflict {
			t.Errorf("%s: %v", name, err)
		}
	}
	got, err := s.EventsAfter(ctx, "A", 0, 9)
	noError(t, err)
	same(t, got, []storage.Event{a, b})
	log, err := s.LogAfter(ctx, 9, 0, 9)
	noError(t, err)
	same(t, log, logOf(9, 5, 7))
}

func refusedEvents(t *testing.T, f Factory) {
	ctx, s := t.Context(), f.Open(t)
	for _, change := range []func(e *storage.Event){
		func(e *storage.Event) { e.Partition = -1 },
		func(e *storage.Event) { e.Partition = storage.Partitions },
		func(e *storage.Event) { e.Position = 0 },
		func(e *storage.Event) { e.Position = storage.MaxPosition + 1 },
		func(e *storage.Event) { e.Number = 0 },
		func(e *storage.Event) { e.Number = -1 },
		func(e *storage.Event) { e.TicketID = "" },
		func(e *storage.Event) { e.EventID = "" },
		func(e *storage.Event) { e.TicketID, e.Number, e.EventID = "", 0, "a\xff" },
	} {
		e := anEvent("A", 1)
		change(&e)
		if err := s.AppendEvents(ctx, []storage.Event{e}); err == nil || kind(err) != err {
			t.Errorf("%+v: %v, want an error that is none of the contract's", e, err)
		}
	}
	for _, partition := range []int{-1, storage.Partitions} {
		_, after := s.LogAfter(ctx, partition, 0, 9)
		_, last := s.LastPosition(ctx, partition)
		_, deleted := s.DeleteEvents(ctx, partition, day, 9)
		for _, err := range []error{after, last, deleted} {
			if err == nil || kind(err) != err {
				t.Errorf("partition %d: %v, want an error that is none of the contract's", partition, err)
			}
		}
	}
}

func testLog(t *testing.T, f Factory) {
	ctx := t.Context()
	t.Run("a partition is listed in order, in pages, and no other is", func(t *testing.T) {
		s := f.Open(t)
		want := map[int][]storage.Event{}
		for _, p := range []int{0, 1, 254, 255} {
			want[p] = logOf(p, 1, int64(f.Sizes.Rows/2))
			noError(t, s.AppendEvents(ctx, want[p]))
		}
		for p, events := range want {
			var got []storage.Event
			for after := int64(0); ; after = got[len(got)-1].Position {
				page, err := s.LogAfter(ctx, p, after, 7)
				noError(t, err)
				if len(page) == 0 {
					break
				}
				got = append(got, page...)
			}
			same(t, got, events)
		}
		for _, after := range []int64{storage.MaxPosition, 1 << 62} {
			none, err := s.LogAfter(ctx, 0, after, 9)
			noError(t, err)
			same(t, none, []storage.Event(nil))
		}
		all, err := s.LogAfter(ctx, 0, -5, 1000)
		noError(t, err)
		same(t, all, want[0])
	})
	t.Run("bounds", func(t *testing.T) {
		s := f.Open(t)
		want := make([]storage.LogBounds, storage.Partitions)
		is := func() {
			t.Helper()
			bounds, err := s.LogBounds(ctx)
			noError(t, err)
			same(t, bounds, want)
			for p, b := range want {
				last, err := s.LastPosition(ctx, p)
				noError(t, err)
				same(t, last, b.Last)
			}
		}
		is()
		noError(t, s.AppendEvents(ctx, logOf(0, 1, 3)))
		noError(t, s.AppendEvents(ctx, logOf(100, 40, 40)))
		noError(t, s.AppendEvents(ctx, logOf(255, storage.MaxPosition, storage.MaxPosition)))
		want[0] = storage.LogBounds{First: 1, Last: 3}
		want[100] = storage.LogBounds{First: 40, Last: 40}
		want[255] = storage.LogBounds{First: storage.MaxPosition, Last: storage.MaxPosition}
		is()
		n, err := s.DeleteEvents(ctx, 0, minute(3), 1)
		noError(t, err)
		same(t, n, 1)
		want[0].First = 2
		is()
	})
	t.Run("retention", func(t *testing.T) { retention(t, f) })
}

// retention deletes the oldest events, in batches, and never the newest.
func retention(t *testing.T, f Factory) {
	ctx, s := t.Context(), f.Open(t)
	events := logOf(3, 1, 10)
	events[6].At = minute(1) // older than those before it: it waits for them
	noError(t, s.AppendEvents(ctx, events))
	noError(t, s.AppendEvents(ctx, logOf(4, 1, 10)))
	first := 1
	deleted := func(before, limit, want int) {
		t.Helper()
		n, err := s.DeleteEvents(ctx, 3, minute(before), limit)
		noError(t, err)
		same(t, n, want)
		first += want
		left, err := s.LogAfter(ctx, 3, 0, 99)
		noError(t, err)
		same(t, left, events[first-1:])
	}
	deleted(6, 0, 0)
	deleted(1, 9, 0) // minute 1 is not before minute 1
	deleted(6, 3, 3)
	deleted(6, 3, 2)
	deleted(6, 3, 0)
	deleted(8, 9, 2)
	deleted(99, 9, 2) // the newest stays
	deleted(99, 9, 0)
	deleted(99, 1, 0)
	fails(t, s.AppendEvents(ctx, logOf(3, 9, 9)), storage.ErrConflict)
	fails(t, s.AppendEvents(ctx, logOf(3, 12, 12)), storage.ErrConflict)
	events = append(events, logOf(3, 11, 11)...)
	noError(t, s.AppendEvents(ctx, events[10:]))
	deleted(99, 9, 1)
	others, err := s.LogAfter(ctx, 4, 0, 99)
	noError(t, err)
	same(t, others, logOf(4, 1, 10))
	n, err := s.DeleteEvents(ctx, 5, minute(99), 9)
	noError(t, err)
	same(t, n, 0)
}
