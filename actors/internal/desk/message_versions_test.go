package desk

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/storage"
)

// However often people edit a text with many links, its record stays far below MongoDB's 16 MB.
func TestVersionsAreBoundedByTheirMarkup(t *testing.T) {
	t.Parallel()
	var links []storage.Entity
	for i := range 200 {
		links = append(links, storage.Entity{Type: "text_link", Offset: int32(i), Length: 1, URL: strings.Repeat("u", 320)})
	}
	plain := storage.Entity{Type: "blockquote", Offset: 10_000, Length: 10_000}
	for name, entities := range map[string][]storage.Entity{"links": links, "marks": slices.Repeat([]storage.Entity{plain}, 1000)} {
		var kept []storage.Previous
		for n := range 60 {
			kept = KeepVersion(kept, storage.Previous{Revision: int64(n), Text: strconv.Itoa(n), Entities: entities})
		}
		record, err := json.Marshal(kept)
		if err != nil {
			t.Fatal(err)
		}
		if len(record) > 2*versionBytes {
			t.Errorf("%s: %d versions have %d bytes", name, len(kept), len(record))
		}
		if len(kept) < 2 || kept[0].Revision != 0 || kept[len(kept)-1].Revision != 59 {
			t.Errorf("%s: the first and the newest are not kept: %d", name, len(kept))
		}
	}
}
