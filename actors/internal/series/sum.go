package series

import "github.com/topicdesk/topicdesk/messages"

// Merge adds what one node measured later to what it measured before in the same span.
func Merge(into, later *messages.Measured) {
	into.AddCounts(later)
	if into.Gauges == nil {
		into.Gauges = map[string]float64{}
	}
	for name, v := range later.Gauges {
		if gaugeOf(name) == highest {
			v = max(v, into.Gauges[name])
		}
		into.Gauges[name] = v
	}
}

// Join adds what another node measured in the same span.
func Join(into, other *messages.Measured) {
	into.AddCounts(other)
	if into.Gauges == nil {
		into.Gauges = map[string]float64{}
	}
	for name, v := range other.Gauges {
		switch gaugeOf(name) {
		case added:
			v += into.Gauges[name]
		case highest:
			v = max(v, into.Gauges[name])
		}
		into.Gauges[name] = v
	}
}
