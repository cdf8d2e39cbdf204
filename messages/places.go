package messages

import (
	"strconv"
	"strings"
)

// A place is the internal id of a chat: "g<Telegram's id>" of a group, made of the id that it had when it was first
// heard of, and "u<Telegram's id>" of a person's private chat.
const (
	groupPrefix = "g"
	userPrefix  = "u"
)

// GroupPlace is the place of a group that is not known yet, by its Telegram id of today.
func GroupPlace(chatID int64) string { return groupPrefix + strconv.FormatInt(chatID, 10) }

// UserPlace is the place of a person's private chat.
func UserPlace(userID int64) string { return userPrefix + strconv.FormatInt(userID, 10) }

// IsGroup says whether a place is a group.
func IsGroup(place string) bool { return strings.HasPrefix(place, groupPrefix) }

// IsPrivate says whether a place is a person's private chat.
func IsPrivate(place string) bool { return strings.HasPrefix(place, userPrefix) }

// UserIn is the identity of the person whose private chat a place is: their Telegram id.
func UserIn(place string) string { return strings.TrimPrefix(place, userPrefix) }

// ChatIn is the Telegram id that a place is made of: of a person the one that they have, of a group the first that it
// had. Not ok for what is no place.
func ChatIn(place string) (chatID int64, ok bool) {
	if !IsGroup(place) && !IsPrivate(place) {
		return 0, false
	}
	chatID, err := strconv.ParseInt(place[1:], 10, 64)
	return chatID, err == nil
}
