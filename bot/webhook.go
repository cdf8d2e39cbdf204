package bot

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"log/slog"
	"net/http"
	"time"
)

// Webhook receives the updates that Telegram posts (setWebhook). Telegram repeats an update until it gets a 2xx, and
// withholds the chat's next ones until then. So an update that can never be accepted is logged and answered with 200.
type Webhook struct {
	// Enabled is false in polling mode: then Serve answers 404.
	Enabled bool
	// Secret is the value that the header X-Telegram-Bot-Api-Secret-Token must have. An empty secret refuses every
	// request.
	Secret string
	// Handle handles an update: Intake.Handle.
	Handle func(ctx context.Context, raw []byte) error
	// Within is how long an update may take; 0: any time. In a cluster the part of the desk that it is for may just move to
	// another node, and the connections that Telegram makes must not all wait for it.
	Within time.Duration
	Log    *slog.Logger
}

// Serve handles one request and returns the HTTP status: 200 for an update that is accepted or passed over for good,
// 400 not JSON, 401 wrong secret, 404 polling mode, 413 too large, 503 not accepted, so that Telegram sends it again.
// A request with a wrong secret has no effect.

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
	if w.Within > 0 {
		limited, cancel := context.WithTimeout(ctx, w.Within)
		defer cancel()
		ctx = limited
	}
	if err := w.Handle(ctx, body); err != nil {
		return http.StatusServiceUnavailable // Handle has logged it
	}
	return http.StatusOK
}

// sameSecret compares in constant time, whatever the lengths. An empty want matches nothing.

func sameSecret(given, want string) bool {
	g, w := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(want))
	return subtle.ConstantTimeCompare(g[:], w[:]) == 1 && want != ""
}
