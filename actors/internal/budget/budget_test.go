package budget

import (
	"maps"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestAllocate(t *testing.T) {
	now := time.Unix(1e9, 0)
	for name, tt := range map[string]struct {
		total int
		nodes map[string]*holder
		want  map[string]int
	}{
		"nobody wants any": {30, map[string]*holder{"a": {}, "b": {}, "c": {}}, map[string]int{"a": 10, "b": 10, "c": 10}},
		"one is busy":      {30, map[string]*holder{"a": {wants: 30}, "b": {}, "c": {}}, map[string]int{"a": 28, "b": 1, "c": 1}},
		"two are busy, one a little": {30, map[string]*holder{"a": {wants: 30}, "b": {wants: 4}, "c": {wants: 30}},
			map[string]int{"a": 13, "b": 4, "c": 13}},
		"an album": {30, map[string]*holder{"a": {wants: 30}, "b": {wants: 10, least: 10, since: now}, "c": {wants: 30}},
			map[string]int{"a": 10, "b": 10, "c": 10}},
		"an album that needs all": {5, map[string]*holder{"a": {wants: 5}, "b": {wants: 5, least: 5, since: now}}, map[string]int{"b": 5}},
		"more nodes than calls":   {2, map[string]*holder{"a": {}, "b": {wants: 2}, "c": {}}, map[string]int{"b": 2}},
	} {
		t.Run(name, func(t *testing.T) {
			got := allocate(tt.total, tt.nodes)
			maps.DeleteFunc(got, func(_ string, n int) bool { return n == 0 })
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
