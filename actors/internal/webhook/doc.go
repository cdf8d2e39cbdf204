// Package webhook is the room of the endpoints to which events are delivered. Each is an entity, which reads the log of
// events from where it is, keeps the events of each ticket in order, and has children make the attempts.
//
// What became of an event is its delivery, a record that is written after each attempt, many in one write. How far the
// endpoint is, a position for each partition of the log, is written from time to time and lags behind; after a crash the
// deliveries say which events beyond it are done (docs/decisions.md, D104).
package webhook
