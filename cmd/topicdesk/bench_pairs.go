package main

import (
	"context"
	"fmt"
	"io"
	"slices"
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

// sides are one figure's values in the runs of both sides: [0] what is compared with, [1] what is compared.
type sides [2][]float64

func (s *sides) add(side int, value float64) { s[side] = append(s[side], value) }

// ratio is [1] / [0], by the medians.
func (s *sides) ratio() float64 { return median(s[1]) / max(median(s[0]), 0.001) }

func median(of []float64) float64 {
	of = slices.Clone(of)
	slices.Sort(of)
	return of[len(of)/2]
}

// figures are those of the runs of both sides.
type figures struct{ reached, p50, p99, cpu sides }

// add takes up a run of a side; cpu is in ms per message.
func (f *figures) add(side int, r *result, cpu float64) {
	f.reached.add(side, r.reached)
	f.p50.add(side, r.quantile(.5))
	f.p99.add(side, r.quantile(.99))
	f.cpu.add(side, cpu)
}

// run prints a table of the runs, and the ratios with / without.
func (p *pairing) run(ctx context.Context, out io.Writer) error {
	table := tabwriter.NewWriter(out, 2, 8, 2, ' ', tabwriter.AlignRight)
	defer func() { _ = table.Flush() }() // what was measured is shown, also if it breaks off
	fmt.Fprintf(table, "%s\treached/s\tp50 ms\tp99 ms\tlost\tCPU ms/message\tRSS MB\t\t\n", p.name)
	all := &figures{}
	for pair := range p.pairs {
		for run := range 2 {
			with := (pair + run) % 2
			on := with == 1
			if err := p.set(ctx, on); err != nil {
				return err
			}
			now := p.phase // its progress says which run it is
			now.name = fmt.Sprintf("run %d of %d, %s", 2*pair+run+1, 2*p.pairs, []string{"without", "with"}[with])
			r, per, residentMB, err := p.world.play(ctx, now, p.service())
			if err != nil {
				return err
			}
			said := ""
			if p.about != nil {
				if said, err = p.about(on); err != nil {
					return err
				}
			}
			all.add(with, r, per)
			fmt.Fprintf(table, "%s\t%.0f\t%.1f\t%.1f\t%d\t%.3f\t%d\t%s\t\n", []string{"without", "with"}[with], r.reached, r.quantile(.5),
				r.quantile(.99), r.lost, per, residentMB, said)
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "%s: with / without, medians of %d runs each: p50 %.2f, p99 %.2f, CPU per message %.2f\n", p.name, p.pairs,
		all.p50.ratio(), all.p99.ratio(), all.cpu.ratio())
	return err
}
