package httpedge

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/messages"
)

// Making, changing and deleting endpoints.

// webhookTries is how often a change is made anew because somebody else has changed the endpoint meanwhile.
const webhookTries = 20

func (a *API) webhookChangeOperations() {
	request := map[string]any{"url": "https://crm.example.org/hooks/topicdesk", "description": "CRM, production",
		"events": []string{"ticket.*", "message.sent"}, "headers": map[string]any{"Authorization": "Bearer s3cr3t"},
		"filter": map[string]any{"priorities": []string{"high", "urgent"}}}
	register(a, op{
		id: "createWebhook", method: http.MethodPost, path: "/webhooks",
		tag: tagWebhooks, summary: "Make an endpoint", scope: scopeWebhooksWrite, status: http.StatusCreated, sealed: true,
		codes: []string{codeGroupUnknown, messages.ReasonWebhookLimit},
		description: "Makes an endpoint, to which events are delivered from now on. Only this answer shows its secret. What is " +
			"left out has its usual value: all events, format `standard`, ordering `ticket`, 8 requests at a time, content " +
			"`full`, enabled. An endpoint that a key bound to a group makes hears that group alone. A key makes at most 100." +
			aboutInternally,
		request: request, answer: NewWebhook{Webhook: exampleWebhook(), Secret: exampleSecret},
	}, a.createWebhook)
	register(a, op{
		id: "putWebhookByName", method: http.MethodPut, path: "/webhooks/by-name/{name}",
		tag: tagWebhooks, summary: "Make or change the endpoint of a name", scope: scopeWebhooksWrite, created: true,
		codes: []string{codeGroupUnknown, codeStale, messages.ReasonWebhookLimit},
		description: "Makes the endpoint of this name (201, with its secret) or changes it (200), so that endpoints can be kept as " +
			"code. Unlike other changes, this one says all: what is left out gets its usual value, except `enabled`, which then " +
			"stays. Names are unique for a group, and for all keys that are bound to none." + aboutConditions + aboutInternally,
		request: request, answer: NamedWebhook{Webhook: exampleWebhook()},
	}, a.putWebhookByName)
	for _, method := range []string{http.MethodPut, http.MethodPatch} {
		register(a, op{
			id: strings.ToLower(method) + "Webhook", method: method, path: "/webhooks/{id}",
			tag: tagWebhooks, summary: "Change an endpoint", scope: scopeWebhooksWrite,
			codes: []string{codeGroupUnknown, codeStale},
			description: "Changes the fields that are sent and leaves the others as they are; PUT and PATCH do the same. `filter`, " +
				"`headers` and `templates` are replaced as a whole. What waits is delivered as the endpoint is then." +
				aboutConditions + aboutInternally + aboutWebhooks,
			request: map[string]any{"maxConcurrency": 4, "filter": nil}, answer: exampleWebhook(),
			middlewares: huma.Middlewares{a.webhookCondition},
		}, a.updateWebhook)
	}
	register(a, op{
		id: "deleteWebhook", method: http.MethodDelete, path: "/webhooks/{id}",
		tag: tagWebhooks, summary: "Delete an endpoint", scope: scopeWebhooksWrite, status: http.StatusNoContent,
		codes: []string{codeStale},
		description: "Deletes an endpoint with its history. What waits is not delivered; requests that are under way may still " +
			"arrive." + aboutConditions + aboutWebhooks,
		middlewares: huma.Middlewares{a.webhookCondition},
	}, a.deleteWebhook)
}

type createWebhookInput struct {
	Body struct {
		URL string `json:"url" minLength:"1" maxLength:"2048" doc:"Where events are sent, by https." example:"https://crm.example.org/hooks/topicdesk"`
		WebhookFields
	}
}

type newWebhookOutput struct {
	Location string `header:"Location" doc:"The path of the endpoint."`
	ETag     string `header:"ETag"`
	Body     NewWebhook
}

func (a *API) createWebhook(ctx context.Context, c *call, in *createWebhookInput) (*newWebhookOutput, error) {
	s := defaultSettings(in.Body.URL)
	if err := a.setFields(ctx, c, s, &in.Body.WebhookFields, c.key.GroupId); err != nil {
		return nil, err
	}
	made, err := a.makeWebhook(ctx, c, "", s)
	if err != nil {
		return nil, err
	}
	return &newWebhookOutput{Location: webhookLocation(made.Webhook), ETag: webhookETag(made.Webhook),
		Body: NewWebhook{Webhook: webhookOf(made.Webhook), Secret: made.Secret}}, nil
}

func webhookLocation(w *messages.Webhook) string { return apiPrefix + "/webhooks/" + w.WebhookId }

func (a *API) makeWebhook(ctx context.Context, c *call, name string, s *messages.WebhookSettings) (*messages.WebhookView, error) {
	if err := a.judgeURL(ctx, s.Url); err != nil {
		return nil, err
	}
	m := &messages.CreateWebhook{Origin: c.origin(), Name: name, KeyId: c.key.KeyId, GroupId: c.key.GroupId, Settings: s}
	return a.askWebhook(ctx, messages.NewWebhookID(c.commandID), m)
}

// judgeURL refuses a URL to which nothing would ever be sent, as far as DNS tells now. The entity judges the rest: it must
// not wait for DNS.
func (a *API) judgeURL(ctx context.Context, url string) error {
	if err := a.desk.JudgeURL(ctx, url); err != nil {
		return invalid("/url", err.Error())
	}
	return nil
}

// askWebhook has an endpoint's entity carry out a command that it replies to with the endpoint.
func (a *API) askWebhook(ctx context.Context, id string, m proto.Message) (*messages.WebhookView, error) {
	answer, err := a.reply(ctx, messages.KindWebhook, id, m)
	if err != nil {
		return nil, err
	}
	if err := refusedWebhook(answer); err != nil {
		return nil, err
	}
	return replyAs[*messages.WebhookView](answer)
}

// refusedWebhook is the problem of a reply that refuses a command for reasons of its own; nil: it does not.
func refusedWebhook(answer proto.Message) error {
	refused, ok := answer.(interface {
		GetCode() messages.Code
		GetReason() string
	})
	if !ok || refused.GetCode() != messages.Code_CONFLICT {
		return nil
	}
	switch refused.GetReason() {
	case messages.ReasonRevision:
		return problem(codeStale)
	case messages.ReasonWebhookName:
		return problem(messages.ReasonWebhookName)
	case messages.ReasonWebhookInvalid:
		if w, ok := answer.(*messages.WebhookView); ok {
			return faulty(w.Faults)
		}
	}
	return nil
}

// faulty is the problem of settings with which something is wrong.
func faulty(faults []*messages.SettingFault) *Problem {
	p := problem(codeInvalid)
	for _, f := range faults[:min(len(faults), maxErrors)] {
		detail := f.Detail
		switch {
		case f.Line > 0 && f.Column > 0:
			detail = fmt.Sprintf("line %d, column %d: %s", f.Line, f.Column, detail)
		case f.Line > 0:
			detail = fmt.Sprintf("line %d: %s", f.Line, detail)
		}
		p.Errors = append(p.Errors, FieldError{In: "body", Pointer: "#" + f.Pointer, Detail: detail, Line: int(f.Line), Column: int(f.Column)})
	}
	return p
}

type updateWebhookInput struct {
	WebhookPath
	IfMatch string `header:"If-Match" maxLength:"1000" doc:"The ETag that the endpoint had when the client read it."`
	Body    struct {
		URL string `json:"url,omitempty" minLength:"1" maxLength:"2048" doc:"Where events are sent, by https."`
		WebhookFields
	}
}

func (a *API) updateWebhook(ctx context.Context, c *call, in *updateWebhookInput) (*webhookOutput, error) {
	for try := 1; ; try++ {
		w, err := a.webhook(ctx, c, in.ID)
		if err != nil {
			return nil, err
		}
		if in.IfMatch != "" && !matches(in.IfMatch, webhookETag(w)) {
			return nil, problem(codeStale)
		}
		s := changeable(w)
		if in.Body.URL != "" && in.Body.URL != s.Url {
			if err := a.judgeURL(ctx, in.Body.URL); err != nil {
				return nil, err
			}
		}
		setUnless(&s.Url, in.Body.URL, "")
		if err := a.setFields(ctx, c, s, &in.Body.WebhookFields, w.GroupId); err != nil {
			return nil, err
		}
		// The settings that are not sent are those that were read, so the entity compares the revision in any case.
		changed, err := a.askWebhook(ctx, w.WebhookId, &messages.UpdateWebhook{Origin: c.origin(), Settings: s, Revision: w.Revision})
		switch {
		case err == nil:
			return webhookAnswer(changed.Webhook), nil
		case asProblem(err).Code != codeStale || !anyRevision(in.IfMatch):
			return nil, err
		case try == webhookTries:
			return nil, problem(codeUnavailable)
		}
	}
}

// anyRevision reports whether a change is made whatever the revision is.
func anyRevision(match string) bool { return match == "" || strings.TrimSpace(match) == "*" }

// NamePath names an endpoint by the name that its maker gave it.
type NamePath struct {
	Name string `path:"name" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._-]*$" doc:"The endpoint's name: letters, digits and . _ -" example:"crm"`
}

type namedWebhookInput struct {
	NamePath
	IfMatch string `header:"If-Match" maxLength:"1000" doc:"The ETag that the endpoint had when the client read it."`
	Body    struct {
		URL string `json:"url" minLength:"1" maxLength:"2048" doc:"Where events are sent, by https." example:"https://crm.example.org/hooks/topicdesk"`
		WebhookFields
	}
}

type namedWebhookOutput struct {
	Status   int
	Location string `header:"Location" doc:"The path of the endpoint that was made."`
	ETag     string `header:"ETag"`
	Body     NamedWebhook
}

func (a *API) putWebhookByName(ctx context.Context, c *call, in *namedWebhookInput) (*namedWebhookOutput, error) {
	for range webhookTries {
		w, err := a.namedWebhook(ctx, c, in.Name)
		if err != nil {
			return nil, err
		}
		if in.IfMatch != "" && (w == nil || !matches(in.IfMatch, webhookETag(w))) {
			return nil, problem(codeStale)
		}
		s, err := a.namedSettings(ctx, c, w, in)
		if err != nil {
			return nil, err
		}
		out, err := a.putNamed(ctx, c, in.Name, w, s)
		if err == nil {
			return out, nil
		}
		// Has somebody else made, changed or deleted it since it was looked up?
		switch asProblem(err).Code {
		case messages.ReasonWebhookName, codeNotFound:
		case codeStale:
			if !anyRevision(in.IfMatch) {
				return nil, err
			}
		default:
			return nil, err
		}
	}
	return nil, problem(codeUnavailable)
}

// namedWebhook finds an endpoint by its name; nil: there is none.
func (a *API) namedWebhook(ctx context.Context, c *call, name string) (*messages.Webhook, error) {
	m := &messages.GetWebhookByName{Owner: c.key.GroupId, Name: name}
	found, err := ask[*messages.WebhookView](ctx, a, messages.KindQuery, "", m)
	if err != nil && asProblem(err).Code == codeNotFound {
		return nil, nil
	}
	return found.GetWebhook(), err
}

// namedSettings are all settings of a named endpoint as a request says them; w is the endpoint as it is, or nil.
func (a *API) namedSettings(ctx context.Context, c *call, w *messages.Webhook, in *namedWebhookInput) (*messages.WebhookSettings, error) {
	s, groupID := defaultSettings(in.Body.URL), c.key.GroupId
	if w != nil {
		s.Headers, s.Enabled, groupID = w.Settings.GetHeaders(), w.Settings.GetEnabled(), w.GroupId
		s.IncludeInternal = w.Settings.GetIncludeInternal() // setFields must know
	}
	fields := in.Body.WebhookFields
	if fields.IncludeInternal == nil {
		fields.IncludeInternal = new(bool)
	}
	if fields.Headers == nil {
		fields.Headers = map[string]string{}
	}
	return s, a.setFields(ctx, c, s, &fields, groupID)
}

func (a *API) putNamed(ctx context.Context, c *call, name string, w *messages.Webhook, s *messages.WebhookSettings) (*namedWebhookOutput, error) {
	if w == nil {
		made, err := a.makeWebhook(ctx, c, name, s)
		if err != nil {
			return nil, err
		}
		return &namedWebhookOutput{Status: http.StatusCreated, Location: webhookLocation(made.Webhook), ETag: webhookETag(made.Webhook),
			Body: NamedWebhook{Webhook: webhookOf(made.Webhook), Secret: made.Secret}}, nil
	}
	if s.Url != w.Settings.GetUrl() {
		if err := a.judgeURL(ctx, s.Url); err != nil {
			return nil, err
		}
	}
	m := &messages.UpdateWebhook{Origin: c.origin(), Settings: s, Revision: w.Revision}
	changed, err := a.askWebhook(ctx, w.WebhookId, m)
	if err != nil {
		return nil, err
	}
	return &namedWebhookOutput{Status: http.StatusOK, ETag: webhookETag(changed.Webhook),
		Body: NamedWebhook{Webhook: webhookOf(changed.Webhook)}}, nil
}

type deleteWebhookInput struct {
	WebhookPath
	IfMatch string `header:"If-Match" maxLength:"1000" doc:"The ETag that the endpoint had when the client read it."`
}

func (a *API) deleteWebhook(ctx context.Context, c *call, in *deleteWebhookInput) (*struct{}, error) {
	w, err := a.webhook(ctx, c, in.ID)
	if err != nil {
		return nil, err
	}
	m := &messages.DeleteWebhook{Origin: c.origin()}
	if !anyRevision(in.IfMatch) {
		if !matches(in.IfMatch, webhookETag(w)) {
			return nil, problem(codeStale)
		}
		m.Revision = w.Revision
	}
	answer, err := a.reply(ctx, messages.KindWebhook, w.WebhookId, m)
	if err != nil {
		return nil, err
	}
	if err := refusedWebhook(answer); err != nil {
		return nil, err
	}
	_, err = replyAs[proto.Message](answer)
	return nil, err
}
