//go:build !race

package cluster_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/messages"
)

// BenchmarkAsk is what it costs to ask an entity on this node and on another one: the time of one request after the other,
// and the processor time of both nodes for each when many ask at once. Both nodes are in this process.
//
//	go test ./actors/internal/cluster -run '^$' -bench Ask
func BenchmarkAsk(bench *testing.B) {
	b := newBench(bench)
	one, two := b.node(addr1), b.node(addr2)
	text := strings.Repeat("a message of 500 bytes ", 22)[:500]
	for _, where := range []struct {
		name string
		id   string
	}{{"here", one.on(one)}, {"on another node", one.on(two)}} {
		one.ask(where.id, &messages.Reply{})
		ask := func(b *testing.B) {
			if _, err := one.tryAsk(where.id, &messages.Reply{Reason: text}); err != nil {
				b.Error(err)
			}
		}
		bench.Run(where.name+", one after the other", func(b *testing.B) {
			for b.Loop() {
				ask(b)
			}
		})
		bench.Run(where.name+", many at once", func(b *testing.B) {
			before := processorTime(b)
			b.SetParallelism(32)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					ask(b)
				}
			})
			used := processorTime(b) - before
			b.ReportMetric(float64(used.Microseconds())/float64(b.N), "µs-CPU/op")
		})
	}
}

// processorTime is what this process has used so far.
func processorTime(b *testing.B) time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(fmt.Errorf("getrusage: %w", err))
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
