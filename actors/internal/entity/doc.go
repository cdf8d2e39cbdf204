// Package entity is what all kinds of entity share: the shards, the host of an entity (turns, replies, epoch, timers),
// and the declaration of a kind. It knows no kind.
//
// A node has 256 shards. A shard starts an entity on its first message, supervises it and retires it when it is idle.
// What arrives while an entity retires is stashed and delivered to its next activation. An entity writes what it owns,
// together with the operations that are pending, in one piece. Everything after that write is derived, and derived
// again when the entity starts (docs/decisions.md, D1).
package entity
