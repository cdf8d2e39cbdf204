// Package ticket is the room of tickets. One entity owns each ticket, with its topics, links, messages and events.
package ticket
