// Package budget is the room of the entity that shares the calls per second which Telegram allows a bot out to the nodes
// of a cluster. A node alone has all of them and needs no such entity.
package budget
