// Package actors is the client face of the desk: programs and the bot reach every ticket, link, chat, group and user through
// System.Ask and System.Tell, by (kind, identity), and by nothing else.
//
// Each kind of entity has a room of its own under internal; NewSystem assembles them. What all entities share is in
// internal/entity, what several rooms use in internal/desk. Rooms never import each other: they talk by messages.
//
// The package knows storage's contract and the messages; it does not know Telegram's wire, HTTP, or which store it has.
package actors
