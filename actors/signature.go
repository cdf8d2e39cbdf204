package actors

import (
	"net/http"
	"time"

	"github.com/topicdesk/topicdesk/actors/internal/delivery"
)

// WebhookSecret signs what goes to an endpoint. Only its Text shows it.
type WebhookSecret = delivery.Secret

// NewWebhookSecret makes a random secret.
func NewWebhookSecret() WebhookSecret { return delivery.NewSecret() }

// ParseWebhookSecret reads a secret as programs are given it: whsec_ and base64. Its errors don't contain the secret.
func ParseWebhookSecret(text string) (WebhookSecret, error) { return delivery.ParseSecret(text) }

// SignWebhook is the value of webhook-signature for a request at a time.
func SignWebhook(id string, at time.Time, body []byte, secrets ...WebhookSecret) string {
	return delivery.Sign(id, at, body, secrets...)
}

// VerifyWebhook checks a request as a receiver should. An error says in words what is wrong with it.
func VerifyWebhook(headers http.Header, body []byte, now time.Time, secrets ...WebhookSecret) error {
	return delivery.Verify(headers, body, now, secrets...)
}
