package main

import (
	"context"
	"errors"
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
	tickets  int           // linked tickets in which people write
	open     int           // open tickets in all
	groups   int           // pairs of groups in which people write; 0: the usual
	rate     int           // messages per second in the steady phase
	duration time.Duration // of the steady phase
	saturate time.Duration // of the phase without a rate; 0: no such phase
	mode     string        // how updates arrive: polling or webhook
	keep     string        // folder for the service's data; "": a temporary one
	pairs    int           // pairs of runs without and with a download in progress; 0: the usual phases
	mix      benchMix      // what people do
	soak     time.Duration // of the desk's time that is played at rate; 0: the usual phases
	progress *progress
	database string   // of MongoDB, empty; "": a new SQLite file
	nodes    int      // of a cluster over etcd
	etcd     string   // its address; "": a node alone
	profile  string   // file for a CPU profile of the service; "": none
	env      []string // settings of the service, besides those of every run
	storm    bool     // the service can log a storm of errors
	program  string   // the service's; "": this one

	against      string // another program, with which this one is compared; "": none
	againstPairs int    // of runs
}

func benchCommand() *cobra.Command {
	var o benchOptions
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure how fast the service copies messages on this machine",
		Long: "Start the service as a process of its own, with an empty SQLite file and without limits of pace.\n" +
			"Open tickets that are linked between groups, and let people write in them: first at a steady rate,\n" +
			"then as fast as the service copies. Latency counts from the moment at which an update exists at\n" +
			"Telegram to the arrival of its copy's call there. CPU and memory are those of the service. The\n" +
			"simulator and the people run in the other process and share the machine's cores.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.progress = newProgress(cmd.ErrOrStderr())
			return runBench(cmd.Context(), cmd.OutOrStdout(), o)
		},
	}
	f := cmd.Flags()
	f.IntVar(&o.tickets, "tickets", 100, "linked tickets in which people write")
	f.IntVar(&o.open, "open", 0, "open tickets in all, the others idle (0: only the linked ones)")
	f.IntVar(&o.rate, "rate", 500, "messages per second")
	f.DurationVar(&o.duration, "duration", 30*time.Second, "how long people write at that rate")
	f.DurationVar(&o.saturate, "saturate", 10*time.Second, "how long people write as fast as the service copies")
	f.StringVar(&o.mode, "mode", "polling", "how updates arrive: polling or webhook")
	f.StringVar(&o.keep, "data", "", "folder for the service's data (default: a temporary one)")
	f.IntVar(&o.pairs, "download-pairs", 0,
		"measure this many pairs of runs at --rate instead: without and with a 20 MB download in progress")
	f.IntVar(&o.mix.media, "media", 0, "percentage of actions that are media with a caption")
	f.IntVar(&o.mix.edits, "edits", 0, "percentage of actions that are edits")
	f.IntVar(&o.mix.replies, "replies", 0, "percentage of messages that are replies")
	f.IntVar(&o.mix.albums, "albums", 0, "percentage of actions that are albums of three photos")
	f.DurationVar(&o.soak, "soak", 0,
		"measure memory instead: play this much time of a busy desk, with 10 actions per second, at --rate")
	f.StringVar(&o.database, "database", "", "measure over this MongoDB, whose database is empty (mongodb://host/name)")
	f.IntVar(&o.nodes, "nodes", 1, "nodes of the service (more than one need --database and --etcd)")
	f.StringVar(&o.etcd, "etcd", "", "address of etcd: the service is a cluster, of one node, too")
	f.StringVar(&o.against, "against", "", "compare with this former program instead, in alternating runs")
	f.IntVar(&o.againstPairs, "pairs", 3, "pairs of runs with --against")
	f.StringVar(&o.profile, "cpuprofile", "", "file to write a CPU profile of the service to")
	cmd.AddCommand(benchAPICommand(), benchWebhooksCommand(), benchWebCommand(), benchMonitorCommand(), benchTimersCommand(), benchStormCommand())
	return cmd
}

func runBench(ctx context.Context, out io.Writer, o benchOptions) (err error) {
	if err := o.mix.check(); err != nil {
		return err
	}
	if o.nodes > 1 && o.etcd == "" || o.etcd != "" && o.database == "" {
		return errors.New("several nodes need --etcd, and that needs --database")
	}
	if o.open < o.tickets {
		o.open = o.tickets
	}
	if o.against != "" {
		return compare(ctx, out, o)
	}
	if o.keep == "" {
		if o.keep, err = os.MkdirTemp("", "topicdesk-bench"); err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(o.keep) }()
	}
	if o.keep, err = filepath.Abs(o.keep); err != nil { // the service's working directory
		return err
	}
	fmt.Fprintf(out, "topicdesk %s, %s, %d cores, %s intake, %d open tickets, %d of them linked, %s\n",
		version, runtime.Version(), runtime.NumCPU(), o.mode, o.open, o.tickets, o.mix)
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
	start := time.Now()
	if err := w.open(ctx, o.open, o.tickets); err != nil {
		return err
	}
	used, err := service.usage()
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "prepared in %.1f s; %d MB resident with all tickets in memory\n",
		time.Since(start).Seconds(), used.residentMB)
	if o.open > o.tickets {
		// After a restart only the busy tickets become resident.
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
	if err := w.measure(ctx, out, o, service); err != nil {
		return err
	}
	return service.stop()
}

// phases are those in which people write.
func (o *benchOptions) phases() []phase {
	all := []phase{{"steady", o.rate, o.duration}}
	if o.saturate > 0 {
		all = append(all, phase{"saturation", 0, o.saturate})
	}
	return all
}

// play lets people write, and says what the service took for it: CPU in ms per message, and the memory that it holds then.
func (w *benchWorld) play(ctx context.Context, p phase, service *benchService) (r *result, cpu float64, residentMB int64, err error) {
	before, err := service.usage()
	if err != nil {
		return nil, 0, 0, err
	}
	if r, err = w.talk(ctx, p); err != nil {
		return nil, 0, 0, err
	}
	after, err := service.usage()
	return r, float64((after.cpu - before.cpu).Microseconds()) / 1000 / float64(max(1, r.sent)), after.residentMB, err
}

// measure lets people write in the usual phases and prints a table of them.
func (w *benchWorld) measure(ctx context.Context, out io.Writer, o benchOptions, service *benchService) error {
	table := tabwriter.NewWriter(out, 2, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "load\toffered/s\treached/s\tp50 ms\tp95 ms\tp99 ms\tmax ms\tlost\trepeated\tRSS MB\t"+
		"CPU ms/message\t")
	for _, p := range o.phases() {
		r, cpu, residentMB, err := w.play(ctx, p, service)
		if err != nil {
			return err
		}
		offered := "-"
		if p.rate > 0 {
			offered = fmt.Sprint(p.rate)
		}
		fmt.Fprintf(table, "%s\t%s\t%.0f\t%.1f\t%.1f\t%.1f\t%.1f\t%d\t%d\t%d\t%.3f\t\n", p.name, offered, r.reached,
			r.quantile(.5), r.quantile(.95), r.quantile(.99), r.quantile(1), r.lost, r.repeated, residentMB, cpu)
		if a := r.albums; len(a) > 0 {
			fmt.Fprintf(table, "… albums\t\t\t%.1f\t%.1f\t%.1f\t%.1f\t\t\t\t\t\n",
				quantileOf(a, .5), quantileOf(a, .95), quantileOf(a, .99), quantileOf(a, 1))
		}
	}
	return table.Flush()
}
