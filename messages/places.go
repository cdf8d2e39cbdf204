package messages

import (
	"strconv"
	"strings"
)

// A place is the internal id of a chat, which never changes: "g<Telegram id>" for a group, with the id that the group
// had when the desk first heard of it, and "u<Telegram id>" for a person's private chat.
const (
	groupPrefix = "g"
	userPrefix  = "u"
)

// GroupPlace returns the place of a group that the desk does not know yet, by its present Telegram id.
func GroupPlace(chatID int64) string { return groupPrefix + strconv.FormatInt(chatID, 10) }

// UserPlace returns the place of a person's private chat.
func UserPlace(userID int64) string { return userPrefix + strconv.FormatInt(userID, 10) }

// IsGroup says whether a place is a group.
func IsGroup(place string) bool { return strings.HasPrefix(place, groupPrefix) }

// IsPrivate says whether a place is a person's private chat.
func IsPrivate(place string) bool { return strings.HasPrefix(place, userPrefix) }

// UserIn returns the identity of the person whose private chat a place is: their Telegram id, in decimal.
func UserIn(place string) string { return strings.TrimPrefix(place, userPrefix) }

// ChatIn returns the Telegram id that a place is made of: a person's id, or the first id of a group. It is not ok
// when the text is not a place.
func ChatIn(place string) (chatID int64, ok bool) {
	if !IsGroup(place) && !IsPrivate(place) {
		return 0, false
	}
	chatID, err := strconv.ParseInt(place[1:], 10, 64)
	return chatID, err == nil
}
