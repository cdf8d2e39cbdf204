package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/topicdesk/topicdesk/simulator"
)

// benchDownload is the size of the file whose download is measured.
const benchDownload = 20 << 20

// downloadPairs measures how a download in progress delays messages, in pairs of runs: one without, and one with a
// file of 20 MB that is downloaded meanwhile. Every other pair has the reverse order.
func (w *benchWorld) downloadPairs(ctx context.Context, out io.Writer, o benchOptions) error {
	table := tabwriter.NewWriter(out, 2, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "pair\tp99 ms\tp99 ms with a download\tchange\tlost\t")
	var changes []float64
	for pair := range o.pairs {
		var p99 [2]float64
		lost := 0
		for run := range 2 {
			with := (pair + run) % 2
			r, err := w.talkBeside(ctx, o, with == 1)
			if err != nil {
				return err
			}
			p99[with] = r.quantile(.99)
			lost += r.lost
		}
		changes = append(changes, p99[1]/max(p99[0], 0.001)-1)
		fmt.Fprintf(table, "%d\t%.1f\t%.1f\t%+.0f%%\t%d\t\n", pair+1, p99[0], p99[1], 100*changes[pair], lost)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	slices.Sort(changes)
	_, err := fmt.Fprintf(out, "median change of p99 while a file of %d MB is downloaded: %+.0f%%\n",
		benchDownload>>20, 100*changes[len(changes)/2])
	return err
}

// talkBeside is talk, with or without a download that takes nearly as long.
func (w *benchWorld) talkBeside(ctx context.Context, o benchOptions, download bool) (*result, error) {
	if download {
		data := make([]byte, benchDownload)
		_, _ = rand.Read(data) // never the same content twice
		// The download ends before the talk does: its end is part of what is measured.
		slow := simulator.Fault{Method: simulator.MethodFile, File: ".bin", Kind: simulator.FaultSlow,
			Delay: o.duration * 9 / 10}
		if err := w.sim.Inject(slow); err != nil {
			return nil, err
		}
		t := w.tickets[0]
		_, err := w.sim.Post(simulator.Post{From: w.talkers[t.pair][0], Chat: w.groups[t.pair][0], Thread: t.thread[0],
			Media: &simulator.Upload{Kind: "document", FileName: "film.bin", Data: data}})
		if err != nil {
			return nil, err
		}
		for begun := time.Now(); len(w.sim.Faults()) > 0; time.Sleep(10 * time.Millisecond) {
			if time.Since(begun) > drainTimeout || ctx.Err() != nil {
				return nil, fmt.Errorf("the download did not begin")
			}
		}
	}
	return w.talk(ctx, phase{"beside", o.rate, o.duration})
}
