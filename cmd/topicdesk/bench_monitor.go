package main

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/simulator"
)

const (
	stormPerSecond  = 10_000
	monitoredGroups = 1000
	monitorAsks     = 100    // of each operation
	traceShare      = "0.01" // of updates
)

func benchMonitorCommand() *cobra.Command {
	o := filledOptions{bench: benchOptions{mode: "polling"}, tickets: 10_000, pairs: 3}
	events := 60_000 // more than are counted while people write once
	cases := []filledCase{
		{name: "errors", run: benchErrors, change: func(o *filledOptions) { o.bench.storm = true }},
		{name: "figures", run: benchFigures},
		{name: "tracing", run: benchTracing},
		{name: "reports", run: func(ctx context.Context, b *filledBench) error { return benchReports(ctx, b, events) }},
	}
	cmd := &cobra.Command{
		Use:   "monitor",
		Short: "Measure what watching the desk costs: errors, figures, traces, reports",
		Long: "Start the service as a process of its own, with an SQLite file that has many tickets, and measure:\n" +
			"  errors   the copies of messages without and with 10,000 errors logged per second, of one kind and of 1,000\n" +
			"  figures  how long each operation of /monitoring takes with 1,000 groups, and how many metrics there are\n" +
			"  tracing  the copies without traces and with 1% of them sent to a collector\n" +
			"  reports  the copies without and with events that wait to be counted for reports\n" +
			"The collector, the simulator and the people run in the other process and share the machine's cores.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.bench.progress = newProgress(cmd.ErrOrStderr())
			return runFilled(cmd.Context(), cmd.OutOrStdout(), o, cases)
		},
	}
	o.flags(cmd, namesOf(cases))
	cmd.Flags().IntVar(&events, "events", events, "events that wait in each run (reports)")
	return cmd
}

// benchErrors measures storms of errors of one kind and of many.
func benchErrors(ctx context.Context, b *filledBench) error {
	for _, kinds := range []int{1, stormKinds} {
		name := fmt.Sprintf("%d errors/s, kinds: %d", stormPerSecond, kinds)
		err := b.paired(ctx, name, func(_ context.Context, on bool) error {
			perSecond := 0
			if on {
				perSecond = stormPerSecond
			}
			_, err := fmt.Fprintln(b.service.nodes[0].storm, perSecond, kinds)
			return err
		}, func(bool) (string, error) {
			now, err := b.service.memoryNow(ctx)
			return fmt.Sprintf("%.0f MB live heap", now.live), err
		})
		if err != nil {
			return err
		}
	}
	if _, err := fmt.Fprintln(b.service.nodes[0].storm, 0, 1); err != nil {
		return err
	}
	var groups, logged int64
	for path := "/api/v1/errors?limit=100"; path != ""; {
		var page struct {
			Data       []struct{ Count int64 }
			NextCursor *string
		}
		if _, err := b.api(ctx, path, &page); err != nil {
			return err
		}
		for _, e := range page.Data {
			groups, logged = groups+1, logged+e.Count
		}
		if path = ""; page.NextCursor != nil {
			path = "/api/v1/errors?limit=100&cursor=" + *page.NextCursor
		}
	}
	told, inMinute, err := b.occurrences(ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(b.out, "errors: %d groups of them are kept, with %d counted; %d events told of them, %d in the fullest minute\n",
		groups, logged, told, inMinute)
	return err
}

// occurrences counts the events error.occurred, and the most of them within a minute.
func (b *filledBench) occurrences(ctx context.Context) (all, inMinute int, err error) {
	var at []time.Time
	for cursor, more := "", true; more; {
		var page struct {
			Data       []struct{ Timestamp time.Time }
			NextCursor string
			HasMore    bool
		}
		path := "/api/v1/events?types=" + messages.EventErrorOccurred + "&limit=1000&after=" + url.QueryEscape(cursor)
		if _, err := b.api(ctx, strings.TrimSuffix(path, "&after="), &page); err != nil {
			return 0, 0, err
		}
		for _, e := range page.Data {
			at = append(at, e.Timestamp)
		}
		cursor, more = page.NextCursor, page.HasMore
	}
	slices.SortFunc(at, time.Time.Compare)
	for i := range at {
		n := 0
		for _, other := range at[i:] {
			if other.Sub(at[i]) < time.Minute {
				n++
			}
		}
		inMinute = max(inMinute, n)
	}
	return len(at), inMinute, nil
}

// benchFigures measures the operations of /monitoring, and counts metrics.
func benchFigures(ctx context.Context, b *filledBench) error {
	if err := b.manyGroups(ctx); err != nil {
		return err
	}
	table := tabwriter.NewWriter(b.out, 2, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "operation\tp50 ms\tp99 ms\tkB\t")
	paths := []string{"/monitoring/overview"}
	for _, span := range []string{"1h", "24h", "7d"} {
		paths = append(paths, "/monitoring/throughput?range="+span, "/monitoring/latency?range="+span)
	}
	for _, path := range append(paths, "/monitoring/groups?limit=100", "/monitoring/webhooks", "/monitoring/nodes") {
		if err := b.ask(ctx, table, "/api/v1"+path); err != nil {
			return err
		}
	}
	if err := b.ask(ctx, table, "/metrics"); err != nil {
		return err
	}
	if err := table.Flush(); err != nil {
		return err
	}
	all, err := b.service.gauges(ctx)
	if err != nil {
		return err
	}
	byName := map[string]int{}
	for series := range all {
		name, _, _ := strings.Cut(series, "{")
		byName[name]++
	}
	most := ""
	for name := range byName {
		if most == "" || byName[name] > byName[most] || byName[name] == byName[most] && name < most {
			most = name
		}
	}
	_, err = fmt.Fprintf(b.out, "figures: %d groups, %d series of %d metrics; the most, %d, are of %s\n", monitoredGroups, len(all), len(byName),
		byName[most], most)
	return err
}

// ask measures one operation.
func (b *filledBench) ask(ctx context.Context, table io.Writer, path string) error {
	var took []time.Duration
	var size int
	for range monitorAsks {
		began := time.Now()
		body, err := b.api(ctx, path, nil)
		if err != nil {
			return err
		}
		took, size = append(took, time.Since(began)), len(body)
	}
	slices.Sort(took)
	_, err := fmt.Fprintf(table, "%s\t%.1f\t%.1f\t%.1f\t\n", strings.TrimPrefix(path, "/api/v1"), quantileOf(took, .5), quantileOf(took, .99),
		float64(size)/1000)
	return err
}

// manyGroups has people register many groups, and open a ticket in each.
func (b *filledBench) manyGroups(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, setupTimeout)
	defer cancel()
	sim, owner := b.world.sim, b.world.talkers[0][0]
	admin := simulator.BotRights{Status: simulator.Administrator, CanManageTopics: true, CanPinMessages: true}
	var groups []int64
	for i := range monitoredGroups {
		g, err := sim.AddGroup(simulator.Group{Title: fmt.Sprint("Branch ", i), Forum: true, Bot: admin})
		if err != nil {
			return err
		}
		if err := sim.SetMember(g.ID, owner, simulator.Creator); err != nil {
			return err
		}
		groups = append(groups, g.ID)
	}
	answered := func(g int64) bool {
		return slices.ContainsFunc(sim.Messages(g, 0), func(m simulator.Message) bool { return m.From.ID == sim.BotID() })
	}
	opened := func(g int64) bool { return len(sim.Topics(g)) > 0 }
	for _, step := range []struct {
		text string
		done func(int64) bool
	}{{"/" + messages.VerbRegister, answered}, {"/" + messages.VerbCreateTicket + " Printer", opened}} {
		for some := range slices.Chunk(groups, 100) {
			for _, g := range some {
				if _, err := sim.Post(simulator.Post{From: owner, Chat: g, Text: step.text}); err != nil {
					return err
				}
			}
			all := func() bool { return !slices.ContainsFunc(some, func(g int64) bool { return !step.done(g) }) }
			if err := sim.Await(ctx, all); err != nil {
				return fmt.Errorf("%s: %w", step.text, err)
			}
		}
	}
	return nil
}

// benchTracing measures what traces cost. The service starts anew for each run.
func benchTracing(ctx context.Context, b *filledBench) error {
	collector, err := newBenchCollector()
	if err != nil {
		return err
	}
	defer collector.close()
	return b.paired(ctx, "traces of 1%", func(ctx context.Context, on bool) error {
		o := b.o.bench
		if on {
			o.env = append(slices.Clone(o.env), "OTEL_EXPORTER_OTLP_ENDPOINT="+collector.url, "OTEL_TRACES_SAMPLER=parentbased_traceidratio",
				"OTEL_TRACES_SAMPLER_ARG="+traceShare)
		}
		return b.anew(ctx, o)
	}, func(bool) (string, error) {
		return fmt.Sprintf("%d kB of spans so far", collector.taken.Load()>>10), nil
	})
}

// anew starts the service again, and waits until it copies as fast as before.
func (b *filledBench) anew(ctx context.Context, o benchOptions) error {
	if err := b.service.restart(ctx, o, b.world); err != nil {
		return err
	}
	return b.world.warmUp(ctx)
}

// benchReports measures what counting events for reports costs, while many wait. The service starts anew for each run.
func benchReports(ctx context.Context, b *filledBench, events int) error {
	waiting := func(ctx context.Context) (n int64, err error) {
		day := time.Now().UTC().Format(time.DateOnly)
		var report struct{ WaitingEvents int64 }
		_, err = b.api(ctx, "/api/v1/reports/activity?timeZone=UTC&by=group&from="+day+"&to="+day, &report)
		return report.WaitingEvents, err
	}
	counted := func(ctx context.Context) (err error) {
		n, err := waiting(ctx)
		enough := int64(b.o.bench.rate)
		if err != nil || n <= enough {
			return err
		}
		t := b.world.progress.begin("count what waits", "events", n)
		defer func() { t.end(err) }()
		for left := n; left > enough; {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(time.Second):
			}
			if left, err = waiting(ctx); err != nil {
				return err
			}
			t.set(int(max(0, n-left)), int(n))
		}
		return nil
	}
	filled := 0
	return b.paired(ctx, fmt.Sprintf("%d events to count", events), func(ctx context.Context, on bool) error {
		if err := counted(ctx); err != nil {
			return err
		}
		if err := b.service.stop(); err != nil {
			return err
		}
		if on {
			if err := fillReported(ctx, b.database(), filled, events, b.world.progress); err != nil {
				return err
			}
			filled += events
		}
		if err := b.service.start(ctx, b.o.bench, b.world); err != nil {
			return err
		}
		return b.world.warmUp(ctx)
	}, func(bool) (string, error) {
		n, err := waiting(ctx)
		return fmt.Sprintf("%d events wait then", n), err
	})
}
