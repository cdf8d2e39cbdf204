package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"
)

// pairing measures what something costs the copies of messages: runs without and with it, in pairs, every other one in
// the reverse order, so that what changes meanwhile falls on both.
type pairing struct {
	name    string // of what is measured
	pairs   int
	phase   phase
	world   *benchWorld
	service func() *benchService // the one that runs now
	// set switches it on or off, and says something about it at the end of each run, which may be "".
	set   func(ctx context.Context, on bool) error
	about func(on bool) (string, error)
}

// paired are the ratios with / without, by the medians.
type paired struct{ p50, p99, cpu float64 }

// run prints a table of the runs, and returns the ratios.
func (p *pairing) run(ctx context.Context, out io.Writer) (*paired, error) {
	table := tabwriter.NewWriter(out, 2, 8, 2, ' ', tabwriter.AlignRight)
	defer func() { _ = table.Flush() }() // what was measured is shown, also if it breaks off
	fmt.Fprintf(table, "%s\treached/s\tp50 ms\tp99 ms\tlost\tCPU ms/message\tRSS MB\t\t\n", p.name)
	var p50, p99, cpu [2][]float64
	for pair := range p.pairs {
		for run := range 2 {
			with := (pair + run) % 2
			on := with == 1
			if err := p.set(ctx, on); err != nil {
				return nil, err
			}
			before, err := p.service().usage()
			if err != nil {
				return nil, err
			}
			now := p.phase // its progress says which run it is
			now.name = fmt.Sprintf("run %d of %d, %s", 2*pair+run+1, 2*p.pairs, []string{"without", "with"}[with])
			r, err := p.world.talk(ctx, now)
			if err != nil {
				return nil, err
			}
			after, err := p.service().usage()
			if err != nil {
				return nil, err
			}
			said := ""
			if p.about != nil {
				if said, err = p.about(on); err != nil {
					return nil, err
				}
			}
			per := float64((after.cpu - before.cpu).Microseconds()) / 1000 / float64(max(1, r.sent))
			p50[with], p99[with], cpu[with] = append(p50[with], r.quantile(.5)), append(p99[with], r.quantile(.99)), append(cpu[with], per)
			fmt.Fprintf(table, "%s\t%.0f\t%.1f\t%.1f\t%d\t%.3f\t%d\t%s\t\n", []string{"without", "with"}[with], r.reached, r.quantile(.5),
				r.quantile(.99), r.lost, per, after.residentMB, said)
		}
	}
	if err := table.Flush(); err != nil {
		return nil, err
	}
	ratio := func(of [2][]float64) float64 { return median(of[1]) / max(median(of[0]), 0.001) }
	all := &paired{ratio(p50), ratio(p99), ratio(cpu)}
	_, err := fmt.Fprintf(out, "%s: with / without, medians of %d runs each: p50 %.2f, p99 %.2f, CPU per message %.2f\n", p.name, p.pairs,
		all.p50, all.p99, all.cpu)
	return all, err
}
