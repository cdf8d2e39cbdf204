package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// benchWebhookOptions say what is measured of webhooks.
type benchWebhookOptions struct {
	bench   benchOptions
	cases   []string
	events  int // that wait, in drain
	fan     int // endpoints, in fan-out
	dead    int // endpoints, in dead
	waiting int // events that wait for each of them
	calm    time.Duration
}

// benchCases are what can be measured, in order.
var benchCases = []struct {
	name string
	run  func(context.Context, *webhookBench) error
}{
	{"latency", benchLatency}, {"drain", benchDrain}, {"fan-out", benchFanOut}, {"dead", benchDead}, {"sync", benchSync},
}

func benchWebhooksCommand() *cobra.Command {
	o := benchWebhookOptions{bench: benchOptions{mode: "polling", tickets: 100}}
	var names []string
	for _, c := range benchCases {
		names = append(names, c.name)
	}
	cmd := &cobra.Command{
		Use:   "webhooks",
		Short: "Measure how fast events reach webhook endpoints",
		Long: "Start the service as a process of its own, with an empty SQLite file, and measure:\n" +
			"  latency  messages at 200/s to one endpoint, from the update at Telegram's side to the receiver\n" +
			"  drain    a backlog of events over 1,000 tickets to one endpoint, in order\n" +
			"  fan-out  2,000 events to many endpoints\n" +
			"  dead     latency, without and with many endpoints that nobody listens at and for which events wait\n" +
			"  sync     how fast 500 messages/s are copied, without and with an endpoint that hears everything\n" +
			"The receiver, the simulator and the people run in the other process and share the machine's cores.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.bench.progress = newProgress(cmd.ErrOrStderr())
			return runBenchWebhooks(cmd.Context(), cmd.OutOrStdout(), o)
		},
	}
	f := cmd.Flags()
	f.StringSliceVar(&o.cases, "cases", names, "what is measured")
	f.IntVar(&o.events, "events", 100_000, "events that wait (drain)")
	f.IntVar(&o.fan, "fan", 50, "endpoints (fan-out)")
	f.IntVar(&o.dead, "dead", 1000, "endpoints that nobody listens at (dead)")
	f.IntVar(&o.waiting, "waiting", 10_000, "events that wait for each of them (dead)")
	f.DurationVar(&o.calm, "calm", 5*time.Minute, "how long nothing happens before each three runs, and they are down when measuring begins (dead)")
	f.DurationVar(&o.bench.duration, "duration", 20*time.Second, "how long people write")
	f.StringVar(&o.bench.profile, "cpuprofile", "", "file to write a CPU profile of the service to")
	return cmd
}

func runBenchWebhooks(ctx context.Context, out io.Writer, o benchWebhookOptions) error {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400) // spares the cores, which this process shares with the service
	}
	fmt.Fprintf(out, "topicdesk %s, %s, %d cores\n", version, runtime.Version(), runtime.NumCPU())
	for _, c := range benchCases {
		if !slices.Contains(o.cases, c.name) {
			continue
		}
		if err := func() (err error) {
			b, err := newWebhookBench(ctx, out, o)
			if err != nil {
				return err
			}
			defer b.close()
			return c.run(ctx, b)
		}(); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	return nil
}

// benchLatency measures from the update to the receiver.
func benchLatency(ctx context.Context, b *webhookBench) error {
	if err := b.begin(ctx, true); err != nil {
		return err
	}
	if err := b.hear(1, b.receiver.url, true); err != nil {
		return err
	}
	r, took, err := b.talk(ctx, 200)
	if err != nil {
		return err
	}
	b.say("latency: %d messages at 200/s: p50 %.1f ms, p95 %.1f, p99 %.1f from the update to the receiver; %d not heard",
		r.sent, quantileOf(took, .5), quantileOf(took, .95), quantileOf(took, .99), r.sent-len(took))
	return b.service.stop()
}

// benchDrain measures how fast a backlog is delivered.
func benchDrain(ctx context.Context, b *webhookBench) error {
	if err := b.backlog(ctx, 1, b.receiver.url, b.o.events); err != nil {
		return err
	}
	took, used, err := b.deliver(ctx, b.o.events)
	if err != nil {
		return err
	}
	b.say("drain: %d events over %d tickets in %.1f s: %.0f/s; %d out of order, %d repeated; service: %.0f%% of a core, %d MB",
		b.o.events, benchLogTickets, took.Seconds(), float64(b.o.events)/took.Seconds(), b.receiver.disorder(),
		b.receiver.repeats(), 100*used.cpu.Seconds()/took.Seconds(), used.residentMB)
	return b.service.stop()
}

// benchFanOut measures many endpoints that hear the same.
func benchFanOut(ctx context.Context, b *webhookBench) error {
	const events = 2000
	if err := b.backlog(ctx, b.o.fan, b.receiver.url, events); err != nil {
		return err
	}
	took, used, err := b.deliver(ctx, events*b.o.fan)
	if err != nil {
		return err
	}
	b.say("fan-out: %d events to %d endpoints in %.1f s: %.0f/s; service: %.0f%% of a core, %d MB", events, b.o.fan,
		took.Seconds(), float64(events*b.o.fan)/took.Seconds(), 100*used.cpu.Seconds()/took.Seconds(), used.residentMB)
	return b.service.stop()
}

// benchDead measures what endpoints that are down cost the others: three runs without them, three with them, three without
// them again, so that what the desk's growth costs falls on both sides.
func benchDead(ctx context.Context, b *webhookBench) error {
	if err := b.backlog(ctx, b.o.dead, "http://127.0.0.1:9/dead", b.o.waiting); err != nil {
		return err
	}
	if err := b.world.open(ctx, b.o.bench.tickets, b.o.bench.tickets); err != nil {
		return err
	}
	if err := b.hear(1, b.receiver.url, true); err != nil {
		return err
	}
	var without, with []float64
	for _, on := range []bool{false, true, false} {
		if err := b.switchAll(on); err != nil {
			return err
		}
		if err := b.settle(ctx); err != nil {
			return err
		}
		select { // the same with and without them: the first messages after a calm take longer
		case <-time.After(b.o.calm):
		case <-ctx.Done():
		}
		for range 3 {
			p99, err := b.beside(ctx, on)
			if err != nil {
				return err
			}
			if on {
				with = append(with, p99)
			} else {
				without = append(without, p99)
			}
		}
	}
	b.say("dead: p99 with / without, medians: %.2f", median(with)/median(without))
	return b.service.stop()
}

// beside measures what messages take beside endpoints that are down, or without them, and returns the p99 in ms.
func (b *webhookBench) beside(ctx context.Context, dead bool) (p99 float64, err error) {
	_, took, err := b.talk(ctx, 200)
	if err != nil {
		return 0, err
	}
	used, err := b.service.usage()
	if err != nil {
		return 0, err
	}
	p99 = quantileOf(took, .99)
	if dead {
		b.say("dead: with %d endpoints that are down since %v, %d events waiting for each: p50 %.1f ms, p99 %.1f; %d MB",
			b.o.dead, b.o.calm, b.o.waiting, quantileOf(took, .5), p99, used.residentMB)
	} else {
		b.say("dead: without them: p50 %.1f ms, p99 %.1f; %d MB", quantileOf(took, .5), p99, used.residentMB)
	}
	return p99, nil
}

// benchSync measures what an endpoint costs the copies. The pairs of runs alternate.
func benchSync(ctx context.Context, b *webhookBench) error {
	if err := b.begin(ctx, true); err != nil {
		return err
	}
	if err := b.hear(1, b.receiver.url, true); err != nil {
		return err
	}
	p := &pairing{name: "an endpoint", pairs: 5, phase: phase{"steady", 500, b.o.bench.duration}, world: b.world,
		service: func() *benchService { return b.service },
		set: func(ctx context.Context, on bool) error {
			if err := b.switchAll(on); err != nil {
				return err
			}
			return b.settle(ctx) // what it missed while it was off is another case: drain
		}}
	if err := p.run(ctx, b.out); err != nil {
		return err
	}
	return b.service.stop()
}

// newWebhookBench makes the world of one case.
func newWebhookBench(ctx context.Context, out io.Writer, o benchWebhookOptions) (*webhookBench, error) {
	folder, err := os.MkdirTemp("", "topicdesk-bench")
	if err != nil {
		return nil, err
	}
	o.bench.keep = folder
	b := &webhookBench{o: o, out: out}
	if b.world, err = newBenchWorld(b.o.bench.progress, benchPairs); err != nil {
		return nil, err
	}
	if b.receiver, err = newBenchReceiver(b.world); err != nil {
		return nil, err
	}
	for range (o.dead + o.fan + 99) / 90 {
		d := &filledDesk{}
		if err := d.addKey(ctx, filepath.Join(folder, benchDatabase)); err != nil {
			return nil, err
		}
		b.keys = append(b.keys, d.key)
	}
	return b, nil
}

func (b *webhookBench) say(format string, args ...any) {
	fmt.Fprintln(b.out, strings.TrimRight(fmt.Sprintf(format, args...), "\n"))
}
