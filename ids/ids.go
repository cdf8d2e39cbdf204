// Package ids has a type for each identity that records and messages hold, so that a signature says what it takes: a ticket or a
// topic, a group or a person. It imports nothing of the desk's.
package ids

import (
	"crypto/sha256"
	"encoding/base32"
	"strings"
)

// Identities of the desk's own.
type (
	// TicketID names a ticket: TICK-<base36 ms>-<8 hex>.
	TicketID = string
	// TopicKey names a topic of a ticket, and its link: "home", or <ticket id>:<n>.
	TopicKey = string
	// MessageKey names a message: "<chat id>:<message id>" of Telegram's, "api:m…" of a program's.
	MessageKey = string
	// Place names a chat whatever its Telegram id is today: "g<chat id>" a group, by the first id that the desk saw; "u<user id>"
	// a person's private chat.
	Place = string
)

// Identities of Telegram's.
type (
	ChatID   = int64 // of a chat today: a group that becomes a supergroup gets another
	UserID   = int64
	ThreadID = int64 // of a forum topic in its chat; 0: the general topic, or a chat without topics
)

const (
	eventPrefix = "evt_"
	eventLength = 26 // letters and digits, so 130 bits of the hash
)

// EventID is the id of the event with that cause: "evt_" and 26 lower-case letters or digits. The same cause has the same id for
// ever, and an id is its own: EventID(EventID(c)) == EventID(c).
func EventID(cause string) string {
	if isEventID(cause) {
		return cause
	}
	sum := sha256.Sum256([]byte(cause))
	return eventPrefix + strings.ToLower(base32.StdEncoding.EncodeToString(sum[:])[:eventLength])
}

func isEventID(text string) bool {
	rest, ok := strings.CutPrefix(text, eventPrefix)
	return ok && len(rest) == eventLength && strings.Trim(rest, "abcdefghijklmnopqrstuvwxyz234567") == ""
}
