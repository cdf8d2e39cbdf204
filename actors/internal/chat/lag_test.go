package chat

import (
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/topicdesk/topicdesk/ids"
)

// TestGroupsThatAreTheMostBehindHaveSeries: however many groups are behind, the number of series is bounded.
func TestGroupsThatAreTheMostBehindHaveSeries(t *testing.T) {
	now := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	var l lags
	r := prometheus.NewRegistry()
	l.register(r, func() time.Time { return now })
	series := func(family string) map[string]float64 {
		t.Helper()
		families, err := r.Gather()
		if err != nil {
			t.Fatal(err)
		}
		all := map[string]float64{}
		for _, f := range families {
			for _, m := range f.Metric {
				if f.GetName() == family {
					all[m.Label[0].GetValue()] = m.Gauge.GetValue()
				}
			}
		}
		return all
	}
	if got := series("topicdesk_group_lag_seconds"); len(got) != 1 || got["other"] != 0 {
		t.Errorf("nothing waits: %v", got)
	}
	for i := range 1000 {
		l.set(fmt.Sprint("g", i), chatLag{group: true, chat: ids.ChatID(-i), oldest: now.Add(-time.Duration(i) * time.Second), budget: 2})
	}
	l.set("u1", chatLag{chat: 1, oldest: now.Add(-time.Hour)}) // a private chat
	l.set("g7777", chatLag{group: true, chat: -7777, slowed: true})
	got := series("topicdesk_group_lag_seconds")
	if len(got) != groupsShown+1 || got["-999"] != 999 || got["-980"] != 980 || got["other"] != 979*980/2 {
		t.Errorf("%d series: %v", len(got), got)
	}
	if got := series("topicdesk_group_budget_calls"); len(got) != groupsShown+1 || got["-999"] != 2 || got["other"] != 2*980 {
		t.Errorf("%d series: %v", len(got), got)
	}
	l.set("g999", chatLag{group: true, chat: -999})
	if got := series("topicdesk_group_lag_seconds"); len(got) != groupsShown+1 || got["-999"] != 0 || got["-979"] != 979 {
		t.Errorf("a group that has caught up is shown: %v", got)
	}
}
