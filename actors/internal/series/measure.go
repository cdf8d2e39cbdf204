package series

import (
	"math"
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/topicdesk/topicdesk/messages"
)

// reading is what metrics say at one moment: counters since the process began, not what was added.
type reading struct {
	counts  map[string]float64
	gauges  map[string]float64
	spreads map[string]*spread
}

// spread is a histogram: sums over its series, by upper bound.
type spread struct {
	sum     float64
	buckets map[float64]int64 // not cumulative
}

// read reads what is kept of a node's metrics. A metric that can't be gathered is left out.
func read(from prometheus.Gatherer) (reading, error) {
	r := reading{counts: map[string]float64{}, gauges: map[string]float64{}, spreads: map[string]*spread{}}
	families, err := from.Gather()
	byName := make(map[string]*dto.MetricFamily, len(families))
	for _, f := range families {
		byName[f.GetName()] = f
	}
	for i := range measures {
		m := &measures[i]
		for _, one := range byName[m.family].GetMetric() {
			if m.only == nil || m.only(one.Label) {
				r.add(m.nameOf(one.Label), m.gauge, one)
			}
		}
	}
	return r, err
}

func (m *measure) nameOf(labels []*dto.LabelPair) string {
	if m.by == "" {
		return m.name
	}
	value := labelOf(labels, m.by)
	if m.as != nil {
		value = m.as(value)
	}
	return m.name + "/" + value
}

func (r *reading) add(name string, gauge int, m *dto.Metric) {
	switch {
	case m.Counter != nil:
		r.counts[name] += m.Counter.GetValue()
	case m.Gauge != nil && gauge == highest:
		r.gauges[name] = max(r.gauges[name], m.Gauge.GetValue())
	case m.Gauge != nil:
		r.gauges[name] += m.Gauge.GetValue()
	case m.Histogram != nil:
		s := r.spreads[name]
		if s == nil {
			s = &spread{buckets: map[float64]int64{}}
			r.spreads[name] = s
		}
		s.sum += m.Histogram.GetSampleSum()
		before := uint64(0)
		for _, b := range m.Histogram.Bucket {
			s.buckets[b.GetUpperBound()] += int64(b.GetCumulativeCount() - before)
			before = b.GetCumulativeCount()
		}
		s.buckets[math.Inf(1)] += int64(m.Histogram.GetSampleCount() - before)
	}
}

// since is what was added between two readings of one process.
func (r *reading) since(before *reading) *messages.Measured {
	added := &messages.Measured{Counts: map[string]float64{}, Gauges: r.gauges, Spreads: map[string]*messages.Spread{}}
	for name, n := range r.counts {
		if n -= before.counts[name]; n > 0 {
			added.Counts[name] = n
		}
	}
	for name, s := range r.spreads {
		old := before.spreads[name]
		if old == nil {
			old = &spread{}
		}
		if one := s.since(old); len(one.Counts) > 0 {
			added.Spreads[name] = one
		}
	}
	return added
}

func (s *spread) since(before *spread) *messages.Spread {
	added := &messages.Spread{Sum: s.sum - before.sum}
	bounds := make([]float64, 0, len(s.buckets))
	for bound := range s.buckets {
		bounds = append(bounds, bound)
	}
	slices.Sort(bounds)
	floor := 0.0
	for _, bound := range bounds {
		if n := s.buckets[bound] - before.buckets[bound]; n > 0 {
			added.Bounds, added.Floors = append(added.Bounds, bound), append(added.Floors, floor)
			added.Counts = append(added.Counts, n)
		}
		floor = bound
	}
	return added
}
