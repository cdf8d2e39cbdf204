package series

import (
	"context"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

const (
	// recordEvery is how often a node looks at its metrics.
	recordEvery = 15 * time.Second
	// lastWithin is how long the last sample may take when the node stops.
	lastWithin = time.Second
)

// Samples are kept of each minute, for the last hour, and of ten minutes, for the last week. Of a span only what a chart can
// show is kept, and a little more.
const (
	Fine, Coarse         = 1, 10 // minutes
	keepFine, keepCoarse = 2 * time.Hour, 8 * 24 * time.Hour
)

// Kept lists how long samples of so many minutes are kept.
func Kept() map[int]time.Duration { return map[int]time.Duration{Fine: keepFine, Coarse: keepCoarse} }

// Options are what a Recorder is made of.
type Options struct {
	From  prometheus.Gatherer
	Every time.Duration // 0: recordEvery
	Addr  string        // of the node in its cluster; "": it is alone
}

// Recorder measures one node.
type Recorder struct {
	env    *entity.Env
	from   prometheus.Gatherer
	every  time.Duration
	node   string // names this run of the node
	last   reading
	begins time.Time // of what is measured next
	spans  []*span
	failed bool // the last time
}

// span is what was measured in the current minute, or ten minutes.
type span struct {
	minutes int
	at      time.Time
	of      *messages.Measured
}

// New makes the recorder of a node. What was counted since the process began counts from now on.
func New(env *entity.Env, o Options) *Recorder {
	if o.Every == 0 {
		o.Every = recordEvery
	}
	addr := o.Addr
	if addr == "" {
		addr = "alone"
	}
	now := env.Now()
	return &Recorder{env: env, from: o.From, every: o.Every, begins: now,
		node:  addr + "/" + strconv.FormatInt(now.UnixMilli(), 36),
		spans: []*span{{minutes: Fine}, {minutes: Coarse}}}
}

// Run records until the node stops, and what is not recorded then.
func (r *Recorder) Run() {
	tick := time.NewTicker(r.every)
	defer tick.Stop()
	for {
		select {
		case <-r.env.Ctx.Done():
			ctx, cancel := context.WithTimeout(context.Background(), lastWithin)
			defer cancel()
			r.Record(ctx)
			return
		case <-tick.C:
			r.Record(r.env.Ctx)
		}
	}
}

// Record stores what was measured since the last time. When it can't be stored, the next time stores it too, unless the span
// is over by then.
func (r *Recorder) Record(ctx context.Context) {
	now := r.env.Now()
	current, err := read(r.from)
	if err != nil { // a bug; the others count
		r.env.Log.Debug("metrics can't be gathered", "error", err)
		err = nil
	}
	added := current.since(&r.last)
	for _, s := range r.spans {
		s.add(r.begins, added)
		if e := r.save(ctx, s); e != nil && err == nil {
			err = e
		}
	}
	r.last, r.begins = current, now
	if err != nil && !r.failed && r.env.Ctx.Err() == nil {
		r.env.Log.Warn("figures for the API could not be kept; tried again", "error", err)
	}
	r.failed = err != nil
}

// add adds what was measured from a time on.
func (s *span) add(from time.Time, m *messages.Measured) {
	at := from.UTC().Truncate(time.Duration(s.minutes) * time.Minute)
	if s.of == nil || !at.Equal(s.at) {
		s.at, s.of = at, &messages.Measured{}
	}
	Merge(s.of, m)
}

func (r *Recorder) save(ctx context.Context, s *span) error {
	body, err := proto.Marshal(s.of)
	if err != nil {
		return err
	}
	return r.env.Store.SaveSample(ctx, storage.Sample{Minutes: s.minutes, At: s.at, Node: r.node, Body: body})
}
