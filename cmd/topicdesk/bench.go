package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
)

// benchOptions say what is measured.
type benchOptions struct {
	tickets  int           // linked tickets that are talked in
	open     int           // open tickets in all
	rate     int           // messages a second, offered
	duration time.Duration // of the offered load
	saturate time.Duration // of the load without a rate; 0: none
	mode     string        // how updates come
	keep     string        // folder for the service's data; "": a temporary one
	pairs    int           // of runs without and with a download in progress; 0: the usual load
	mix      benchMix      // what people do
	soak     time.Duration // of a busy desk's talk, as fast as rate says; 0: the usual load
	profile  string        // file for a CPU profile of the service; "": none
}

func benchCommand() *cobra.Command {
	var o benchOptions
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure this machine: the service and the simulator as two processes, without flood limits",
		Long: "Starts the service as a process of its own on an empty SQLite file, opens tickets that are linked between groups, and\n" +
			"lets people talk in them: first at a steady rate, then as fast as the service takes it. Latency is from the moment an\n" +
			"update exists at Telegram to the arrival of its copy's call there. CPU and memory are the service's alone; the\n" +
			"simulator and the people run in the other process and share the machine's cores.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runBench(cmd.Context(), cmd.OutOrStdout(), o)
		},
	}
	f := cmd.Flags()
	f.IntVar(&o.tickets, "tickets", 100, "linked tickets in which people talk")
	f.IntVar(&o.open, "open", 0, "open tickets in all, most of them idle (0: only those that are talked in)")
	f.IntVar(&o.rate, "rate", 500, "messages a second")
	f.DurationVar(&o.duration, "duration", 30*time.Second, "how long people talk at that rate")
	f.DurationVar(&o.saturate, "saturate", 10*time.Second, "how long people talk as fast as the service takes it")
	f.StringVar(&o.mode, "mode", "polling", "how updates come: polling or webhook")
	f.StringVar(&o.keep, "data", "", "folder for the service's data (default: a temporary one)")
	f.IntVar(&o.pairs, "download-pairs", 0, "instead: so many pairs of runs at that rate, without and with a 20 MB download in progress")
	f.IntVar(&o.mix.media, "media", 0, "of 100 actions so many are media with a caption")
	f.IntVar(&o.mix.edits, "edits", 0, "of 100 actions so many are edits")
	f.IntVar(&o.mix.replies, "replies", 0, "of 100 messages so many are replies")
	f.IntVar(&o.mix.albums, "albums", 0, "of 100 actions so many are albums of three photos")
	f.DurationVar(&o.soak, "soak", 0, "instead: the memory over so long a time of a busy desk (10 actions a second), told at --rate")
	f.StringVar(&o.profile, "cpuprofile", "", "file for a CPU profile of the service")
	cmd.AddCommand(benchAPICommand())
	return cmd
}

func runBench(ctx context.Context, out io.Writer, o benchOptions) (err error) {
	if err := o.mix.check(); err != nil {
		return err
	}
	if o.open < o.tickets {
		o.open = o.tickets
	}
	if o.keep == "" {
		if o.keep, err = os.MkdirTemp("", "topicdesk-bench"); err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(o.keep) }()
	}
	if o.keep, err = filepath.Abs(o.keep); err != nil { // the service runs in it
		return err
	}
	fmt.Fprintf(out, "topicdesk %s, %s, %d cores, %s intake, %d open tickets of which %d are talked in, %s\n",
		version, runtime.Version(), runtime.NumCPU(), o.mode, o.open, o.tickets, o.mix)
	w, err := newBenchWorld(o)
	if err != nil {
		return err
	}
	defer w.close()
	service, err := startService(ctx, o, w)
	if err != nil {
		return err
	}
	defer service.kill()
	start := time.Now()
	if err := w.open(ctx, o.open, o.tickets); err != nil {
		return err
	}
	used, err := service.usage()
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "prepared in %.1f s; %d MB resident with all of them in memory\n", time.Since(start).Seconds(), used.residentMB)
	if o.open > o.tickets {
		// Only a service that was started again has none but the busy tickets in memory.
		if err := service.restart(ctx, o, w); err != nil {
			return err
		}
	}
	w.mix = newMixer(o.mix)
	if o.soak > 0 {
		if err := w.soak(ctx, out, o, service); err != nil {
			return err
		}
		return service.stop()
	}
	if o.pairs > 0 {
		if err := w.downloadPairs(ctx, out, o); err != nil {
			return err
		}
		return service.stop()
	}
	table := tabwriter.NewWriter(out, 2, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "load\toffered/s\treached/s\tp50 ms\tp95 ms\tp99 ms\tmax ms\tlost\trepeated\tRSS MB\tCPU ms/message\t")
	phases := []phase{{"steady", o.rate, o.duration}}
	if o.saturate > 0 {
		phases = append(phases, phase{"saturation", 0, o.saturate})
	}
	for _, p := range phases {
		before, err := service.usage()
		if err != nil {
			return err
		}
		r, err := w.talk(ctx, p)
		if err != nil {
			return err
		}
		after, err := service.usage()
		if err != nil {
			return err
		}
		offered := "-"
		if p.rate > 0 {
			offered = fmt.Sprint(p.rate)
		}
		fmt.Fprintf(table, "%s\t%s\t%.0f\t%.1f\t%.1f\t%.1f\t%.1f\t%d\t%d\t%d\t%.3f\t\n", p.name, offered, r.reached,
			r.quantile(.5), r.quantile(.95), r.quantile(.99), r.quantile(1), r.lost, r.repeated, after.residentMB,
			float64((after.cpu-before.cpu).Microseconds())/1000/float64(max(1, r.sent)))
		if a := r.albums; len(a) > 0 {
			fmt.Fprintf(table, "… albums\t\t\t%.1f\t%.1f\t%.1f\t%.1f\t\t\t\t\t\n", quantileOf(a, .5), quantileOf(a, .95), quantileOf(a, .99), quantileOf(a, 1))
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	return service.stop()
}
