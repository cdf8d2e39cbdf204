// Package entity is what all entities share: shards, the host of an entity with its turns, epoch and timers, and the declaration of
// a kind. It knows no kind.
//
// A node has 256 shards. A shard starts an entity on its first message, supervises it and retires it when it is idle, holding back
// what arrives meanwhile. What an entity owns it writes in one piece (storage), with the operations it still owes; everything after
// that write is derived, and done again when the entity starts.
package entity
