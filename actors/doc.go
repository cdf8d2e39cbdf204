// Package actors is the client face of the desk. The bot and programs reach every ticket, link, chat, group and user
// through System.Ask and System.Tell, by kind and identity, and in no other way.
//
// Each kind of entity has a room of its own under internal; NewSystem assembles the rooms. What all entities share is
// in internal/entity, and what several rooms use is in internal/desk. Rooms never import each other: they send
// messages.
//
// The package knows messages and the contract of storage. It does not know Telegram's API, HTTP, or which store is
// behind the contract.
package actors
