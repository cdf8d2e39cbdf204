package web

import (
	"math"
	"time"
)

type outcomes struct {
	OK      int64 `json:"ok"`
	Refused int64 `json:"refused"`
	Failed  int64 `json:"failed"`
}

type traffic struct {
	Updates         int64    `json:"updates"`
	Messages        int64    `json:"messages"`
	Copies          outcomes `json:"copies"`
	Calls           outcomes `json:"calls"`
	WebhookAttempts outcomes `json:"webhookAttempts"`
	APIRequests     outcomes `json:"apiRequests"`
	Downloads       outcomes `json:"downloads"`
}

type durations struct {
	Count int64    `json:"count"`
	P50   *float64 `json:"p50"`
	P95   *float64 `json:"p95"`
	P99   *float64 `json:"p99"`
}

type latencies struct {
	Sync            durations `json:"sync"`
	Updates         durations `json:"updates"`
	Calls           durations `json:"calls"`
	APIRequests     durations `json:"apiRequests"`
	WebhookAttempts durations `json:"webhookAttempts"`
	StorageWrites   durations `json:"storageWrites"`
}

type overviewNumbers struct {
	At      time.Time `json:"at"`
	Tickets struct {
		Open    int64 `json:"open"`
		Pending int64 `json:"pending"`
		Closed  int64 `json:"closed"`
	} `json:"tickets"`
	Groups struct {
		Behind int64 `json:"behind"`
		Slowed int64 `json:"slowed"`
		Held   int64 `json:"held"`
		LagMs  int64 `json:"lagMs"`
	} `json:"groups"`
	Work struct {
		Entities         int64 `json:"entities"`
		MailboxMessages  int64 `json:"mailboxMessages"`
		OperationsQueued int64 `json:"operationsQueued"`
		CallsUnderWay    int64 `json:"callsUnderWay"`
		MemoryBytes      int64 `json:"memoryBytes"`
	} `json:"work"`
	Webhooks struct {
		OldestPendingSeconds float64 `json:"oldestPendingSeconds"`
	} `json:"webhooks"`
}

type charted[T any] struct {
	From        time.Time `json:"from"`
	To          time.Time `json:"to"`
	StepSeconds int64     `json:"stepSeconds"`
	Total       T         `json:"total"`
	Points      []T       `json:"points"`
}

// overviewPage is how the desk does: numbers of now, and charts.
type overviewPage struct {
	overviewNumbers
	Ranges     []filter
	Throughput []chart
	Latency    []chart
	Problems   []deskProblem // those that are open
	More       bool          // and there are more
}

// ranges are those of the charts, as the API and the address name them.
var ranges = []string{"1h", "24h", "7d"}

func (o *operator) overview() error {
	p, chosen := &overviewPage{}, ranges[0]
	for _, r := range ranges {
		if o.c.Query("range") == r {
			chosen = r
		}
	}
	for _, r := range ranges {
		p.Ranges = append(p.Ranges, filter{r, withQuery(o.path(""), "range", r), r == chosen})
	}
	if err := o.get("/monitoring/overview", &p.overviewNumbers); err != nil {
		return err
	}
	var problems list[deskProblem]
	if err := o.get("/problems?state=open&limit=5", &problems); err != nil {
		return err
	}
	p.Problems, p.More = problems.Data, problems.NextCursor != nil
	var done charted[traffic]
	if err := o.get("/monitoring/throughput?range="+chosen, &done); err != nil {
		return err
	}
	var took charted[latencies]
	if err := o.get("/monitoring/latency?range="+chosen, &took); err != nil {
		return err
	}
	p.Throughput, p.Latency = throughputCharts(&done), latencyCharts(&took)
	return o.show("operations-overview", p)
}

// counted are the lines of a chart of outcomes: what succeeded, and if there was any what did not.
func counted(name string, c *charted[traffic], of func(*traffic) outcomes) chart {
	lineOf := func(kind string, number func(outcomes) int64) line {
		l := line{Kind: kind}
		for i := range c.Points {
			n := float64(number(of(&c.Points[i])))
			l.values, l.Total = append(l.values, n), l.Total+n
		}
		return l
	}
	lines := []line{lineOf("ok", func(o outcomes) int64 { return o.OK })}
	for _, other := range []line{lineOf("refused", func(o outcomes) int64 { return o.Refused }), lineOf("failed", func(o outcomes) int64 { return o.Failed })} {
		if other.Total > 0 {
			lines = append(lines, other)
		}
	}
	return drawn(chart{Name: name, From: c.From, To: c.To, Lines: lines})
}

func throughputCharts(c *charted[traffic]) []chart {
	only := func(n func(*traffic) int64) func(*traffic) outcomes {
		return func(t *traffic) outcomes { return outcomes{OK: n(t)} }
	}
	return []chart{
		counted("messages", c, only(func(t *traffic) int64 { return t.Messages })),
		counted("copies", c, func(t *traffic) outcomes { return t.Copies }),
		counted("updates", c, only(func(t *traffic) int64 { return t.Updates })),
		counted("calls", c, func(t *traffic) outcomes { return t.Calls }),
		counted("attempts", c, func(t *traffic) outcomes { return t.WebhookAttempts }),
		counted("requests", c, func(t *traffic) outcomes { return t.APIRequests }),
	}
}

// timed is a chart of how long something took: half of the times, and 95 of 100.
func timed(name string, c *charted[latencies], of func(*latencies) durations) chart {
	lineOf := func(kind string, at func(durations) *float64) line {
		l := line{Kind: kind, Total: math.NaN()}
		for i := range c.Points {
			n := math.NaN() // nothing happened
			if ms := at(of(&c.Points[i])); ms != nil {
				n = *ms
			}
			l.values = append(l.values, n)
		}
		if ms := at(of(&c.Total)); ms != nil {
			l.Total = *ms
		}
		return l
	}
	p50, p95 := func(d durations) *float64 { return d.P50 }, func(d durations) *float64 { return d.P95 }
	return drawn(chart{Name: name, Millis: true, From: c.From, To: c.To, Lines: []line{lineOf("p95", p95), lineOf("p50", p50)}})
}

func latencyCharts(c *charted[latencies]) []chart {
	return []chart{
		timed("sync", c, func(l *latencies) durations { return l.Sync }),
		timed("updates", c, func(l *latencies) durations { return l.Updates }),
		timed("calls", c, func(l *latencies) durations { return l.Calls }),
		timed("requests", c, func(l *latencies) durations { return l.APIRequests }),
		timed("attempts", c, func(l *latencies) durations { return l.WebhookAttempts }),
		timed("writes", c, func(l *latencies) durations { return l.StorageWrites }),
	}
}
