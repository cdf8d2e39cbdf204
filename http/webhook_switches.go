package httpedge

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/view"
)

// Switching endpoints on and off, their secrets, and trying them.

func (a *API) webhookSwitchOperations() {
	register(a, op{
		id: "rotateWebhookSecret", method: http.MethodPost, path: "/webhooks/{id}/rotate-secret",
		tag: tagWebhooks, summary: "Give an endpoint a new secret", scope: scopeWebhooksWrite, sealed: true,
		description: "Makes a new secret, which only this answer shows. For another `overlapSeconds`, requests bear signatures by " +
			"both, so that the receiver can change over." + aboutWebhooks,
		request: map[string]any{"overlapSeconds": 3600}, answer: NewWebhook{Webhook: exampleWebhook(), Secret: exampleSecret},
	}, a.rotateWebhookSecret)
	register(a, op{
		id: "enableWebhook", method: http.MethodPost, path: "/webhooks/{id}/enable",
		tag: tagWebhooks, summary: "Enable an endpoint", scope: scopeWebhooksWrite,
		description: "Delivers again, from where the endpoint was: nothing is skipped, and order holds. With `{\"from\":\"now\"}`, " +
			"what waits is skipped; a replay with `{\"missing\":true}` brings it later." + aboutWebhooks,
		request: map[string]any{"from": "now"}, answer: exampleWebhook(),
	}, a.enableWebhook)
	register(a, op{
		id: "disableWebhook", method: http.MethodPost, path: "/webhooks/{id}/disable",
		tag: tagWebhooks, summary: "Disable an endpoint", scope: scopeWebhooksWrite,
		description: "Delivers nothing until the endpoint is enabled again. What happens meanwhile waits, for as long as events are " +
			"kept." + aboutWebhooks,
		answer: exampleWebhook(),
	}, a.disableWebhook)
	register(a, op{
		id: "testWebhook", method: http.MethodPost, path: "/webhooks/{id}/test",
		tag: tagWebhooks, summary: "Send an endpoint an example", scope: scopeWebhooksWrite,
		description: "Sends the example of a type immediately, also if the endpoint does not subscribe to it or is disabled, and " +
			"answers 200 with what was sent and what came back, whatever the receiver did. It counts for nothing." + aboutWebhooks,
		request: map[string]any{"type": messages.EventTicketCreated}, answer: exampleTest(),
	}, a.testWebhook)
	register(a, op{
		id: "previewWebhook", method: http.MethodPost, path: "/webhooks/{id}/preview",
		tag: tagWebhooks, summary: "See what an endpoint would be sent", scope: scopeWebhooksWrite,
		middlewares: huma.Middlewares{a.oneOf(a.previews, "Other templates are being filled at the moment. Wait as long as Retry-After says.")},
		description: "Fills `templates`, or without them the endpoint's own, with the example of a type, and answers with the request " +
			"that the endpoint would get. Nothing is sent or saved. What is wrong with the templates is refused as when they are saved." +
			aboutWebhooks,
		request: map[string]any{"type": messages.EventTicketCreated, "templates": map[string]any{"preset": "slack"}}, answer: examplePreview(),
	}, a.previewWebhook)
}

type rotateWebhookInput struct {
	WebhookPath
	Body *struct {
		OverlapSeconds *int64 `json:"overlapSeconds,omitempty" minimum:"0" maximum:"604800" doc:"How long requests bear a signature by the previous secret, too, in seconds. If absent: one day."`
	} `required:"false"`
}

type rotatedWebhookOutput struct {
	ETag string `header:"ETag"`
	Body NewWebhook
}

func (a *API) rotateWebhookSecret(ctx context.Context, c *call, in *rotateWebhookInput) (*rotatedWebhookOutput, error) {
	w, err := a.webhook(ctx, c, in.ID)
	if err != nil {
		return nil, err
	}
	overlap := usualOverlap
	if in.Body != nil && in.Body.OverlapSeconds != nil {
		overlap = time.Duration(*in.Body.OverlapSeconds) * time.Second
	}
	m := &messages.RotateWebhookSecret{Origin: c.origin(), OverlapMs: overlap.Milliseconds()}
	rotated, err := a.askWebhook(ctx, w.WebhookId, m)
	if err != nil {
		return nil, err
	}
	return &rotatedWebhookOutput{ETag: webhookETag(rotated.Webhook),
		Body: NewWebhook{Webhook: webhookOf(rotated.Webhook), Secret: rotated.Secret}}, nil
}

type enableWebhookInput struct {
	WebhookPath
	Body *struct {
		From string `json:"from,omitempty" enum:"now" doc:"now: what waits is skipped. If absent: it is delivered."`
	} `required:"false"`
}

func (a *API) enableWebhook(ctx context.Context, c *call, in *enableWebhookInput) (*webhookOutput, error) {
	w, err := a.webhook(ctx, c, in.ID)
	if err != nil {
		return nil, err
	}
	m := &messages.EnableWebhook{Origin: c.origin(), FromNow: in.Body != nil && in.Body.From == "now"}
	enabled, err := a.askWebhook(ctx, w.WebhookId, m)
	if err != nil {
		return nil, err
	}
	return webhookAnswer(enabled.Webhook), nil
}

func (a *API) disableWebhook(ctx context.Context, c *call, in *WebhookPath) (*webhookOutput, error) {
	w, err := a.webhook(ctx, c, in.ID)
	if err != nil {
		return nil, err
	}
	disabled, err := a.askWebhook(ctx, w.WebhookId, &messages.DisableWebhook{Origin: c.origin()})
	if err != nil {
		return nil, err
	}
	return webhookAnswer(disabled.Webhook), nil
}

type testWebhookInput struct {
	WebhookPath
	Body struct {
		Type string `json:"type" maxLength:"80" doc:"The type of event whose example is sent." example:"ticket.created"`
	}
}

// WebhookTest is what came of sending an endpoint an example.
type WebhookTest struct {
	Request    TestRequest                 `json:"request"`
	Response   view.Nullable[TestResponse] `json:"response" doc:"null: there was no answer."`
	DurationMs int64                       `json:"durationMs" doc:"From the beginning of the request to the end of the answer." example:"42"`
	Error      *string                     `json:"error" doc:"What went wrong, in words. null: the event was delivered."`
}

// TestRequest is what was sent.
type TestRequest struct {
	Method  string            `json:"method" example:"POST"`
	Host    string            `json:"host" doc:"Of the URL, with its port if it names one." example:"crm.example.org"`
	Headers map[string]string `json:"headers" nullable:"false" doc:"The endpoint's own are shown as ***."`
	Body    string            `json:"body"`
}

// TestResponse is what came back.
type TestResponse struct {
	Status  int               `json:"status" example:"204"`
	Headers map[string]string `json:"headers" nullable:"false"`
	Body    string            `json:"body" doc:"Its beginning, at most 16 kB."`
}

type webhookTestOutput struct {
	Body WebhookTest
}

func (a *API) testWebhook(ctx context.Context, c *call, in *testWebhookInput) (*webhookTestOutput, error) {
	w, err := a.webhook(ctx, c, in.ID)
	if err != nil {
		return nil, err
	}
	if _, known := view.EventTypeOf(in.Body.Type); !known {
		return nil, invalid("/type", "that is no type of event; see /events/types")
	}
	tested, err := a.desk.TestWebhook(ctx, w.WebhookId, in.Body.Type)
	if err != nil {
		a.log.Warn("an endpoint could not be tried", "webhook", w.WebhookId, "error", err)
		return nil, problem(codeUnavailable)
	}
	if err := refusal(tested.Code, tested.Reason); err != nil {
		return nil, err
	}
	return &webhookTestOutput{Body: webhookTestOf(tested)}, nil
}

func webhookTestOf(t *messages.WebhookTested) WebhookTest {
	v := WebhookTest{DurationMs: t.DurationMs,
		Request: TestRequest{Method: t.Method, Host: t.Host, Headers: headersOf(t.RequestHeaders), Body: t.RequestBody}}
	if t.Status != 0 {
		v.Response.Value = &TestResponse{Status: int(t.Status), Headers: headersOf(t.ResponseHeaders), Body: t.ResponseBody}
	}
	if t.Error != "" {
		v.Error = &t.Error
	}
	return v
}

type previewWebhookInput struct {
	WebhookPath
	Body struct {
		Type      string                  `json:"type" maxLength:"80" doc:"The type of event whose example the templates are filled with." example:"ticket.created"`
		Templates Optional[view.Metadata] `json:"templates,omitempty" doc:"As an endpoint has them. If absent: its own. null: none, the event as it is."`
	}
}

type webhookPreviewOutput struct {
	Body TestRequest
}

func (a *API) previewWebhook(ctx context.Context, c *call, in *previewWebhookInput) (*webhookPreviewOutput, error) {
	w, err := a.webhook(ctx, c, in.ID)
	if err != nil {
		return nil, err
	}
	if _, known := view.EventTypeOf(in.Body.Type); !known {
		return nil, invalid("/type", "that is no type of event; see /events/types")
	}
	var templates json.RawMessage
	if in.Body.Templates.Sent {
		templates = json.RawMessage(cmp.Or(string(in.Body.Templates.Value), "null"))
	}
	made, err := a.desk.PreviewWebhook(ctx, w.WebhookId, in.Body.Type, templates)
	if err != nil {
		a.log.Warn("the request for an endpoint could not be made", "webhook", w.WebhookId, "error", err)
		return nil, problem(codeUnavailable)
	}
	if err := refusal(made.Code, made.Reason); err != nil {
		return nil, err
	}
	if len(made.Faults) > 0 {
		return nil, faulty(made.Faults)
	}
	if made.Error != "" { // what is stored of the endpoint can't be read
		a.log.Warn("the request for an endpoint could not be made", "webhook", w.WebhookId, "error", made.Error)
		return nil, problem(codeUnavailable)
	}
	return &webhookPreviewOutput{Body: webhookTestOf(made).Request}, nil
}

func examplePreview() TestRequest {
	return TestRequest{Method: http.MethodPost, Host: "hooks.slack.com", Headers: map[string]string{"content-type": "application/json"},
		Body: `{"text":"#1042 Printer is on fire"}`}
}

func headersOf(lines []*messages.HeaderLine) map[string]string {
	headers := make(map[string]string, len(lines))
	for _, h := range lines {
		headers[h.Name] = h.Value
	}
	return headers
}

func exampleTest() WebhookTest {
	created, _ := view.EventTypeOf(messages.EventTicketCreated)
	example := created.Example()
	answer := &TestResponse{Status: http.StatusNoContent, Headers: map[string]string{}}
	return WebhookTest{DurationMs: 42, Response: view.Nullable[TestResponse]{Value: answer},
		Request: TestRequest{Method: http.MethodPost, Host: "crm.example.org", Body: string(example.AppendJSON(nil)),
			Headers: map[string]string{"content-type": "application/json", "webhook-id": example.ID,
				"webhook-timestamp": "1772355600", "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="}}}
}
