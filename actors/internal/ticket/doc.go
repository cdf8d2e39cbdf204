// Package ticket is the room of the tickets: one entity for each, which owns the ticket with its topics, links, messages and events.
package ticket
