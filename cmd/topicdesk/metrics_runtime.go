package main

import (
	"regexp"

	"github.com/prometheus/client_golang/prometheus/collectors"
)

// liveHeap is a metric in addition to Go's usual ones: what the last garbage collection found in use. It shows leaks,
// while the usual ones include garbage that is not collected yet.
var liveHeap = collectors.GoRuntimeMetricsRule{Matcher: regexp.MustCompile(`^/gc/heap/live:bytes$`)}
