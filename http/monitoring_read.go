package httpedge

import (
	"context"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/view"
)

// seesDesk returns an error unless a key, which has the scope, may see what concerns the whole desk.
func seesDesk(c *call) error {
	if c.key.GroupId != "" {
		return problem(codeScopeMissing, "A key that is bound to a group does not see what concerns the whole desk.")
	}
	return nil
}

// RangeInput says of which time a chart is.
type RangeInput struct {
	Range string `query:"range" enum:"1h,24h,7d" default:"1h" doc:"The last hour, in steps of a minute; the last day, in steps of 10 minutes; or the last 7 days, in steps of an hour."`
}

// chart is a range: its steps, and of how many minutes the samples are that it is made of.
type chart struct {
	step    time.Duration
	steps   int
	minutes int32
}

var charts = map[string]chart{
	"1h":  {time.Minute, 60, 1},
	"24h": {10 * time.Minute, 144, 10},
	"7d":  {time.Hour, 168, 10},
}

// chartOf reads a range.
func (a *API) chartOf(ctx context.Context, of string) (*figures, error) {
	c, now := charts[of], a.now().UTC()
	f := &figures{chart: c, from: now.Truncate(c.step).Add(-time.Duration(c.steps-1) * c.step), to: now, all: &messages.Measured{}}
	m := &messages.GetSeries{Minutes: c.minutes, FromMs: f.from.UnixMilli(), StepMs: c.step.Milliseconds()}
	found, err := ask[*messages.Series](ctx, a, messages.KindQuery, "", m)
	if err != nil {
		return nil, err
	}
	f.points = make([]*messages.Measured, c.steps)
	for _, p := range found.Points {
		if i := (p.AtMs - m.FromMs) / m.StepMs; i >= 0 && i < int64(c.steps) {
			f.points[i] = p.Measured
			f.all.AddCounts(p.Measured)
		}
	}
	return f, nil
}

// figures are what was measured in a range.
type figures struct {
	chart
	from, to time.Time
	points   []*messages.Measured // one for each step, nil where nothing was measured
	all      *messages.Measured   // what was counted in all of them
}

func (f *figures) at(point int) time.Time { return f.from.Add(time.Duration(point) * f.step) }

type throughputOutput struct {
	Body Throughput
}

func (a *API) getThroughput(ctx context.Context, c *call, in *RangeInput) (*throughputOutput, error) {
	if err := seesDesk(c); err != nil {
		return nil, err
	}
	f, err := a.chartOf(ctx, in.Range)
	if err != nil {
		return nil, err
	}
	t := Throughput{From: view.Time{Time: f.from}, To: view.Time{Time: f.to}, StepSeconds: int64(f.step.Seconds()), Total: trafficOf(f.all)}
	for i, m := range f.points {
		t.Points = append(t.Points, TrafficPoint{view.Time{Time: f.at(i)}, trafficOf(m)})
	}
	return &throughputOutput{Body: t}, nil
}

type latencyOutput struct {
	Body Latency
}

func (a *API) getLatency(ctx context.Context, c *call, in *RangeInput) (*latencyOutput, error) {
	if err := seesDesk(c); err != nil {
		return nil, err
	}
	f, err := a.chartOf(ctx, in.Range)
	if err != nil {
		return nil, err
	}
	l := Latency{From: view.Time{Time: f.from}, To: view.Time{Time: f.to}, StepSeconds: int64(f.step.Seconds()), Total: latenciesOf(f.all)}
	for i, m := range f.points {
		l.Points = append(l.Points, LatencyPoint{view.Time{Time: f.at(i)}, latenciesOf(m)})
	}
	return &latencyOutput{Body: l}, nil
}

type overviewOutput struct {
	Body Overview
}

func (a *API) getOverview(ctx context.Context, c *call, _ *struct{}) (*overviewOutput, error) {
	if err := seesDesk(c); err != nil {
		return nil, err
	}
	hour, err := a.chartOf(ctx, "1h")
	if err != nil {
		return nil, err
	}
	fresh := &messages.GetSeries{Minutes: 1, FromMs: hour.to.Add(-overviewFresh).UnixMilli()}
	now, err := ask[*messages.Series](ctx, a, messages.KindQuery, "", fresh)
	if err != nil {
		return nil, err
	}
	gauges := map[string]float64{}
	for _, p := range now.Points {
		gauges = p.Measured.GetGauges()
	}
	n := func(name string) int64 { return int64(math.Round(gauges[name])) }
	return &overviewOutput{Body: Overview{
		At: view.Time{Time: hour.to}, LastHour: trafficOf(hour.all), Latency: latenciesOf(hour.all),
		Tickets: TicketCounts{Open: n(messages.MeasuredTickets + "/open"), Pending: n(messages.MeasuredTickets + "/pending"),
			Closed: n(messages.MeasuredTickets + "/closed")},
		Groups: GroupCounts{Behind: n(messages.MeasuredBehind), Slowed: n(messages.MeasuredSlowed), Held: n(messages.MeasuredHeld),
			LagMs: int64(1000 * gauges[messages.MeasuredLag])},
		Work: Work{Entities: n(messages.MeasuredEntities), MailboxMessages: n(messages.MeasuredMailbox),
			OperationsQueued: n(messages.MeasuredQueued), CallsUnderWay: n(messages.MeasuredInFlight), MemoryBytes: n(messages.MeasuredMemory)},
		Webhooks: WebhookLateness{OldestPendingSeconds: gauges[messages.MeasuredBacklogAge]},
	}}, nil
}

// trafficOf is what was counted, by outcome.
func trafficOf(m *messages.Measured) Traffic {
	sum := func(name string, of func(label string) bool) (n int64) {
		for full, count := range m.GetCounts() {
			if what, label, _ := strings.Cut(full, "/"); what == name && of(label) {
				n += int64(count)
			}
		}
		return n
	}
	every := func(string) bool { return true }
	is := func(labels ...string) func(string) bool {
		return func(label string) bool { return slices.Contains(labels, label) }
	}
	outcomes := func(name string, success ...string) Outcomes {
		ok := sum(name, is(success...))
		return Outcomes{OK: ok, Failed: sum(name, every) - ok}
	}
	return Traffic{
		Updates: sum(messages.MeasuredUpdates, every), Messages: sum(messages.MeasuredMessages, every),
		Copies: outcomes(messages.MeasuredCopies, messages.MeasuredSent),
		Calls:  outcomes(messages.MeasuredCalls, messages.MeasuredDone),
		Events: sum(messages.MeasuredEvents, every), WebhookAttempts: outcomes(messages.MeasuredAttempts, messages.MeasuredSent),
		APIRequests: Answers{OK: sum(messages.MeasuredRequests, is("2xx", "3xx")), Refused: sum(messages.MeasuredRequests, is("4xx")),
			Failed: sum(messages.MeasuredRequests, is("5xx"))},
		Downloads: outcomes(messages.MeasuredDownloads, messages.MeasuredStored, messages.MeasuredUploaded),
	}
}

func latenciesOf(m *messages.Measured) Latencies {
	of := func(name string) Durations {
		s := m.GetSpreads()[name]
		return Durations{Count: s.Count(), P50: millisAt(s, 0.5), P95: millisAt(s, 0.95), P99: millisAt(s, 0.99)}
	}
	return Latencies{
		Sync: of(messages.MeasuredSyncTime), Updates: of(messages.MeasuredUpdateTime), Calls: of(messages.MeasuredCallTime),
		APIRequests: of(messages.MeasuredRequestTime), WebhookAttempts: of(messages.MeasuredAttemptTime),
		Events: of(messages.MeasuredEventTime), StorageReads: of(messages.MeasuredStorageTime + "/read"),
		StorageWrites: of(messages.MeasuredStorageTime + "/write"), Commits: of(messages.MeasuredCommitTime),
	}
}

// millisAt is a percentile in milliseconds, to a thousandth; nil when there is none.
func millisAt(s *messages.Spread, q float64) *float64 {
	seconds, ok := s.Quantile(q)
	if !ok {
		return nil
	}
	ms := math.Round(seconds*1e6) / 1e3
	return &ms
}
