// Package desk is what several rooms use: the words that are stored, and pure functions on records and messages. It has no state
// of its own, and knows no entity.
package desk
