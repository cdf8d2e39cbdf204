package bot

import (
	"strconv"
	"strings"

	"github.com/topicdesk/topicdesk/messages"
)

// TicketID derives a ticket's id from the command that opens it (messages.TicketID).
func TicketID(commandID string, dateMS int64) string { return messages.TicketID(commandID, dateMS) }

// ParseTicketID reads a ticket's id in any case; not ok when it can't be one (messages.ParseTicketID).
func ParseTicketID(s string) (id string, ok bool) { return messages.ParseTicketID(s) }

// shortIDOf finds the short id at the end of a topic's name ("title · 1A2B3C4D"), as messages.TopicName puts it there.
func shortIDOf(name string) (shortID string, ok bool) {
	i := strings.LastIndex(name, " · ")
	if i < 0 {
		return "", false
	}
	shortID = name[i+len(" · "):]
	return shortID, upperHex(shortID) && len(shortID) == 8
}

func upperHex(s string) bool {
	for i := range len(s) {
		if c := s[i]; !(c >= '0' && c <= '9' || c >= 'A' && c <= 'F') {
			return false
		}
	}
	return true
}

// messageCommandID makes a message's command id: the same message is the same command, however often it is delivered.
func messageCommandID(chatID, messageID int64) string {
	b := make([]byte, 0, 40)
	b = strconv.AppendInt(b, chatID, 10)
	b = append(b, ':')
	return string(strconv.AppendInt(b, messageID, 10))
}

func callbackCommandID(callbackID string) string { return "cb:" + callbackID }

func updateCommandID(updateID int64) string { return "u:" + strconv.FormatInt(updateID, 10) }

// groupPlace is the internal id of a group that is not known yet: it is made of its Telegram id of today.
func groupPlace(chatID int64) string { return "g" + strconv.FormatInt(chatID, 10) }

// userPlace is the internal id of a person's private chat.
func userPlace(userID int64) string { return "u" + strconv.FormatInt(userID, 10) }
