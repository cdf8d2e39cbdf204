package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
)

// benchAPIOptions say what is measured of the API.
type benchAPIOptions struct {
	bench                 benchOptions
	tickets               int // in the database
	reads, lists, creates int // a second
	settle                time.Duration
}

func benchAPICommand() *cobra.Command {
	o := benchAPIOptions{bench: benchOptions{mode: "polling"}}
	cmd := &cobra.Command{
		Use:   "api",
		Short: "Measure the API: reads, lists and creates while messages are mirrored",
		Long: "Starts the service as a process of its own on an SQLite file with many tickets; programs call its API while people talk in\n" +
			"linked tickets. Requests are sent at fixed moments, whether or not earlier ones were answered; latency counts from those\n" +
			"moments. Afterwards each operation alone, as fast as it goes. The programs, the simulator and the people run in the other\n" +
			"process and share the machine's cores.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runBenchAPI(cmd.Context(), cmd.OutOrStdout(), o) },
	}
	f := cmd.Flags()
	f.IntVar(&o.tickets, "tickets", 10_000, "tickets in the database")
	f.IntVar(&o.reads, "reads", 1000, "reads of one ticket a second")
	f.IntVar(&o.lists, "lists", 200, "lists and searches a second")
	f.IntVar(&o.creates, "creates", 200, "tickets opened a second")
	f.IntVar(&o.bench.rate, "rate", 200, "messages a second that are mirrored meanwhile")
	f.IntVar(&o.bench.tickets, "linked", 100, "linked tickets in which people talk")
	f.DurationVar(&o.bench.duration, "duration", 20*time.Second, "how long all of that goes on")
	f.DurationVar(&o.bench.saturate, "saturate", 5*time.Second, "how long each operation goes on alone, as fast as it can; 0: not at all")
	f.DurationVar(&o.settle, "warm-up", 3*time.Second, "how long it goes on before it is measured")
	f.StringVar(&o.bench.keep, "data", "", "folder for the service's data; the tickets are written into it once and copied for each run (default: a temporary one)")
	f.StringVar(&o.bench.profile, "cpuprofile", "", "file for a CPU profile of the service")
	return cmd
}

func runBenchAPI(ctx context.Context, out io.Writer, o benchAPIOptions) (err error) {
	if o.bench.keep == "" {
		if o.bench.keep, err = os.MkdirTemp("", "topicdesk-bench"); err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(o.bench.keep) }()
	}
	if o.bench.keep, err = filepath.Abs(o.bench.keep); err != nil { // the service runs in it
		return err
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400) // what measures shares the cores with what is measured
	}
	w, err := newBenchWorld(o.bench)
	if err != nil {
		return err
	}
	defer w.close()
	start := time.Now()
	filled, err := fillDesk(ctx, o.bench.keep, w, o.tickets)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "topicdesk %s, %s, %d cores, %d tickets (%d MB), filled in %.1f s\n", version, runtime.Version(), runtime.NumCPU(),
		o.tickets, filled.size>>20, time.Since(start).Seconds())
	service, err := startService(ctx, o.bench, w)
	if err != nil {
		return err
	}
	defer service.kill()
	if err := w.open(ctx, o.bench.tickets, o.bench.tickets); err != nil {
		return err
	}
	l := newAPILoad(service.addr, filled)
	if o.settle > 0 {
		if _, err := l.together(ctx, w, o, o.settle); err != nil {
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
	fmt.Fprintln(table, "all at once\toffered/s\treached/s\tp50 ms\tp95 ms\tp99 ms\tmax ms\terrors\t")
	for _, r := range all {
		r.row(table)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(out, "service: %.0f%% of a core, %d MB resident\n", 100*(after.cpu-before.cpu).Seconds()/o.bench.duration.Seconds(), after.residentMB)
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
