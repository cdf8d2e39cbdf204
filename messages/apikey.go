package messages

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"hash/crc32"
	"slices"
	"strings"
)

// An API key is "td_live_", the key's id, 160 random bits and a checksum, in lower case base32:
//
//	td_live_ k7c2m4q3x5ad 3h5…(32 signs) 4fz2ab
//
// The id finds the record and the random part is the secret. The checksum tells a mistyped key from a wrong one before
// anything is read (docs/decisions.md, D9).
const (
	apiKeyPrefix    = "td_live_"
	apiKeyIDLength  = 12
	apiSecretBytes  = 20
	apiSecretLength = 32
	apiCheckLength  = 6
	apiKeyLength    = len(apiKeyPrefix) + apiKeyIDLength + apiSecretLength + apiCheckLength
)

var base32Lower = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// NewAPIKey makes a key for the id, to be shown once, and the hash that is stored.
func NewAPIKey(keyID string) (key string, hash []byte) {
	secret := make([]byte, apiSecretBytes)
	_, _ = rand.Read(secret) // it never fails
	key = apiKeyPrefix + keyID + base32Lower.EncodeToString(secret)
	key += apiChecksum(key)
	return key, HashAPIKey(key)
}

// NewAPIKeyID makes an id for NewAPIKey. The same cause gives the same id; "" gives a random one.
func NewAPIKeyID(cause string) string {
	if cause == "" {
		cause = rand.Text()
	}
	sum := sha256.Sum256([]byte("api key/" + cause))
	return base32Lower.EncodeToString(sum[:])[:apiKeyIDLength]
}

// HashAPIKey returns what is stored of a key: its SHA-256.
func HashAPIKey(key string) []byte {
	sum := sha256.Sum256([]byte(key))
	return sum[:]
}

// APIKeyID returns the id that a key contains. It is not ok when the text can't be a key.
func APIKeyID(key string) (keyID string, ok bool) {
	if len(key) != apiKeyLength || !strings.HasPrefix(key, apiKeyPrefix) {
		return "", false
	}
	body, check := key[:apiKeyLength-apiCheckLength], key[apiKeyLength-apiCheckLength:]
	if apiChecksum(body) != check {
		return "", false
	}
	return key[len(apiKeyPrefix):][:apiKeyIDLength], true
}

// IsAPIKeyID says whether a text has the form of a key's id.
func IsAPIKeyID(id string) bool {
	return len(id) == apiKeyIDLength && strings.Trim(id, "abcdefghijklmnopqrstuvwxyz234567") == ""
}

func apiChecksum(text string) string {
	sum := crc32.ChecksumIEEE([]byte(text))
	bytes := []byte{byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)}
	return base32Lower.EncodeToString(bytes)[:apiCheckLength]
}

// ScopeAdmin allows everything. What concerns all groups it allows only to keys that are bound to no group.
const ScopeAdmin = "admin"

// ScopeEventsRead allows to follow the events of the desk.
const ScopeEventsRead = "events:read"

// ScopeMonitoringRead allows to see how the desk is, and ScopeMonitoringWrite to say what of it is dealt with. Both concern all
// groups, so a key that is bound to a group can't use them.
const (
	ScopeMonitoringRead  = "monitoring:read"
	ScopeMonitoringWrite = "monitoring:write"
)

// ScopeReportsRead allows to read reports of how the desk does its work; a key that is bound to a group reads those of its group.
const ScopeReportsRead = "reports:read"

// Scopes are all scopes that a new API key can have. "users:*" stands for "users:read" and "users:write". Older keys
// may have other scopes, which allow nothing.
var Scopes = []string{
	"tickets:read", "tickets:write", "tickets:*", "messages:read", "messages:write", "messages:*",
	"users:read", "users:write", "users:*", "groups:read", "groups:write", "groups:*",
	"webhooks:read", "webhooks:write", "webhooks:*", "keys:read", "keys:write", "keys:*",
	ScopeMonitoringRead, ScopeMonitoringWrite, "monitoring:*", ScopeReportsRead, ScopeEventsRead, ScopeAdmin,
}

// ScopeAllows says whether scopes include the wanted one.
func ScopeAllows(scopes []string, wanted string) bool {
	all := wanted
	if what, _, ok := strings.Cut(wanted, ":"); ok {
		all = what + ":*"
	}
	return slices.ContainsFunc(scopes, func(s string) bool { return s == ScopeAdmin || s == wanted || s == all })
}
