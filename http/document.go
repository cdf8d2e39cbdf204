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

// The document of the API (OpenAPI 3.1), made from the operations.

const (
	// apiVersion counts what programs can see: the last number with every change, the first with one that breaks them.
	apiVersion = "1.0.0"

	securityScheme = "apiKey"

	tagKeys     = "API keys"
	tagPeople   = "People"
	tagGroups   = "Groups"
	tagTickets  = "Tickets"
	tagMessages = "Messages"
)

func document() *huma.OpenAPI {
	return &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info: &huma.Info{
			Title: "Topicdesk", Version: apiVersion,
			Description: "Everything the desk can do, for programs: tickets, their messages and links, people, groups and keys.\n\n" +
				"Authenticate with `Authorization: Bearer td_live_…`. Send an `Idempotency-Key` with each POST, so that it can be repeated safely. " +
				"Errors are `application/problem+json` (RFC 9457) with a stable `code`.",
		},
		Servers: []*huma.Server{{URL: "/", Description: "This service"}},
		Tags: []*huma.Tag{
			{Name: tagTickets, Description: "Support cases, each with a topic of its own in Telegram, and others that are linked to it."},
			{Name: tagMessages, Description: "What is said in tickets."},
			{Name: tagKeys, Description: "Who may do what."},
			{Name: tagPeople, Description: "The people that the desk knows. Those with a default group can be mentioned on tickets."},
			{Name: tagGroups, Description: "The Telegram groups that the bot is in."},
		},
		Components: &huma.Components{
			Headers: answerHeaders(), Examples: map[string]*huma.Example{},
			Schemas: huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer),
			SecuritySchemes: map[string]*huma.SecurityScheme{
				securityScheme: {Type: "http", Scheme: "bearer", BearerFormat: "td_live_…",
					Description: "An API key. The first one is made by `topicdesk apikey create --name N --scopes admin`."},
			},
		},
	}
}

// finish adds to each operation what all have: problems with their codes, headers, examples.
func (a *API) finish() {
	doc := a.huma.OpenAPI()
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
		if success := described.Responses[strconv.Itoa(o.status)]; success != nil {
			success.Description = http.StatusText(o.status)
			if o.media != "" {
				success.Content = map[string]*huma.MediaType{o.media: {Schema: &huma.Schema{Type: "string", Format: "binary"}}}
				if slices.Contains(o.codes, codeRange) {
					described.Responses[strconv.Itoa(http.StatusPartialContent)] = &huma.Response{Description: "Partial Content", Content: success.Content}
				}
			}
			for _, media := range success.Content {
				if o.answer != nil {
					media.Example = o.answer
				}
			}
		}
		if slices.ContainsFunc(described.Parameters, func(p *huma.Param) bool { return p.Name == fiber.HeaderIfNoneMatch }) {
			described.Responses[strconv.Itoa(http.StatusNotModified)] = &huma.Response{Description: "It is as the ETag says."}
		}
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
			shortest, longest := 1, 255
			described.Parameters = append(described.Parameters, &huma.Param{Name: headerIdempotency, In: "header",
				Description: "Makes the request safe to repeat: for 24 hours the same key gets the same answer.",
				Schema:      &huma.Schema{Type: "string", MinLength: &shortest, MaxLength: &longest}, Example: "5f0c9d1e-order-4711"})
		}
	}
}

// problems are the codes of all problems that the operation may have, by status.
func (o *op) problems(described *huma.Operation) map[int][]string {
	codes := append([]string{codeBadRequest, codeUnauthenticated, codeKeyExpired, codeInvalid, codeRateLimited, codeInternal, codeUnavailable}, o.codes...)
	if o.scope != "" {
		codes = append(codes, codeScopeMissing)
	}
	if strings.Contains(o.path, "{") {
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
	var says []string
	for _, code := range codes {
		examples[code] = &huma.Example{Ref: "#/components/examples/" + code}
		says = append(says, "`"+code+"`: "+problemKinds[code].detail)
	}
	r := &huma.Response{
		Description: http.StatusText(status) + "\n\n" + strings.Join(says, "\n\n"),
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

// answerHeaders are those of which the document says the same everywhere.
func answerHeaders() map[string]*huma.Param {
	header := func(what, kind string) *huma.Param {
		return &huma.Param{Description: what, Schema: &huma.Schema{Type: kind}}
	}
	return map[string]*huma.Param{
		headerRequestID:             header("Names the request in the service's log.", "string"),
		headerPolicy:                header("The limit that applies: how many requests (q) in which window of seconds (w).", "string"),
		headerRateLimit:             header("How many requests are left (r), and in how many seconds the allowance is whole again (t).", "string"),
		fiber.HeaderRetryAfter:      header("After how many seconds to ask again.", "integer"),
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

// Document is the API's document: JSON and YAML.
func (a *API) Document() (asJSON, asYAML []byte, err error) {
	if asJSON, err = a.huma.OpenAPI().MarshalJSON(); err != nil {
		return nil, nil, err
	}
	asYAML, err = a.huma.OpenAPI().YAML()
	return asJSON, asYAML, err
}

// serveDocument serves the document to everybody: what the API can do is no secret. It is made when somebody asks for it first, since
// it takes a good part of the time of a start.
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
