package delivery

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"
)

// The headers of Standard Webhooks 1.0.0 (github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md).
const (
	headerID        = "webhook-id"
	headerTimestamp = "webhook-timestamp"
	headerSignature = "webhook-signature"
)

const (
	secretPrefix  = "whsec_"
	secretBytes   = 32
	fewestSecret  = 24
	longestSecret = 64
)

// A Secret signs what goes to one endpoint. It shows itself nowhere: only Text returns it.
type Secret struct{ key []byte }

// NewSecret makes a random secret.
func NewSecret() Secret {
	key := make([]byte, secretBytes)
	_, _ = rand.Read(key) // it never fails
	return Secret{key}
}

// ParseSecret reads whsec_ and 24 to 64 bytes in base64. Its errors don't contain the secret.
func ParseSecret(text string) (Secret, error) {
	encoded, ok := strings.CutPrefix(text, secretPrefix)
	if !ok {
		return Secret{}, errors.New("a secret begins with " + secretPrefix)
	}
	key, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil {
		return Secret{}, errors.New("what follows " + secretPrefix + " is not base64")
	}
	if len(key) < fewestSecret || len(key) > longestSecret {
		return Secret{}, fmt.Errorf("a secret has %d to %d bytes, this one has %d",
			fewestSecret, longestSecret, len(key))
	}
	return Secret{key}, nil
}

// Text is the secret as a receiver is given it: whsec_ and base64.
func (s Secret) Text() string { return secretPrefix + base64.StdEncoding.EncodeToString(s.key) }

// Format implements fmt.Formatter, so that no verb shows the key.
func (Secret) Format(f fmt.State, _ rune) { fmt.Fprint(f, secretPrefix+masked) }

// LogValue implements slog.LogValuer.
func (Secret) LogValue() slog.Value { return slog.StringValue(secretPrefix + masked) }

// MarshalText implements encoding.TextMarshaler: a secret is stored by Text, never by accident.
func (Secret) MarshalText() ([]byte, error) { return []byte(secretPrefix + masked), nil }

// Sign returns the value of webhook-signature: a signature by each secret, the newest first, separated by spaces. at
// counts in whole seconds. An id must not contain a dot, which separates what is signed.
func Sign(id string, at time.Time, body []byte, secrets ...Secret) string {
	signatures := make([]byte, 0, len(secrets)*(len("v1, ")+base64.StdEncoding.EncodedLen(sha256.Size)))
	for i, s := range secrets {
		if i > 0 {
			signatures = append(signatures, ' ')
		}
		signatures = append(signatures, "v1,"...)
		signatures = base64.StdEncoding.AppendEncode(signatures, mac(s.key, id, at.Unix(), body))
	}
	return string(signatures)
}

// mac is the HMAC-SHA256 of id.timestamp.body.
func mac(key []byte, id string, seconds int64, body []byte) []byte {
	head := make([]byte, 0, 96)
	head = append(head, id...)
	head = append(head, '.')
	head = strconv.AppendInt(head, seconds, 10)
	head = append(head, '.')
	h := hmac.New(sha256.New, key)
	h.Write(head)
	h.Write(body)
	return h.Sum(nil)
}
