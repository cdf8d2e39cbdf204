package entity

import (
	"testing"

	cmap "github.com/orcaman/concurrent-map"
)

// Each of the maps keeps its first bytes once it was used.
func TestProcessRegistryIsSmall(t *testing.T) {
	if n := len(cmap.New()); n != 1 {
		t.Errorf("each of Proto.Actor's 1,024 maps of processes is %d maps", n)
	}
}
