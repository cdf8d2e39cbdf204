package httpedge

import (
	"context"
	"net/http"

	"github.com/topicdesk/topicdesk/messages"
)

func (a *API) meOperations() {
	register(a, op{
		id: "getMe", method: http.MethodGet, path: "/me", tag: tagKeys, summary: "Get your own API key",
		description: "Returns the API key of this request with its scopes, its group and its limits.",
		answer:      exampleKey(),
	}, a.getMe)
}

type keyOutput struct {
	Body APIKey
}

func (a *API) getMe(ctx context.Context, c *call, _ *struct{}) (*keyOutput, error) {
	view, err := ask[*messages.APIKeyView](ctx, a, messages.KindQuery, "", &messages.GetAPIKey{KeyId: c.key.KeyId})
	if err != nil {
		return nil, err
	}
	return &keyOutput{Body: keyOf(view.Key)}, nil
}
