package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"
)

// tuneRuntime sets what the operator did not: GOMAXPROCS for a service whose database is SQLite, and GOGC.
func tuneRuntime(sqlite bool) {
	if sqlite && os.Getenv("GOMAXPROCS") == "" {
		spareProcessor()
	}
	if os.Getenv("GOGC") == "" {
		keepHeadroom(headroomWithin(memoryLimit("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")))
	}
}

// spareProcessor lets one goroutine more run than there are processors. SQLite's writer waits for the disk most of the time, and Go
// may notice only after 10 ms that what it holds could be used by others: of two processors that is one. Where a container has a
// quota of processors it is left alone: it would be used up earlier, and Go follows it by itself when it changes (docs/decisions.md,
// D53).
func spareProcessor() {
	if n := runtime.GOMAXPROCS(0); n == runtime.NumCPU() {
		runtime.GOMAXPROCS(n + 1)
	}
}

// mostHeadroom is by how much the heap may grow between two garbage collections, at least, in bytes. A desk keeps little in memory
// (20 to 30 MB): by Go's default, as much again as is live, it would be collected several times a second under load. A collection
// takes 20 to 50 ms, and whoever comes meanwhile waits for it (docs/decisions.md, D52).
const mostHeadroom = 128 << 20

// headroomWithin is the headroom where so many bytes of memory may be used.
func headroomWithin(limit uint64) uint64 { return min(mostHeadroom, limit/4) }

// memoryLimit is what the container may use, from the first of the files that says so (cgroup v2 and v1), in bytes.
func memoryLimit(files ...string) uint64 {
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		if limit, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64); err == nil {
			return limit
		}
	}
	return 1 << 62 // there are no containers, or this one has "max"
}

// keepHeadroom sets GOGC after each collection, for as long as the process lives.
func keepHeadroom(headroom uint64) {
	percent := 100
	var tune func(int)
	tune = func(int) {
		live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		metrics.Read(live)
		if want := headroomPercent(headroom, live[0].Value.Uint64()); want < percent*9/10 || want > percent*10/9 || want == 100 && percent != 100 {
			percent = want
			debug.SetGCPercent(want)
		}
		// It is called when a collection finds that nobody has the object any more.
		runtime.AddCleanup(new([64]byte), tune, 0)
	}
	tune(0)
}

// headroomPercent is the GOGC that leaves headroom above so many live bytes. With less than 4 MB Go collects as if there were 4.
func headroomPercent(headroom, live uint64) int { return max(100, int(headroom*100/max(4<<20, live))) }
