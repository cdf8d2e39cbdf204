// Package collect gathers the warnings and errors that a process logs, by their fingerprint, until somebody takes them away. It
// knows neither entities nor storage, and never makes a logger wait.
package collect
