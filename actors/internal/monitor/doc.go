// Package monitor is the room of what has gone wrong in the desk: its errors, by fingerprint, and its problems, which people can
// mend. Each node tells the one monitor of the desk what it meets.
package monitor
