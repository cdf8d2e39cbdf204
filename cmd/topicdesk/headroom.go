package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// headroom is by how much the heap may grow between two garbage collections, at least, in bytes. A desk keeps little in memory
// (20 MB): by Go's default, as much again as is live, it would be collected 10 times a second under load, for a tenth of the CPU.
const headroom = 64 << 20

// keepHeadroom sets GOGC after each collection, for as long as the process lives; not where the operator set it.
func keepHeadroom() {
	if os.Getenv("GOGC") != "" {
		return
	}
	percent := 100
	var tune func(int)
	tune = func(int) {
		live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		metrics.Read(live)
		if want := headroomPercent(live[0].Value.Uint64()); want < percent*9/10 || want > percent*10/9 || want == 100 && percent != 100 {
			percent = want
			debug.SetGCPercent(want)
		}
		// It is called when a collection finds that nobody has the object any more.
		runtime.AddCleanup(new([64]byte), tune, 0)
	}
	tune(0)
}

// headroomPercent is the GOGC that leaves headroom above so many live bytes. With less than 4 MB Go collects as if there were 4.
func headroomPercent(live uint64) int { return max(100, int(headroom*100/max(4<<20, live))) }
