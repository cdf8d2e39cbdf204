// Package report is the room of what the desk has done: it counts the events of the log into tallies, one for each ticket
// and one for each hour of a group, and makes reports of them. docs/reports.md defines the figures.
package report
