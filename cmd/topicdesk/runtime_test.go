package main

import "testing"

func TestHeadroom(t *testing.T) {
	for live, want := range map[uint64]int{0: 3200, 4 << 20: 3200, 16 << 20: 800, 128 << 20: 100, 1 << 40: 100} {
		if got := headroomPercent(live); got != want {
			t.Errorf("with %d MB live GOGC is %d, not %d", live>>20, got, want)
		}
	}
}
