package desk

import (
	"crypto/sha256"
	"encoding/base32"
	"strings"

	"github.com/topicdesk/topicdesk/messages"
)

// TelegramID returns the Telegram message id in a message's id; 0 when it is not Telegram's.
func TelegramID(messageID string) int64 {
	_, id, _ := messages.ParseMessageKey(messageID)
	return id
}

// APIMessageID names a message that is not Telegram's: the same for the same command.
func APIMessageID(ticketID, commandID string) string {
	sum := sha256.Sum256([]byte(ticketID + "\x00" + commandID))
	return "api:m" + strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:15]))
}
