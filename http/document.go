package httpedge

import (
	"net/http"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"
)

// This file makes the API's document (OpenAPI 3.1) from the operations.

const (
	// apiVersion counts the changes that programs can see: the last number grows with each, the first with one that
	// breaks programs.
	apiVersion = "1.0.13"

	securityScheme = "apiKey"

	tagKeys     = "API keys"
	tagPeople   = "People"
	tagGroups   = "Groups"
	tagTickets  = "Tickets"
	tagEvents   = "Events"
	tagMessages = "Messages"
	tagWebhooks = "Webhooks"
	tagNodes    = "Nodes"

	tagMonitoring = "Monitoring"
	tagReports    = "Reports"
)

func document() *huma.OpenAPI {
	return &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info: &huma.Info{
			Title: "Topicdesk", Version: apiVersion,
			Description: "Everything the desk can do, for programs: tickets with their messages and links, events, webhooks, " +
				"people, groups and API keys.\n\nThe version counts the API's changes and is not the program's: its last number grows with " +
				"each change that programs can see, its first with one that breaks them.\n\nAuthenticate with `Authorization: Bearer td_live_…`. Send an `Idempotency-Key` with each " +
				"POST, so that you can repeat it safely. Errors are `application/problem+json` (RFC 9457) with a stable `code`.",
		},
		Servers: []*huma.Server{{URL: "/", Description: "This service"}},
		Tags: []*huma.Tag{
			{Name: tagTickets, Description: "Support cases. Each has a home topic in Telegram, and may have linked topics."},
			{Name: tagMessages, Description: "The messages and files of tickets."},
			{Name: tagEvents, Description: "What happens at the desk, for programs that follow it."},
			{Name: tagWebhooks, Description: "Endpoints to which events are delivered, and what became of each event there."},
			{Name: tagKeys, Description: "The keys of programs: what each may do, and how often."},
			{Name: tagPeople, Description: "The people that the desk knows. Those with a default group can be mentioned."},
			{Name: tagGroups, Description: "The Telegram groups that the bot is in."},
			{Name: tagNodes, Description: "The processes that share the desk."},
			{Name: tagReports, Description: "How the desk does its work: how fast tickets are answered and closed, and how much is done."},
			{Name: tagMonitoring, Description: "How the desk does, what goes wrong there, and what to do about it."},
		},
		Components: &huma.Components{
			Headers: answerHeaders(), Examples: map[string]*huma.Example{},
			Schemas: huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer),
			SecuritySchemes: map[string]*huma.SecurityScheme{
				securityScheme: {Type: "http", Scheme: "bearer", BearerFormat: "td_live_…",
					Description: "An API key. `topicdesk apikey create --name N --scopes admin` creates the first one."},
			},
		},
	}
}

// finish adds to each operation what all operations have: problems with their codes, headers, examples.
func (a *API) finish() {
	doc := a.huma.OpenAPI()
	a.describeEvents()
	for _, o := range a.ops {
		described := operationOf(doc.Paths[apiPrefix+o.path], o.method)
		for status := range described.Responses {
			if n, err := strconv.Atoi(status); err != nil || n >= http.StatusBadRequest {
				delete(described.Responses, status)
			}
		}
		for status, codes := range o.problems(described) {
			described.Responses[strconv.Itoa(status)] = problemResponse(status, codes)
			for _, code := range codes {
				doc.Components.Examples[code] = problemExample(code)
			}
		}
		o.describeSuccess(described)
		for _, response := range described.Responses {
			for _, name := range []string{headerRequestID, headerPolicy, headerRateLimit} {
				addHeader(response, name)
			}
		}
		if described.RequestBody != nil && o.request != nil {
			for _, media := range described.RequestBody.Content {
				media.Example = o.request
			}
		}
		if o.method == http.MethodPost {
			described.Parameters = append(described.Parameters, idempotencyParam())
		}
	}
}

// describeSuccess describes the responses that are no problems.
func (o *op) describeSuccess(described *huma.Operation) {
	if success := described.Responses[strconv.Itoa(o.status)]; success != nil {
		success.Description = http.StatusText(o.status)
		if o.media != "" {
			content := &huma.Schema{Type: "string", Format: "binary"}
			success.Content = map[string]*huma.MediaType{o.media: {Schema: content}}
			if slices.Contains(o.codes, codeRange) {
				partial := &huma.Response{Description: "Partial Content", Content: success.Content}
				described.Responses[strconv.Itoa(http.StatusPartialContent)] = partial
			}
		}
		for _, media := range success.Content {
			if o.answer != nil {
				media.Example = o.answer
			}
		}
	}
	if success := described.Responses[strconv.Itoa(o.status)]; o.created && success != nil {
		made := *success
		made.Description = http.StatusText(http.StatusCreated)
		described.Responses[strconv.Itoa(http.StatusCreated)] = &made
	}
	conditional := func(p *huma.Param) bool { return p.Name == fiber.HeaderIfNoneMatch }
	if slices.ContainsFunc(described.Parameters, conditional) {
		unchanged := &huma.Response{Description: "It still has that ETag."}
		described.Responses[strconv.Itoa(http.StatusNotModified)] = unchanged
	}
}

func idempotencyParam() *huma.Param {
	shortest, longest := 1, 255
	return &huma.Param{
		Name: headerIdempotency, In: "header", Example: "5f0c9d1e-order-4711",
		Description: "Makes the request safe to repeat. For 24 hours, the same request with the same key gets the same " +
			"answer.",
		Schema: &huma.Schema{Type: "string", MinLength: &shortest, MaxLength: &longest},
	}
}

// problems returns the codes of all problems that the operation may have, by status.
func (o *op) problems(described *huma.Operation) map[int][]string {
	codes := append([]string{codeBadRequest, codeUnauthenticated, codeKeyExpired, codeInvalid, codeRateLimited,
		codeInternal, codeUnavailable}, o.codes...)
	if o.scope != "" {
		codes = append(codes, codeScopeMissing)
	}
	if strings.Contains(o.path, "{") && !o.created {
		codes = append(codes, codeNotFound)
	}
	if described.RequestBody != nil {
		codes = append(codes, codeInvalidJSON, codeTooLarge, codeMediaType)
	}
	if o.method == http.MethodPost {
		codes = append(codes, codeInProgress, codeKeyReused)
		if o.sealed {
			codes = append(codes, codeAnswerSealed)
		}
	}
	by := map[int][]string{}
	for _, code := range codes {
		status := problemKinds[code].status
		if !slices.Contains(by[status], code) {
			by[status] = append(by[status], code)
		}
	}
	return by
}

func problemResponse(status int, codes []string) *huma.Response {
	sort.Strings(codes)
	examples := map[string]*huma.Example{}
	var meanings []string
	for _, code := range codes {
		examples[code] = &huma.Example{Ref: "#/components/examples/" + code}
		meanings = append(meanings, "`"+code+"`: "+problemKinds[code].detail)
	}
	r := &huma.Response{
		Description: http.StatusText(status) + "\n\n" + strings.Join(meanings, "\n\n"),
		Content: map[string]*huma.MediaType{problemMedia: {
			Schema: &huma.Schema{Ref: "#/components/schemas/Problem"}, Examples: examples,
		}},
	}
	switch status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		addHeader(r, fiber.HeaderRetryAfter)
	case http.StatusUnauthorized:
		addHeader(r, fiber.HeaderWWWAuthenticate)
	}
	return r
}

// answerHeaders are the headers that mean the same in every answer; the document describes them once.
func answerHeaders() map[string]*huma.Param {
	header := func(what, kind string) *huma.Param {
		return &huma.Param{Description: what, Schema: &huma.Schema{Type: kind}}
	}
	return map[string]*huma.Param{
		headerRequestID:             header("The id of the request, as the service's log names it.", "string"),
		headerPolicy:                header("The limit that applies: q requests in w seconds.", "string"),
		headerRateLimit:             header("r requests are left; all are available again in t seconds.", "string"),
		fiber.HeaderRetryAfter:      header("How many seconds to wait before the next attempt.", "integer"),
		fiber.HeaderWWWAuthenticate: header("Bearer", "string"),
	}
}

// problemExample is a problem of the code.
func problemExample(code string) *huma.Example {
	p := *problem(code)
	p.RequestID = "K7C2M4Q3X5AD3H5"
	return &huma.Example{Summary: p.Detail, Value: p}
}

func addHeader(r *huma.Response, name string) {
	if r.Headers == nil {
		r.Headers = map[string]*huma.Param{}
	}
	r.Headers[name] = &huma.Param{Ref: "#/components/headers/" + name}
}

func operationOf(item *huma.PathItem, method string) *huma.Operation {
	switch method {
	case http.MethodGet:
		return item.Get
	case http.MethodPost:
		return item.Post
	case http.MethodPut:
		return item.Put
	case http.MethodPatch:
		return item.Patch
	}
	return item.Delete
}

// Document returns the API's document, as JSON and as YAML.
func (a *API) Document() (asJSON, asYAML []byte, err error) {
	if asJSON, err = a.huma.OpenAPI().MarshalJSON(); err != nil {
		return nil, nil, err
	}
	asYAML, err = a.huma.OpenAPI().YAML()
	return asJSON, asYAML, err
}

// serveDocument serves the document to everyone: what the API can do is no secret. The first request makes it,
// because making it at the start would take a good part of the start's time.
func (a *API) serveDocument(app *fiber.App) {
	type texts struct {
		json, yaml []byte
		err        error
	}
	made := sync.OnceValue(func() (d texts) {
		d.json, d.yaml, d.err = a.Document()
		return d
	})
	app.Get("/openapi.json", a.cors(), func(c *fiber.Ctx) error {
		d := made()
		if d.err != nil {
			return d.err
		}
		c.Set(fiber.HeaderContentType, "application/openapi+json")
		return c.Send(d.json)
	})
	app.Get("/openapi.yaml", a.cors(), func(c *fiber.Ctx) error {
		d := made()
		if d.err != nil {
			return d.err
		}
		c.Set(fiber.HeaderContentType, "application/openapi+yaml")
		return c.Send(d.yaml)
	})
}
