package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"
)

// tuneRuntime sets what the operator has not set: GOMAXPROCS if the database is SQLite, GOGC and, in a container, GOMEMLIMIT.
func tuneRuntime(sqlite bool) {
	if sqlite && os.Getenv("GOMAXPROCS") == "" {
		spareProcessor()
	}
	limit := containerMemory()
	if os.Getenv("GOGC") == "" {
		keepHeadroom(headroomWithin(limit))
	}
	if os.Getenv("GOMEMLIMIT") == "" && limit < unlimited {
		debug.SetMemoryLimit(int64(limit / 4 * 3)) // nearer to the end, Go collects rather than grows
	}
}

// spareProcessor lets one more goroutine run than there are processors (docs/decisions.md, D53). SQLite's writer
// waits for the disk most of the time, and Go may need up to 10 ms to notice that its processor is free for others:
// with two processors that is half of them. In a container with a CPU quota nothing is changed: the quota would be
// used up earlier, and Go adapts to a changed quota by itself.
func spareProcessor() {
	if n := runtime.GOMAXPROCS(0); n == runtime.NumCPU() {
		runtime.GOMAXPROCS(n + 1)
	}
}

// mostHeadroom is how many bytes the heap may grow by between two garbage collections, or more if more is live
// (docs/decisions.md, D52). A desk keeps little in memory, 20 to 30 MB. Go's default lets the heap grow by as much as
// is live, so a desk under load would collect several times a second. A collection takes 20 to 50 ms, and messages
// that arrive meanwhile wait for it.
const mostHeadroom = 128 << 20

// headroomWithin is the headroom of a process that may use limit bytes of memory.
func headroomWithin(limit uint64) uint64 { return min(mostHeadroom, limit/4) }

// containerMemory is the memory limit of the container that the process is in.
func containerMemory() uint64 {
	return memoryLimit("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
}

// uploadsWithin is how many bytes of uploads are read together by a process that may use limit bytes of memory; 0: as many as
// the server thinks right.
func uploadsWithin(limit uint64) int64 {
	if limit >= 512<<20 {
		return 0
	}
	return int64(limit / 2)
}

const unlimited = 1 << 62

// memoryLimit is how many bytes the container may use, as the first readable one of the files says (cgroup v2 and
// v1).
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
	return unlimited // this is no container, or its limit is "max"
}

// keepHeadroom sets GOGC after each collection, for as long as the process lives.
func keepHeadroom(headroom uint64) {
	percent := 100
	var tune func(int)
	tune = func(int) {
		live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		metrics.Read(live)
		want := headroomPercent(headroom, live[0].Value.Uint64())
		if want < percent*9/10 || want > percent*10/9 || want == 100 && percent != 100 {
			percent = want
			debug.SetGCPercent(want)
		}
		// The next collection finds that the object is unreachable, and calls tune again.
		runtime.AddCleanup(new([64]byte), tune, 0)
	}
	tune(0)
}

// headroomPercent is the GOGC that leaves headroom above so many live bytes. Where more is live than a desk usually keeps, as
// with a thousand endpoints, the headroom is less, down to half, so that both together grow slowly. Go collects as if at
// least 4 MB were live.
func headroomPercent(headroom, live uint64) int {
	if usual := headroom * 3 / 8; live > usual {
		headroom = max(headroom/2, headroom-min(headroom, live-usual))
	}
	return max(100, int(headroom*100/max(4<<20, live)))
}
