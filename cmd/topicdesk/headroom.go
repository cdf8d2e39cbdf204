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
	var tune func()
	tune = func() {
		live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		metrics.Read(live)
		// With less than 4 MB live Go collects as if there were 4.
		want := max(100, int(headroom*100/max(4<<20, live[0].Value.Uint64())))
		if want < percent*9/10 || want > percent*10/9 {
			debug.SetGCPercent(want)
			percent = want
		}
		// It is called when a collection finds that nobody has the object any more.
		runtime.AddCleanup(new([64]byte), func(int) { tune() }, 0)
	}
	tune()
}
