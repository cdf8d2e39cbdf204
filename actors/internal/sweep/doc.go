// Package sweep wakes entities that have something pending: all of them when the node starts, since nobody else works
// on them; then, every minute, those that are due (docs/decisions.md, D3). It also has the shards retire idle entities.
package sweep
