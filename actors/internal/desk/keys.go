package desk

import (
	"crypto/sha256"
	"encoding/base32"
	"strings"

	"github.com/topicdesk/topicdesk/ids"
	"github.com/topicdesk/topicdesk/messages"
)

// TelegramID is Telegram's id of a message within its chat; 0: the message is not Telegram's.
func TelegramID(messageID ids.MessageKey) int64 {
	_, id, _ := messages.ParseMessageKey(messageID)
	return id
}

// APIMessageID names a message that a program writes. The same command always makes the same id.
func APIMessageID(ticketID ids.TicketID, commandID string) ids.MessageKey {
	sum := sha256.Sum256([]byte(ticketID + "\x00" + commandID))
	return "api:m" + strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:15]))
}
