package user

import (
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/storage"
)

// TestReadIsBounded: what is forgotten of how far somebody has read counts as read, and so does all that is older.
func TestReadIsBounded(t *testing.T) {
	var all []storage.WebRead
	until := time.UnixMilli(1000).UTC()
	for i := range int64(2 * webReadAtMost) {
		n := (i*7)%(2*webReadAtMost) + 1 // out of order
		all, until = withRead(all, until, storage.WebRead{Number: n, Sequence: 1, RecordedMs: 1000 + n})
		if len(all) > webReadAtMost {
			t.Fatalf("%d are kept", len(all))
		}
	}
	if len(all) != webReadAtMost || until.UnixMilli() != 1000+webReadAtMost {
		t.Errorf("%d are kept, until %d", len(all), until.UnixMilli())
	}
	for i, r := range all {
		if r.RecordedMs <= until.UnixMilli() || i > 0 && r.RecordedMs <= all[i-1].RecordedMs {
			t.Errorf("%d: %+v", i, r)
		}
	}
	all, until = withRead(all, until, storage.WebRead{Number: 9999, RecordedMs: 5}) // older than all that is known
	if len(all) != webReadAtMost || until.UnixMilli() != 1000+webReadAtMost {
		t.Errorf("%d are kept, until %d", len(all), until.UnixMilli())
	}
}
