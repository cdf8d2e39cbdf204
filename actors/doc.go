// Package actors is the desk itself: every ticket, link, chat, group and user is an entity with a mailbox of its own.
//
// Entities are addressed by (kind, identity) through System.Ask and System.Tell, and by nothing else. They live in shards:
// a shard starts an entity on its first message, supervises it and retires it when it is idle, holding back what arrives
// meanwhile. What an entity owns it writes in one piece (storage), with the operations it still owes; everything after
// that write is derived, and done again when the entity starts.
//
// The package knows storage's contract and the messages; it does not know Telegram's wire, HTTP, or which store it has.
package actors
