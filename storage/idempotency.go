package storage

import "time"

// Idempotency is the answer to a request with an Idempotency-Key, kept for repetitions of the request.
type Idempotency struct {
	RequestID   string    `json:"requestId"`   // <API key id>/<SHA-256 of the Idempotency-Key>
	Fingerprint []byte    `json:"fingerprint"` // SHA-256 of the request
	Status      int64     `json:"status"`
	Headers     []Header  `json:"headers,omitempty"`
	Body        []byte    `json:"body,omitempty"`
	Sealed      bool      `json:"sealed,omitempty"` // the body is encrypted, since it holds a secret
	CreatedAt   time.Time `json:"createdAt"`
	ExpiresAt   time.Time `json:"expiresAt"`
	Version     int64     `json:"version"`
}

// Header is a header of an HTTP answer.
type Header struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}
