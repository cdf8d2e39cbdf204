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
// The id finds the record, the random part is the secret, the checksum tells a mistyped key from a wrong one before
// anything is read.
const (
	apiKeyPrefix    = "td_live_"
	apiKeyIDLength  = 12
	apiSecretBytes  = 20
	apiSecretLength = 32
	apiCheckLength  = 6
	apiKeyLength    = len(apiKeyPrefix) + apiKeyIDLength + apiSecretLength + apiCheckLength
)

var base32Lower = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// NewAPIKey makes a key for the id, to be shown once, and what is stored of it.
func NewAPIKey(keyID string) (key string, hash []byte) {
	secret := make([]byte, apiSecretBytes)
	_, _ = rand.Read(secret) // it never fails
	key = apiKeyPrefix + keyID + base32Lower.EncodeToString(secret)
	key += apiChecksum(key)
	return key, HashAPIKey(key)
}

// NewAPIKeyID makes an id of the form that NewAPIKey takes: of the cause, the same for the same; random for "".
func NewAPIKeyID(cause string) string {
	if cause == "" {
		cause = rand.Text()
	}
	sum := sha256.Sum256([]byte("api key/" + cause))
	return base32Lower.EncodeToString(sum[:])[:apiKeyIDLength]
}

// HashAPIKey is what is stored of a key.
func HashAPIKey(key string) []byte {
	sum := sha256.Sum256([]byte(key))
	return sum[:]
}

// APIKeyID returns the id within a key; false: this is no key.
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
	return base32Lower.EncodeToString([]byte{byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)})[:apiCheckLength]
}

// ScopeAdmin allows everything, to keys that are bound to no group also what concerns all groups.
const ScopeAdmin = "admin"

// Scopes are all that an API key may be given. "users:*" is "users:read" and "users:write". Keys from before may have others,
// such as "webhooks:*"; those allow nothing.
var Scopes = []string{
	"tickets:read", "tickets:write", "tickets:*", "messages:read", "messages:write", "messages:*",
	"users:read", "users:write", "users:*", "groups:read", "groups:write", "groups:*",
	"keys:read", "keys:write", "keys:*", ScopeAdmin,
}

// ScopeAllows says whether a key with these scopes has the wanted one.
func ScopeAllows(scopes []string, wanted string) bool {
	all := wanted
	if what, _, ok := strings.Cut(wanted, ":"); ok {
		all = what + ":*"
	}
	return slices.ContainsFunc(scopes, func(s string) bool { return s == ScopeAdmin || s == wanted || s == all })
}
