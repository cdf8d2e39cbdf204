package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestHeadroom(t *testing.T) {
	for live, want := range map[uint64]int{0: 3200, 4 << 20: 3200, 16 << 20: 800, 48 << 20: 266, 80 << 20: 120, 128 << 20: 100, 1 << 40: 100} {
		if got := headroomPercent(mostHeadroom, live); got != want {
			t.Errorf("with %d MB live GOGC is %d, not %d", live>>20, got, want)
		}
	}
	dir := t.TempDir()
	missing, file := filepath.Join(dir, "missing"), filepath.Join(dir, "limit")
	for text, want := range map[string]uint64{"max\n": mostHeadroom, "": mostHeadroom, "268435456\n": 64 << 20,
		"9223372036854771712\n": mostHeadroom} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := headroomWithin(memoryLimit(missing, file)); got != want {
			t.Errorf("with a limit of %q the headroom is %d MB, not %d", text, got>>20, want>>20)
		}
	}
	if got := headroomWithin(memoryLimit(missing)); got != mostHeadroom {
		t.Errorf("without a limit the headroom is %d MB", got>>20)
	}
}
