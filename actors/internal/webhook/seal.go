package webhook

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"

	"github.com/topicdesk/topicdesk/messages"
)

// errSealed says that a secret or the value of a header can't be opened: it was sealed with another key.
var errSealed = errors.New(messages.WebhookSealed)

// sealer encrypts what storage must not show: secrets, and values of headers (AES-256-GCM). What is sealed for one endpoint
// opens for no other.
type sealer struct{ aead cipher.AEAD }

func newSealer(key string) (*sealer, error) {
	derived, err := hkdf.Key(sha256.New, []byte(key), nil, "topicdesk webhooks", 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(derived)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	return &sealer{aead}, err
}

func (s *sealer) seal(webhookID, text string) []byte {
	nonce := make([]byte, s.aead.NonceSize())
	_, _ = rand.Read(nonce) // it never fails
	return s.aead.Seal(nonce, nonce, []byte(text), []byte(webhookID))
}

func (s *sealer) open(webhookID string, sealed []byte) (string, error) {
	n := s.aead.NonceSize()
	if len(sealed) < n {
		return "", errSealed
	}
	text, err := s.aead.Open(nil, sealed[:n], sealed[n:], []byte(webhookID))
	if err != nil {
		return "", errSealed
	}
	return string(text), nil
}
