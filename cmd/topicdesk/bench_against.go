package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"
)

// compare measures this program and a former one in pairs of runs, each over an empty desk, every other pair in the reverse order, so
// that what changes on the machine meanwhile falls on both. It prints a table of the runs, and the ratios of the medians.
func compare(ctx context.Context, out io.Writer, o benchOptions) error {
	former, err := filepath.Abs(o.against) // the service's working directory is another one
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(out, 2, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "program\tload\treached/s\tp50 ms\tp99 ms\tlost\trepeated\tCPU ms/message\t")
	ratios := map[string]*figures{}
	phases := o.phases()
	err = func() error {
		for pair := range o.againstPairs {
			for run := range 2 {
				which := (pair + run) % 2
				now := o
				if which == 0 {
					now.program = former
				}
				if err := now.alone(ctx, phases, func(p phase, r *result, cpu float64) {
					if ratios[p.name] == nil {
						ratios[p.name] = &figures{}
					}
					ratios[p.name].add(which, r, cpu)
					fmt.Fprintf(table, "%s\t%s\t%.0f\t%.1f\t%.1f\t%d\t%d\t%.3f\t\n", []string{"former", "this"}[which], p.name, r.reached,
						r.quantile(.5), r.quantile(.99), r.lost, r.repeated, cpu)
				}); err != nil {
					return fmt.Errorf("run %d of %d, %s: %w", 2*pair+run+1, 2*o.againstPairs, []string{"former", "this"}[which], err)
				}
			}
		}
		return nil
	}()
	if e := table.Flush(); err != nil || e != nil { // what was measured is shown, also if it breaks off
		return errors.Join(err, e)
	}
	for _, p := range phases {
		f := ratios[p.name]
		fmt.Fprintf(out, "%s: this / former, medians of %d runs each: reached %.2f, p50 %.2f, p99 %.2f, CPU per message %.2f\n", p.name,
			o.againstPairs, f.reached.ratio(), f.p50.ratio(), f.p99.ratio(), f.cpu.ratio())
	}
	return nil
}

// alone plays the phases over an empty desk of the program that o names, and hands on what each gave.
func (o benchOptions) alone(ctx context.Context, phases []phase, each func(phase, *result, float64)) (err error) {
	if o.keep, err = os.MkdirTemp("", "topicdesk-bench"); err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(o.keep) }()
	w, err := newBenchWorld(o.progress, benchPairs)
	if err != nil {
		return err
	}
	defer w.close()
	service, err := startService(ctx, o, w)
	if err != nil {
		return err
	}
	defer service.kill()
	if err := w.open(ctx, o.open, o.tickets); err != nil {
		return err
	}
	w.mix = newMixer(o.mix)
	for _, p := range phases {
		r, cpu, _, err := w.play(ctx, p, service)
		if err != nil {
			return err
		}
		each(p, r, cpu)
	}
	return service.stop()
}
