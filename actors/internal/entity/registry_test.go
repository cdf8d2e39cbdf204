package entity

import (
	"testing"

	cmap "github.com/orcaman/concurrent-map"
)

// A map that was used once keeps its first bytes, so there must be few of them.
func TestProcessRegistryIsSmall(t *testing.T) {
	if n := len(cmap.New()); n != 1 {
		t.Errorf("each of Proto.Actor's 1,024 buckets of processes has %d maps, want 1", n)
	}
}
