package main

import (
	"regexp"

	"github.com/prometheus/client_golang/prometheus/collectors"
)

// liveHeap is a metric beside the usual ones of Go: what the last garbage collection found in use. It shows leaks where the
// others show what is not collected yet.
var liveHeap = collectors.GoRuntimeMetricsRule{Matcher: regexp.MustCompile(`^/gc/heap/live:bytes$`)}
