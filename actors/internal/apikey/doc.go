// Package apikey is the room of the keys of the API: their limits, and the answers to requests with an Idempotency-Key.
package apikey
