package actors

import (
	"context"

	"github.com/topicdesk/topicdesk/messages"
)

// TestWebhook is to be replaced by the webhook room's.
func (s *System) TestWebhook(context.Context, string, string) (*messages.WebhookTested, error) {
	return nil, ErrNotAccepted
}
