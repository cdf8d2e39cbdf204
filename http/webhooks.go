package httpedge

import (
	"context"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humafiber"
	"github.com/gofiber/fiber/v2"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/view"
)

// Webhook is an endpoint as the API shows it.
type Webhook struct {
	WebhookID       string            `json:"webhookId" example:"wh_k7c2m4q3x5ad4ah6tz2y"`
	Name            *string           `json:"name" doc:"The name by which PUT /webhooks/by-name/{name} made it. null: it has none." example:"crm"`
	URL             string            `json:"url" example:"https://crm.example.org/hooks/topicdesk"`
	Description     string            `json:"description" example:"CRM, production"`
	Events          []string          `json:"events" nullable:"false" doc:"The types and patterns that it hears." example:"[\"ticket.*\",\"message.sent\"]"`
	Format          string            `json:"format" enum:"standard,cloudevents" example:"standard"`
	Ordering        string            `json:"ordering" enum:"ticket,none" example:"ticket"`
	MaxConcurrency  int               `json:"maxConcurrency" example:"8"`
	MaxPerSecond    *float64          `json:"maxPerSecond" doc:"The most requests per second. null: no limit."`
	Content         string            `json:"content" enum:"full,ids" example:"full"`
	Filter          WebhookFilter     `json:"filter"`
	Headers         map[string]string `json:"headers" nullable:"false" doc:"The names of its own headers. Each value is shown as ***." example:"{\"Authorization\":\"***\"}"`
	IncludeInternal bool              `json:"includeInternal"`
	Schedule        *[]float64        `json:"schedule" doc:"Seconds to wait before each attempt. null: 0, 5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400."`
	Templates       view.Metadata     `json:"templates" doc:"How its requests look, where they are not the event itself. null: they are."`
	Enabled         bool              `json:"enabled"`
	DisabledReason  *string           `json:"disabledReason" doc:"Why it is not enabled: failing (for 5 days), gone (it answered 410), asked (by the header webhook-delivery), program. null: it is enabled." example:"failing"`
	KeyID           string            `json:"keyId" doc:"The API key that made it." example:"k7c2m4q3x5ad"`
	GroupID         *int64            `json:"groupId" doc:"Telegram id of the only group that it hears. null: all groups." example:"-1001234567890"`
	FailingSince    *view.Time        `json:"failingSince" doc:"Since when every attempt has failed. null: the newest one did not."`
	LastError       *string           `json:"lastError" doc:"Why it fails, or why nothing is sent to it although it is enabled. null: nothing is wrong." example:"the receiver answered 500 Internal Server Error"`
	LastSuccessAt   *view.Time        `json:"lastSuccessAt" doc:"When it last took an event. null: never."`
	HoldUntil       *view.Time        `json:"holdUntil" doc:"Until when it is left alone, as it asked by Retry-After. null: it is not."`
	OldSecretUntil  *view.Time        `json:"oldSecretUntil" doc:"After a rotation: until when requests bear a signature by the previous secret, too."`
	CreatedAt       view.Time         `json:"createdAt"`
	UpdatedAt       view.Time         `json:"updatedAt" doc:"When its settings were last changed."`
}

// WebhookFilter selects events by their ticket.
type WebhookFilter struct {
	GroupIDs   []int64       `json:"groupIds" nullable:"false" doc:"Telegram ids of home groups. None: all."`
	Priorities []string      `json:"priorities" nullable:"false" doc:"None: all."`
	CreatedBy  []string      `json:"createdBy" nullable:"false" doc:"Creators, by kind and id. None: all." example:"[\"apiKey:k7c2m4q3x5ad\"]"`
	Metadata   view.Metadata `json:"metadata" doc:"By key of the ticket's metadata, a value or a list of them. null: any."`
}

// NewWebhook is an endpoint whose secret was just made. It is shown only here.
type NewWebhook struct {
	Webhook
	Secret string `json:"secret" doc:"Signs the requests. It is shown only this once." example:"whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"`
}

// NamedWebhook is an endpoint that was made, with its secret, or changed, without.
type NamedWebhook struct {
	Webhook
	Secret string `json:"secret,omitempty" doc:"Signs the requests. It is shown only once, by the answer 201." example:"whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"`
}

const (
	scopeWebhooksRead  = "webhooks:read"
	scopeWebhooksWrite = "webhooks:write"

	aboutWebhooks   = " A key that is bound to a group sees only the endpoints of that group."
	aboutInternally = " `includeInternal` also needs the scope `messages:read`, for every change of an endpoint that has it."
)

func (a *API) webhookOperations() {
	register(a, op{
		id: "listWebhooks", method: http.MethodGet, path: "/webhooks",
		tag: tagWebhooks, summary: "List endpoints", scope: scopeWebhooksRead,
		description: "Lists the endpoints to which events are delivered, sorted by id." + aboutWebhooks,
		answer:      exampleList(exampleWebhook()),
	}, a.listWebhooks)
	register(a, op{
		id: "getWebhook", method: http.MethodGet, path: "/webhooks/{id}",
		tag: tagWebhooks, summary: "Get an endpoint", scope: scopeWebhooksRead,
		description: "Returns an endpoint. With `If-None-Match`, one whose settings are unchanged is answered with 304." +
			aboutWebhooks,
		answer: exampleWebhook(),
	}, a.getWebhook)
	a.webhookChangeOperations()
	a.webhookSwitchOperations()
	a.webhookReplayOperations()
	a.webhookDeliveryOperations()
}

type webhookListOutput struct {
	Body List[Webhook]
}

func (a *API) listWebhooks(ctx context.Context, c *call, in *PageInput) (*webhookListOutput, error) {
	list, after := "webhooks", ""
	if in.Cursor != "" {
		if err := readCursor(list, in.Cursor, &after); err != nil {
			return nil, err
		}
	}
	m := &messages.ListWebhooks{GroupId: c.key.GroupId, After: after, Limit: int32(in.Limit + 1)}
	found, err := ask[*messages.WebhookList](ctx, a, messages.KindQuery, "", m)
	if err != nil {
		return nil, err
	}
	key := func(w *messages.Webhook) any { return w.WebhookId }
	return &webhookListOutput{Body: listOf(found.Webhooks, in.Limit, list, key, webhookOf)}, nil
}

// WebhookPath names an endpoint in the path.
type WebhookPath struct {
	ID string `path:"id" minLength:"1" maxLength:"64" doc:"The webhookId." example:"wh_k7c2m4q3x5ad4ah6tz2y"`
}

// webhook finds the endpoint of a path. One that the key can't see is not found. It starts no entity.
func (a *API) webhook(ctx context.Context, c *call, id string) (*messages.Webhook, error) {
	if !messages.IsWebhookID(id) {
		return nil, problem(codeNotFound)
	}
	found, err := ask[*messages.WebhookView](ctx, a, messages.KindQuery, "", &messages.GetWebhook{WebhookId: id})
	if err != nil {
		return nil, err
	}
	if !c.sees(found.Webhook.GetGroupId()) {
		return nil, problem(codeNotFound)
	}
	return found.Webhook, nil
}

type getWebhookInput struct {
	WebhookPath
	IfNoneMatch string `header:"If-None-Match" maxLength:"1000" doc:"The ETags that the client has already."`
}

type webhookOutput struct {
	Status int
	ETag   string `header:"ETag"`
	Body   Webhook
}

func webhookAnswer(w *messages.Webhook) *webhookOutput {
	return &webhookOutput{Status: http.StatusOK, ETag: webhookETag(w), Body: webhookOf(w)}
}

func (a *API) getWebhook(ctx context.Context, c *call, in *getWebhookInput) (*webhookOutput, error) {
	w, err := a.webhook(ctx, c, in.ID)
	if err != nil {
		return nil, err
	}
	out := webhookAnswer(w)
	if matches(in.IfNoneMatch, out.ETag) {
		out.Status = http.StatusNotModified // its answer has no body
	}
	return out, nil
}

func webhookETag(w *messages.Webhook) string { return `"` + strconv.FormatInt(w.Revision, 10) + `"` }

// webhookCondition refuses a change whose If-Match is stale, before its body is validated.
func (a *API) webhookCondition(ctx huma.Context, next func(huma.Context)) {
	match := humafiber.UnwrapV2(ctx).Get(fiber.HeaderIfMatch)
	c, ok := ctx.Context().Value(callKey{}).(*call)
	if match == "" || !ok {
		next(ctx)
		return
	}
	w, err := a.webhook(ctx.Context(), c, ctx.Param("id"))
	if err == nil && !matches(match, webhookETag(w)) {
		err = problem(codeStale)
	}
	if err != nil {
		a.fail(ctx, err)
		return
	}
	next(ctx)
}

func webhookOf(w *messages.Webhook) Webhook {
	s := w.GetSettings()
	v := Webhook{
		WebhookID: w.WebhookId, URL: s.GetUrl(), Description: s.GetDescription(), Events: eventsOr(s.GetEvents(), "*"),
		Format: s.GetFormat(), Ordering: s.GetOrdering(), MaxConcurrency: int(s.GetMaxConcurrency()), Content: s.GetContent(),
		Filter: WebhookFilter{GroupIDs: orEmpty(s.GetFilter().GetChatIds()), Priorities: orEmpty(s.GetFilter().GetPriorities()),
			CreatedBy: orEmpty(s.GetFilter().GetCreatedBy()), Metadata: s.GetFilter().GetMetadata()},
		Headers: map[string]string{}, IncludeInternal: s.GetIncludeInternal(), Templates: s.GetTemplates(), Enabled: s.GetEnabled(),
		KeyID: w.KeyId, FailingSince: view.TimeOf(w.FailingSinceMs), LastSuccessAt: view.TimeOf(w.LastSuccessMs),
		HoldUntil: view.TimeOf(w.HoldUntilMs), OldSecretUntil: view.TimeOf(w.OldSecretUntilMs),
		CreatedAt: view.At(w.CreatedMs), UpdatedAt: view.At(w.UpdatedMs),
	}
	for _, h := range s.GetHeaders() {
		v.Headers[h.Name] = maskedHeader
	}
	if s.GetMaxPerSecond() > 0 {
		v.MaxPerSecond = &s.MaxPerSecond
	}
	if len(s.GetSchedule()) > 0 {
		v.Schedule = &s.Schedule
	}
	if w.Name != "" {
		v.Name = &w.Name
	}
	if w.DisabledReason != "" {
		v.DisabledReason = &w.DisabledReason
	}
	if w.LastError != "" {
		v.LastError = &w.LastError
	}
	if w.GroupId != "" {
		v.GroupID = &w.ChatId
	}
	return v
}

func eventsOr(events []string, all string) []string {
	if len(events) == 0 {
		return []string{all}
	}
	return events
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func exampleWebhook() Webhook {
	name := "crm"
	return Webhook{
		WebhookID: "wh_k7c2m4q3x5ad4ah6tz2y", Name: &name, URL: "https://crm.example.org/hooks/topicdesk",
		Description: "CRM, production", Events: []string{"ticket.*", "message.sent"}, Format: "standard", Ordering: "ticket",
		MaxConcurrency: 8, Content: "full", Headers: map[string]string{"Authorization": maskedHeader}, Enabled: true,
		Filter: WebhookFilter{GroupIDs: []int64{}, Priorities: []string{"high", "urgent"}, CreatedBy: []string{}},
		KeyID:  "k7c2m4q3x5ad", CreatedAt: view.ExampleTime, UpdatedAt: view.ExampleTime,
	}
}

// exampleSecret is no endpoint's: it is the one of the standard's own examples.
const exampleSecret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
