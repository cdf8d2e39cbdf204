package bot

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"unicode/utf8"
)

// TicketID derives a ticket's id from the command that opens it, so that a repeated command opens the same ticket:
// TICK-<base36 of Telegram's date in ms>-<8 hex of a hash of the command's id>, upper case.
func TicketID(commandID string, dateMS int64) string {
	sum := sha256.Sum256([]byte(commandID))
	return "TICK-" + strings.ToUpper(strconv.FormatInt(max(dateMS, 0), 36)+"-"+hex.EncodeToString(sum[:4]))
}

// ParseTicketID reads a ticket's id in any case; not ok when it can't be one.
func ParseTicketID(s string) (id string, ok bool) {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf { // letters from elsewhere have upper cases among ours: ı, ſ
			return "", false
		}
	}
	id = strings.ToUpper(s)
	ms, short, found := strings.Cut(strings.TrimPrefix(id, "TICK-"), "-")
	if !strings.HasPrefix(id, "TICK-") || !found || len(ms) == 0 || len(ms) > 13 || len(short) != 8 {
		return "", false
	}
	for i := range len(ms) {
		if c := ms[i]; !(c >= '0' && c <= '9' || c >= 'A' && c <= 'Z') {
			return "", false
		}
	}
	if !upperHex(short) {
		return "", false
	}
	return id, true
}

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
