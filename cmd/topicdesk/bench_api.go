package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
)

// benchAPIOptions say what is measured of the API.
type benchAPIOptions struct {
	bench                 benchOptions
	tickets               int           // in the database
	reads, lists, creates int           // requests per second
	warmUp                time.Duration // before the measurement
}

func benchAPICommand() *cobra.Command {
	o := benchAPIOptions{bench: benchOptions{mode: "polling"}}
	cmd := &cobra.Command{
		Use:   "api",
		Short: "Measure the API: reads, lists and creates while messages are copied",
		Long: "Start the service as a process of its own, with an SQLite file that has many tickets. Programs call\n" +
			"its API while people write in linked tickets. Requests are sent at fixed moments, whether or not\n" +
			"earlier ones were answered; latency counts from those moments. Afterwards, measure each operation\n" +
			"alone, as fast as it goes. The programs, the simulator and the people run in the other process and\n" +
			"share the machine's cores.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.bench.progress = newProgress(cmd.ErrOrStderr())
			return runBenchAPI(cmd.Context(), cmd.OutOrStdout(), o)
		},
	}
	f := cmd.Flags()
	f.IntVar(&o.tickets, "tickets", 10_000, "tickets in the database")
	f.IntVar(&o.reads, "reads", 1000, "reads of one ticket per second")
	f.IntVar(&o.lists, "lists", 200, "lists and searches per second")
	f.IntVar(&o.creates, "creates", 200, "tickets opened per second")
	f.IntVar(&o.bench.rate, "rate", 200, "messages per second that are copied meanwhile")
	f.IntVar(&o.bench.tickets, "linked", 100, "linked tickets in which people write")
	f.DurationVar(&o.bench.duration, "duration", 20*time.Second, "how long everything is measured together")
	f.DurationVar(&o.bench.saturate, "saturate", 5*time.Second,
		"how long each operation is measured alone, as fast as it goes (0: not at all)")
	f.DurationVar(&o.warmUp, "warm-up", 3*time.Second, "how long the load lasts before it is measured")
	f.StringVar(&o.bench.keep, "data", "",
		"folder for the service's data; the tickets are written once and copied for each run (default: a temporary one)")
	f.StringVar(&o.bench.profile, "cpuprofile", "", "file to write a CPU profile of the service to")
	return cmd
}

func runBenchAPI(ctx context.Context, out io.Writer, o benchAPIOptions) (err error) {
	clean, err := prepareBench(&o.bench.keep)
	if err != nil {
		return err
	}
	defer clean()
	w, err := newBenchWorld(o.bench.progress, benchPairs)
	if err != nil {
		return err
	}
	defer w.close()
	start := time.Now()
	filled, err := fillDesk(ctx, o.bench.keep, w, o.tickets, o.bench.progress)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "topicdesk %s, %s, %d cores, %d tickets (%d MB), filled in %.1f s\n",
		version, runtime.Version(), runtime.NumCPU(), o.tickets, filled.size>>20, time.Since(start).Seconds())
	service, err := startService(ctx, o.bench, w)
	if err != nil {
		return err
	}
	defer service.kill()
	if err := w.open(ctx, o.bench.tickets, o.bench.tickets); err != nil {
		return err
	}
	l := newAPILoad(service.addr, filled)
	if o.warmUp > 0 {
		if _, err := l.together(ctx, w, o, o.warmUp); err != nil {
			return err
		}
	}
	before, err := service.usage()
	if err != nil {
		return err
	}
	all, err := l.together(ctx, w, o, o.bench.duration)
	if err != nil {
		return err
	}
	after, err := service.usage()
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(out, 2, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "together\toffered/s\treached/s\tp50 ms\tp95 ms\tp99 ms\tmax ms\terrors\t")
	for _, r := range all {
		r.row(table)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(out, "service: %.0f%% of a core, %d MB resident\n",
		100*(after.cpu-before.cpu).Seconds()/o.bench.duration.Seconds(), after.residentMB)
	if o.bench.saturate > 0 {
		table = tabwriter.NewWriter(out, 2, 8, 2, ' ', tabwriter.AlignRight)
		fmt.Fprintln(table, "alone, as fast as it goes\toffered/s\treached/s\tp50 ms\tp95 ms\tp99 ms\tmax ms\terrors\t")
		for _, k := range l.kinds() {
			l.saturate(ctx, k, o.bench.saturate).row(table)
		}
		if err := table.Flush(); err != nil {
			return err
		}
	}
	return service.stop()
}

// pick returns one of a list.
func pick[T any](r *rand.Rand, of []T) T { return of[r.IntN(len(of))] }
