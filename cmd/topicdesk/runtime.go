package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// headroom is by how much the heap may grow between two garbage collections, at least, in bytes. A desk keeps little in memory
// (20 to 30 MB): by Go's default, as much again as is live, it would be collected several times a second under load. A collection
// takes 20 to 50 ms, and whoever comes meanwhile waits for it.
const headroom = 128 << 20

// spareProcessor lets one goroutine more run than there are processors; not where the operator set GOMAXPROCS. The database's writer
// waits for the disk most of the time, and Go may notice only after 10 ms that what it holds could be used by others: of two
// processors that is one.
func spareProcessor() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + 1)
	}
}

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
