package bot

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"log/slog"
	"net/http"
)

// Webhook takes in updates that Telegram posts (setWebhook). Telegram repeats an update until it is answered by a 2xx, and
// holds back the chat's next ones meanwhile: so whatever can never be accepted is answered 200, and logged.
type Webhook struct {
	// Enabled is false in polling mode: the route is not there (404).
	Enabled bool
	// Secret is what X-Telegram-Bot-Api-Secret-Token must say. Empty lets nobody in.
	Secret string
	// Handle takes the update in: Intake.Handle.
	Handle func(ctx context.Context, raw []byte) error
	Log    *slog.Logger
}

// Serve handles one request and returns the HTTP status: 200 accepted, or passed over for good; 400 not JSON; 401 wrong
// secret, no effect; 404 polling mode; 413 too large; 503 not accepted, to be sent again.
func (w *Webhook) Serve(ctx context.Context, body []byte, secret string) (status int) {
	switch {
	case !w.Enabled:
		return http.StatusNotFound
	case !sameSecret(secret, w.Secret):
		w.Log.Warn("webhook refused: wrong secret")
		return http.StatusUnauthorized
	case len(body) > MaxUpdateBytes:
		w.Log.Warn("webhook refused: too large", "bytes", len(body))
		return http.StatusRequestEntityTooLarge
	case !json.Valid(body):
		w.Log.Warn("webhook refused: not JSON", "bytes", len(body))
		return http.StatusBadRequest
	}
	if err := w.Handle(ctx, body); err != nil {
		return http.StatusServiceUnavailable // Handle has logged it
	}
	return http.StatusOK
}

// sameSecret compares in constant time, lengths included.
func sameSecret(given, want string) bool {
	g, w := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(want))
	return subtle.ConstantTimeCompare(g[:], w[:]) == 1 && want != ""
}
