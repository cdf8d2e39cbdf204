// Package pace counts calls: how many may leave in any second or minute. It knows no chat and no clock.
package pace
