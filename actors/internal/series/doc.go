// Package series keeps what nodes measure of themselves, so that a desk has figures and charts without a Prometheus.
//
// A Recorder looks at its node's metrics every few seconds and stores what was added since: in a sample of the minute, and in
// one of the ten minutes (docs/decisions.md, D150). Sum puts samples of all nodes together. The package knows the names of
// metrics, and no room.
package series
