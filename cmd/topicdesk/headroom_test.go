package main

import "testing"

func TestHeadroom(t *testing.T) {
	for live, want := range map[uint64]int{0: 1600, 4 << 20: 1600, 16 << 20: 400, 64 << 20: 100, 1 << 40: 100} {
		if got := headroomPercent(live); got != want {
			t.Errorf("with %d MB live GOGC is %d, not %d", live>>20, got, want)
		}
	}
}
