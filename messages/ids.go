package messages

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"unicode/utf8"
)

// TicketID makes a ticket's id from the command that opens it, so that a repeated command opens the same ticket:
// TICK-<base36 of the command's date in ms>-<8 hex digits of a hash of the command's id>, in upper case.
func TicketID(commandID string, dateMS int64) string {
	sum := sha256.Sum256([]byte(commandID))
	return "TICK-" + strings.ToUpper(strconv.FormatInt(max(dateMS, 0), 36)+"-"+hex.EncodeToString(sum[:4]))
}

// ParseTicketID reads a ticket's id, in upper or lower case. It is not ok when the text can't be one.
func ParseTicketID(s string) (id string, ok bool) {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf { // some letters outside ASCII, ı and ſ, have upper cases in ASCII
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

func upperHex(s string) bool {
	for i := range len(s) {
		if c := s[i]; !(c >= '0' && c <= '9' || c >= 'A' && c <= 'F') {
			return false
		}
	}
	return true
}

// TicketIDOf makes a ticket's id from the command's id alone, for commands without a date: a program may send the same
// request again at any time. A part of the hash replaces the date (docs/decisions.md, D39).
func TicketIDOf(commandID string) string {
	sum := sha256.Sum256([]byte("date/" + commandID))
	ms := int64(sum[0])<<32 | int64(sum[1])<<24 | int64(sum[2])<<16 | int64(sum[3])<<8 | int64(sum[4])
	return TicketID(commandID, 1<<40+ms)
}

// UnlinkID returns the id under which a chat remembers that it accepted an /unlink, the command of that id, from a
// topic (docs/decisions.md, D44).
func UnlinkID(command string, thread int64) string {
	return command + ":unlink:" + strconv.FormatInt(thread, 10)
}

// TakeBackID returns the id of a "/delete", the command of that id, at one of the tickets that have words of the answered message.
// It does not depend on which others have some.
func TakeBackID(command, ticketID string) string { return command + ":" + ticketID }

// MessageKey names a Telegram message: "<chat>:<message>". It is the message's id in the desk, and the id of the
// command that the message causes, which is therefore the same however often Telegram delivers the message.
func MessageKey(chatID, messageID int64) string {
	b := make([]byte, 0, 40)
	b = strconv.AppendInt(b, chatID, 10)
	b = append(b, ':')
	return string(strconv.AppendInt(b, messageID, 10))
}

// ParseMessageKey splits a message's id. For a message that is not Telegram's it returns zeros and is not ok.
func ParseMessageKey(key string) (chatID, messageID int64, ok bool) {
	chat, message, _ := strings.Cut(key, ":")
	chatID, err := strconv.ParseInt(chat, 10, 64)
	if err != nil {
		return 0, 0, false
	}
	if messageID, err = strconv.ParseInt(message, 10, 64); err != nil {
		return 0, 0, false
	}
	return chatID, messageID, true
}

// AlbumID returns the id of the command that asks what to do with an album.
func AlbumID(chatID int64, mediaGroupID string) string {
	return "album:" + strconv.FormatInt(chatID, 10) + ":" + mediaGroupID
}
