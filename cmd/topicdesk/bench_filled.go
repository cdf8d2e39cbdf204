package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"time"

	"github.com/spf13/cobra"
)

// filledOptions say what is measured of a desk with many tickets.
type filledOptions struct {
	bench   benchOptions
	cases   []string
	tickets int // in the database
	pairs   int // of runs, where something is measured without and with something else
}

// flags are those that all such measurements have. names are the cases.
func (o *filledOptions) flags(cmd *cobra.Command, names []string) {
	f := cmd.Flags()
	f.StringSliceVar(&o.cases, "cases", names, "what is measured")
	f.IntVar(&o.tickets, "tickets", cmp.Or(o.tickets, 100_000), "tickets in the database")
	f.IntVar(&o.pairs, "pairs", cmp.Or(o.pairs, 5), "pairs of runs, without and with")
	f.IntVar(&o.bench.rate, "rate", 200, "messages per second that are copied meanwhile")
	f.IntVar(&o.bench.tickets, "linked", 100, "linked tickets in which people write")
	f.DurationVar(&o.bench.duration, "duration", 10*time.Second, "how long people write in each run")
	f.StringVar(&o.bench.keep, "data", "",
		"folder for the service's data; the tickets are written once and copied for each case (default: a temporary one)")
	f.StringVar(&o.bench.profile, "cpuprofile", "", "file to write a CPU profile of the service to")
}

// filledBench is one case: a desk with many tickets, which runs.
type filledBench struct {
	o       filledOptions
	out     io.Writer
	world   *benchWorld
	desk    *filledDesk
	service *benchService
}

// filledCase is what can be measured.
type filledCase struct {
	name string
	// prepare adds to the world and the database before the service starts; it may be nil.
	prepare func(context.Context, *filledBench) error
	run     func(context.Context, *filledBench) error
	change  func(*filledOptions) // of what the case starts with; it may be nil
}

func namesOf(cases []filledCase) (names []string) {
	for _, c := range cases {
		names = append(names, c.name)
	}
	return names
}

// runFilled measures the cases that are asked for, each with a desk of its own.
func runFilled(ctx context.Context, out io.Writer, o filledOptions, cases []filledCase) (err error) {
	for _, name := range o.cases {
		if !slices.Contains(namesOf(cases), name) {
			return fmt.Errorf("there is no case %q", name)
		}
	}
	clean, err := prepareBench(&o.bench.keep)
	if err != nil {
		return err
	}
	defer clean()
	fmt.Fprintf(out, "topicdesk %s, %s, %d cores, load average %s\n", version, runtime.Version(), runtime.NumCPU(), loadAverage())
	for _, c := range cases {
		if !slices.Contains(o.cases, c.name) {
			continue
		}
		of := o
		if c.change != nil {
			c.change(&of)
		}
		if err := runFilledCase(ctx, out, of, c); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	return nil
}

func runFilledCase(ctx context.Context, out io.Writer, o filledOptions, c filledCase) (err error) {
	b := &filledBench{o: o, out: out}
	if b.world, err = newBenchWorld(o.bench.progress, cmp.Or(o.bench.groups, benchPairs)); err != nil {
		return err
	}
	defer b.world.close()
	if b.desk, err = fillDesk(ctx, o.bench.keep, b.world, o.tickets, o.bench.progress); err != nil {
		return err
	}
	if c.prepare != nil {
		if err := c.prepare(ctx, b); err != nil {
			return err
		}
	}
	if b.service, err = startService(ctx, o.bench, b.world); err != nil {
		return err
	}
	defer func() { b.service.kill() }()
	if err := b.world.open(ctx, o.bench.tickets, o.bench.tickets); err != nil {
		return b.service.why(err)
	}
	if err := c.run(ctx, b); err != nil {
		return b.service.why(err)
	}
	return b.service.stop()
}

// database is the file of the case's desk.
func (b *filledBench) database() string { return filepath.Join(b.o.bench.keep, benchDatabase) }

func (b *filledBench) steady() phase { return phase{"steady", b.o.bench.rate, b.o.bench.duration} }

// paired measures what something costs the copies.
func (b *filledBench) paired(ctx context.Context, name string, set func(context.Context, bool) error, about func(bool) (string, error)) error {
	p := &pairing{name: name, pairs: b.o.pairs, phase: b.steady(), world: b.world, service: func() *benchService { return b.service },
		set: set, about: about}
	return p.run(ctx, b.out)
}

// api asks the API, and returns the body of its answer. into may be nil.
func (b *filledBench) api(ctx context.Context, path string, into any) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+b.service.addr+path, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+b.desk.key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("GET %s: %s: %s", path, resp.Status, body)
	}
	if into != nil {
		err = json.Unmarshal(body, into)
	}
	return body, err
}

// loadAverage is what Linux says of the last minute: how many others want the processors, too.
func loadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	var last string
	if _, err := fmt.Sscan(string(text), &last); err != nil {
		return "unknown"
	}
	return last
}

// prepareBench makes the folder of a run, a temporary one where none is named, and returns what removes that again.
func prepareBench(folder *string) (clean func(), err error) {
	clean = func() {}
	if *folder == "" {
		if *folder, err = os.MkdirTemp("", "topicdesk-bench"); err != nil {
			return nil, err
		}
		clean = func() { _ = os.RemoveAll(*folder) }
	}
	if *folder, err = filepath.Abs(*folder); err != nil { // the service's working directory
		return nil, err
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400) // spares the cores, which this process shares with the service
	}
	return clean, nil
}
