// Package httpedge is the HTTP edge: the Fiber app with its middleware, and the routes that a running service needs
// whatever its API is: Telegram's webhook, /healthz, /readyz, /metrics; and the API, whose operations send messages to actors,
// with its document. (Its folder is http; the name spares readers the mix-up with net/http.)
//
// It knows nothing of storage or Telegram: what it serves is handed in by cmd.
//
//go:generate go run ./gen ../docs
package httpedge
