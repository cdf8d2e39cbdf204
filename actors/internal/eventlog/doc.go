// Package eventlog is the room of the log of events. The log has storage.Partitions partitions, and an entity for each: it
// alone appends there, so positions have no gaps, and whoever has read up to a position has missed nothing before it.
// Readers hold a position for each partition (Cursor), and are woken when something is appended that they want (Log.Watch).
package eventlog
