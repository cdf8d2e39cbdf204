package messages

import (
	"maps"
	"math"
	"slices"
)

// Names of what is kept, which the API reads. A name may be followed by "/" and the value of a label.
const (
	MeasuredUpdates   = "updates"   // by outcome
	MeasuredMessages  = "messages"  // accepted into tickets
	MeasuredCopies    = "copies"    // by outcome; MeasuredSent or why not
	MeasuredCalls     = "calls"     // to Telegram, by outcome
	MeasuredEvents    = "events"    // that got their place in the log
	MeasuredAttempts  = "attempts"  // at webhooks, by outcome
	MeasuredRequests  = "requests"  // to the API, by class of status: 2xx …
	MeasuredDownloads = "downloads" // by outcome
	MeasuredPanics    = "panics"
	MeasuredRefused   = "refused" // commands, for trouble of storage

	MeasuredSyncTime    = "sync"
	MeasuredUpdateTime  = "update"
	MeasuredCallTime    = "call"
	MeasuredAttemptTime = "attempt"
	MeasuredRequestTime = "request"
	MeasuredStorageTime = "storage" // by kind: read, write
	MeasuredCommitTime  = "commit"
	MeasuredEventTime   = "event"

	MeasuredTickets    = "tickets" // by status
	MeasuredEntities   = "entities"
	MeasuredMailbox    = "mailbox"
	MeasuredQueued     = "queued"
	MeasuredInFlight   = "in_flight"
	MeasuredBehind     = "behind"
	MeasuredSlowed     = "slowed"
	MeasuredHeld       = "held"
	MeasuredLag        = "lag"         // seconds
	MeasuredBacklogAge = "backlog_age" // seconds
	MeasuredMemory     = "memory"      // bytes
)

// Outcomes that count as success.
const (
	MeasuredSent     = "sent"   // of a copy, of an attempt at a webhook
	MeasuredDone     = "DONE"   // of a call
	MeasuredStored   = "stored" // of a download
	MeasuredUploaded = "uploaded"
)

// Count is how often something happened.
func (s *Spread) Count() (n int64) {
	for _, in := range s.GetCounts() {
		n += in
	}
	return n
}

// Quantile estimates how many seconds a share q of what is in s took at most, as Prometheus does: evenly spread within a
// bucket. What is beyond the last finite bound took at least as long as that. ok is false when there is nothing.
func (s *Spread) Quantile(q float64) (seconds float64, ok bool) {
	rank, seen := q*float64(s.Count()), 0.0
	for i, bound := range s.GetBounds() {
		in := float64(s.Counts[i])
		if seen+in < rank && i < len(s.Bounds)-1 {
			seen += in
			continue
		}
		floor := s.Floors[i]
		if math.IsInf(bound, 1) {
			return floor, true
		}
		return floor + (bound-floor)*min(1, max(0, (rank-seen)/max(in, 1))), true
	}
	return 0, false
}

// AddCounts adds what was counted, and how long it took, and leaves the gauges.
func (m *Measured) AddCounts(other *Measured) {
	if m.Counts == nil {
		m.Counts = map[string]float64{}
	}
	for name, n := range other.GetCounts() {
		m.Counts[name] += n
	}
	if m.Spreads == nil {
		m.Spreads = map[string]*Spread{}
	}
	for name, s := range other.GetSpreads() {
		m.Spreads[name] = addSpreads(m.Spreads[name], s)
	}
}

// addSpreads adds two spreads, whose bounds may differ: nodes of two releases may have different ones.
func addSpreads(a, b *Spread) *Spread {
	type bucket struct {
		floor float64
		n     int64
	}
	buckets := map[float64]bucket{}
	for _, s := range []*Spread{a, b} {
		for i := range min(len(s.GetBounds()), len(s.GetFloors()), len(s.GetCounts())) {
			in := buckets[s.Bounds[i]]
			buckets[s.Bounds[i]] = bucket{max(in.floor, s.Floors[i]), in.n + s.Counts[i]}
		}
	}
	sum := &Spread{Sum: a.GetSum() + b.GetSum()}
	for _, bound := range slices.Sorted(maps.Keys(buckets)) {
		sum.Bounds, sum.Floors = append(sum.Bounds, bound), append(sum.Floors, buckets[bound].floor)
		sum.Counts = append(sum.Counts, buckets[bound].n)
	}
	return sum
}
