// Package httpedge is the HTTP edge: the Fiber app with its middleware; the routes that a service needs whatever its
// API is (Telegram's webhook, /healthz, /readyz, /metrics); and the API with its document. The API's operations send
// messages to actors. The folder is http; the package has another name so that nobody confuses it with net/http.
//
// It knows nothing of storage or Telegram: cmd hands in what it serves.
//
//go:generate go run ./gen ../docs
package httpedge
