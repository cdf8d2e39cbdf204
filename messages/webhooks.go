package messages

import (
	"crypto/sha256"
	"strings"
)

const (
	webhookIDPrefix = "wh_"
	webhookIDLength = 20 // letters and digits, so 100 bits of the hash
)

// NewWebhookID makes the id of an endpoint: wh_ and 20 lower-case letters or digits. The same command makes the same id.
func NewWebhookID(commandID string) string {
	sum := sha256.Sum256([]byte("webhook/" + commandID))
	return webhookIDPrefix + base32Lower.EncodeToString(sum[:])[:webhookIDLength]
}

// IsWebhookID says whether a text has the form of an endpoint's id.
func IsWebhookID(id string) bool {
	rest, ok := strings.CutPrefix(id, webhookIDPrefix)
	return ok && len(rest) == webhookIDLength && strings.Trim(rest, "abcdefghijklmnopqrstuvwxyz234567") == ""
}
