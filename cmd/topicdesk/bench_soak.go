package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// How many actions per second a busy desk has, and into how many slices its time is cut: a slice of an hour is 5
// minutes.
const (
	soakPerSecond = 10
	soakSlices    = 12
)

// soak measures whether memory stays flat: it plays the actions of a busy desk in less time than they would take
// there, and prints the memory after each slice.
func (w *benchWorld) soak(ctx context.Context, out io.Writer, o benchOptions, service *benchService) error {
	actions := int(o.soak.Seconds() * soakPerSecond)
	slice := phase{"soak", o.rate, time.Duration(float64(actions) / soakSlices / float64(o.rate) * float64(time.Second))}
	table := tabwriter.NewWriter(out, 2, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "minute\tactions\tp99 ms\tlost\tRSS MB\tlive heap MB\t")
	var first, last memory
	sent := 0
	for i := range soakSlices {
		r, err := w.talk(ctx, slice)
		if err != nil {
			return err
		}
		sent += r.sent
		used, err := service.usage()
		if err != nil {
			return err
		}
		last.resident = float64(used.residentMB)
		if last.live, err = service.liveHeap(ctx); err != nil {
			return err
		}
		if i == 0 {
			first = last
		}
		fmt.Fprintf(table, "%.0f\t%d\t%.1f\t%d\t%d\t%.1f\t\n", o.soak.Minutes()*float64(i+1)/soakSlices,
			sent, r.quantile(.99), r.lost, used.residentMB, last.live)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "at the end, compared with the first slice: live heap %+.0f%%, resident %+.0f%%\n",
		100*(last.live/first.live-1), 100*(last.resident/first.resident-1))
	return err
}

// memory is what the service uses, in MB: of the heap what is live, of stacks, and resident.
type memory struct{ live, stacks, resident float64 }

// memoryNow waits for two garbage collections and returns what the service uses then.
func (s *benchService) memoryNow(ctx context.Context) (m memory, err error) {
	if m.live, err = s.liveHeap(ctx); err != nil {
		return m, err
	}
	all, err := s.gauges(ctx)
	if err != nil {
		return m, err
	}
	m.stacks = all["go_memstats_stack_inuse_bytes"] / (1 << 20)
	used, err := s.usage()
	m.resident = float64(used.residentMB)
	return m, err
}

// liveHeap waits for two garbage collections and returns what the last one found in use, in MB. One is not enough,
// since pooled objects survive it.
func (s *benchService) liveHeap(ctx context.Context) (float64, error) {
	collections, _, err := s.heap(ctx)
	if err != nil {
		return 0, err
	}
	for {
		// Reading the metrics makes garbage, so a collection comes.
		now, heap, err := s.heap(ctx)
		if err != nil || now >= collections+2 {
			return heap / (1 << 20), err
		}
	}
}

// heap reads from the service's metrics how many collections there were, and what the last one found in use.
func (s *benchService) heap(ctx context.Context) (collections, bytes float64, err error) {
	all, err := s.gauges(ctx)
	return all["go_gc_duration_seconds_count"], all["go_gc_heap_live_bytes"], err
}

// gauges reads the service's metrics, by name and labels.
func (s *benchService) gauges(ctx context.Context) (map[string]float64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.addr+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept-Encoding", "identity") // compressing it would take up to a megabyte
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	all := map[string]float64{}
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		line := lines.Text()
		at := strings.LastIndexByte(line, ' ')
		if strings.HasPrefix(line, "#") || at < 0 {
			continue
		}
		if all[line[:at]], err = strconv.ParseFloat(line[at+1:], 64); err != nil {
			return nil, err
		}
	}
	return all, lines.Err()
}
