package storage

import (
	"context"
	"fmt"
	"time"
)

// Samples keeps what nodes measure of themselves, so that the API has figures of the last days. They are no part of the desk:
// they are not among Collections.
type Samples interface {
	// SaveSample stores a sample in place of the one with the same key.
	SaveSample(ctx context.Context, s Sample) error
	// Samples lists samples of so many minutes that began at a time or later, in the order of their keys, and only those
	// whose key is greater than after; "": from the first.
	Samples(ctx context.Context, minutes int, from time.Time, after string, limit int) ([]Sample, error)
	// DeleteSamples deletes samples of so many minutes that began before a time, the oldest first, and returns their number.
	DeleteSamples(ctx context.Context, minutes int, before time.Time, limit int) (int, error)
}

// Sample is what one run of a node measured in a span of time.
type Sample struct {
	Minutes int       `json:"minutes"` // how long the span is, 1 to 99
	At      time.Time `json:"at"`      // when it began, to the minute
	Node    string    `json:"node"`    // names the run: the node, and when it was started
	Body    []byte    `json:"body"`    // protobuf of messages
}

// Key orders samples by (Minutes, At, Node).
func (s *Sample) Key() string { return SampleKey(s.Minutes, s.At) + s.Node }

// SampleKey is what the keys of samples of so many minutes that began at that time begin with.
func SampleKey(minutes int, at time.Time) string {
	return fmt.Sprintf("%02d/%s/", minutes, at.UTC().Format("20060102T1504"))
}

// SampleKeysEnd is greater than the keys of all samples of so many minutes, and of fewer.
func SampleKeysEnd(minutes int) string { return fmt.Sprintf("%02d~", minutes) }

// Kept returns the sample with its time as it is kept.
func (s Sample) Kept() Sample {
	s.At = Kept(s.At)
	return s
}
