package desk

import (
	"slices"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// putAll puts messages on a shelf, one after the other.
func putAll(t *testing.T, s *storage.Shelf, now time.Time, all ...*messages.Shelve) *storage.Shelf {
	t.Helper()
	for _, m := range all {
		next, err := PutOnShelf(s, m, now)
		if err != nil {
			t.Fatal(err)
		}
		if next != nil {
			s = next
		}
	}
	return s
}

// TestShelfTakenAfterDays: an answer that comes again gets what it got, however long that had waited.
func TestShelfTakenAfterDays(t *testing.T) {
	var shelf *storage.Shelf
	for id := int64(20); id < 23; id++ {
		m := shelve(id, 1, "")
		m.Unclear = 10
		shelf = putAll(t, shelf, noon, m)
	}
	later := noon.Add(3 * shelvedFor)
	for _, want := range [][]int64{{20, 21, 22}, {20, 21, 22}} {
		next, taken := TakeFromShelf(shelf, &messages.TakeShelved{TicketId: "A", Unclear: 10, Said: true}, later)
		if shelf = next; !slices.Equal(idsOf(taken), want) {
			t.Errorf("took %v, want %v", idsOf(taken), want)
		}
		later = later.Add(time.Hour)
	}
	if next, _ := TakeFromShelf(shelf, &messages.TakeShelved{}, later.Add(shelvedFor)); len(next.Messages) > 0 {
		t.Errorf("%d messages are kept for ever", len(next.Messages))
	}
}

// TestShelfKinds: many messages of one kind do not push off those of another.
func TestShelfKinds(t *testing.T) {
	shelf := putAll(t, nil, noon, shelve(1, 1, "a"))
	for id := range int64(shelvedAtMost) {
		shelf = putAll(t, shelf, noon, shelve(100+id, 2, ""))
	}
	if found := idsOf(OnShelf(shelf, "a")); !slices.Equal(found, []int64{1}) {
		t.Errorf("what looks like commands left %v of an album", found)
	}
	if n := len(shelf.Messages); n != 1+forButton || shelf.Messages[n-1].MessageID != 99+shelvedAtMost {
		t.Errorf("%d messages", n)
	}
	for id := range int64(unclearAtMost) {
		m := shelve(200+id, 1, "")
		m.Unclear = 10
		asked := shelve(300+id, 1, "")
		asked.Untitled = 300
		shelf = putAll(t, shelf, noon, m, asked)
	}
	shelf = putAll(t, shelf, noon, shelve(400, 1, "b"))
	if found := idsOf(OnShelf(shelf, "b")); !slices.Equal(found, []int64{400}) {
		t.Error("a part is dropped as soon as it is kept")
	}
	if HasRoomForUnclear(shelf) || !IsUnclear(shelf, 200) || !IsUnclear(shelf, 199+unclearAtMost) {
		t.Error("not all that is unclear waits")
	}
}
