// Package apikey is the room of the API keys: their secrets, their limits, and the kept answers to requests with an
// Idempotency-Key.
package apikey
