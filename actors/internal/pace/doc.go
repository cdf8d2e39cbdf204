// Package pace counts calls to Telegram: how many may leave in any second or minute. It knows no chat and has no clock
// of its own. Nothing but Global may be used by several goroutines.
package pace
