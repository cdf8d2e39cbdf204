package chat

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// groupsShown is how many groups have a series of their own: those that are the most behind. A desk has thousands of groups.
const groupsShown = 20

// otherGroups stands for the id of a group where the rest is put together.
const otherGroups = "other"

var (
	groupLagDesc = prometheus.NewDesc("topicdesk_group_lag_seconds",
		"Age of the oldest copy that waits in a group, for the 20 groups that are the most behind; other: the sum of the rest.",
		[]string{"group"}, nil)
	groupBudgetDesc = prometheus.NewDesc("topicdesk_group_budget_calls",
		"Calls that may leave to a group without waiting, for the same groups; other: the sum of the rest.", []string{"group"}, nil)
)

// groupLags exports how far which groups are behind.
type groupLags struct {
	lags *lags
	now  func() time.Time
}

// Describe implements prometheus.Collector.
func (*groupLags) Describe(to chan<- *prometheus.Desc) {
	to <- groupLagDesc
	to <- groupBudgetDesc
}

// Collect implements prometheus.Collector.
func (g *groupLags) Collect(to chan<- prometheus.Metric) {
	var waiting []chatLag
	g.lags.each(func(lag chatLag) {
		if lag.group && !lag.oldest.IsZero() {
			waiting = append(waiting, lag)
		}
	})
	slices.SortFunc(waiting, func(a, b chatLag) int {
		return cmp.Or(a.oldest.Compare(b.oldest), cmp.Compare(a.chat, b.chat))
	})
	now, restLag, restBudget := g.now(), 0.0, 0.0
	series := func(group string, lag, budget float64) {
		to <- prometheus.MustNewConstMetric(groupLagDesc, prometheus.GaugeValue, lag, group)
		to <- prometheus.MustNewConstMetric(groupBudgetDesc, prometheus.GaugeValue, budget, group)
	}
	for i, w := range waiting {
		lag := max(0, now.Sub(w.oldest).Seconds())
		if i < groupsShown {
			series(strconv.FormatInt(w.chat, 10), lag, float64(w.budget))
			continue
		}
		restLag += lag
		restBudget += max(0, float64(w.budget))
	}
	series(otherGroups, restLag, restBudget)
}
