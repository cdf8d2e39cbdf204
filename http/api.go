package httpedge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humafiber"
	"github.com/gofiber/fiber/v2"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors"
	"github.com/topicdesk/topicdesk/http/web"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/tracing"
	"github.com/topicdesk/topicdesk/view"
)

// apiPrefix begins the path of every operation.
const apiPrefix = view.APIPrefix

// Desk is what the API needs from the actors.
type Desk interface {
	Ask(ctx context.Context, kind, identity string, command proto.Message) (proto.Message, error)
	// WatchLog wakes a reader of the log of events when there is something new for it.
	WatchLog(filter *messages.LogFilter) (woken <-chan struct{}, stop func())
	// TestWebhook sends an endpoint the example of a type of event. An error says that it could not be tried.
	TestWebhook(ctx context.Context, webhookID, eventType string) (*messages.WebhookTested, error)
	// PreviewWebhook makes the request for that example with these templates, and sends nothing. templates nil: the endpoint's.
	PreviewWebhook(ctx context.Context, webhookID, eventType string, templates json.RawMessage) (*messages.WebhookTested, error)
	// JudgeURL says whether a webhook may have a URL, and may ask DNS for that.
	JudgeURL(ctx context.Context, url string) error
	// Nodes says how each node of the desk is, by address.
	Nodes(ctx context.Context) []*messages.NodeStatus
}

// APIOptions are what an API is made of.
type APIOptions struct {
	Desk    Desk
	Files   Files                 // nil: the service keeps no files
	Log     *slog.Logger          // nil: slog.Default
	Metrics prometheus.Registerer // nil: none are kept
	Tracer  *tracing.Tracer       // nil: nothing is traced
	Now     func() time.Time      // nil: time.Now

	// AddressRate is how many requests per second one address may send, on average, and AddressBurst how many in one
	// burst; they are counted before the key is checked. 0: no limit.
	AddressRate, AddressBurst int
	FailedBurst               int      // how many failures to authenticate an address may have in one burst; 0: 50
	CORSOrigins               []string // whose pages may call the API; none: only the service's own pages

	SimulatorURL string // the page of the built-in simulator; "": there is none
	PublicURL    string // where people reach the web desk; "": at the address that they asked for
	// MiniApp reads who opened the web desk as a Mini App, and when; an error: Telegram has not signed it. nil: there is none.
	MiniApp func(initData string) (*messages.MiniAppOpened, error)
}

// API is the desk for programs: operations that send messages to actors.
type API struct {
	o       APIOptions
	desk    Desk
	log     *slog.Logger
	now     func() time.Time
	huma    huma.API
	ending  <-chan struct{} // closed when the service shuts down
	metrics *apiMetrics
	known   *knownKeys
	address *addressLimits
	guesses *addressLimits // wrong keys
	failing *addressLimits // other failures to authenticate
	ops     []*op

	lists, searches, reports, previews chan struct{} // those in progress
	feeds                              *feedReaders
}

// call is one authenticated request: its key, and the id of the command that it becomes.
type call struct {
	key        *messages.APIKey
	token      string // the key itself, as it was sent
	commandID  string
	repeatable bool // the command gets the same id when the request is sent again
	now        time.Time
}

// op describes one operation. It leaves out what all operations have in common: authentication, limits, faults.
type op struct {
	id, method, path string // path is below apiPrefix, with {name} for parameters
	tag, summary     string
	description      string
	scope            string   // "": any key may call it
	status           int      // of success; 0: 200
	created          bool     // success may also be a 201, with a Location
	codes            []string // problems besides those that every operation may have
	request, answer  any      // examples
	sealed           bool     // the answer holds a secret, so it is kept encrypted
	bodyLimit        int64    // bytes; 0: 1 MB
	media            string   // the type of an answer that is not JSON
	middlewares      huma.Middlewares
}

// NewAPI adds the API, its documentation and its limits to the server. Call it before Start.
func NewAPI(s *Server, o APIOptions) *API {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	a := &API{
		o: o, desk: o.Desk, log: o.Log, now: o.Now, metrics: newAPIMetrics(o.Metrics), known: newKnownKeys(),
		lists: make(chan struct{}, listsAtOnce), searches: make(chan struct{}, searchesAtOnce),
		reports: make(chan struct{}, reportsAtOnce), previews: make(chan struct{}, previewsAtOnce), feeds: newFeedReaders(),
	}
	a.address = newAddressLimits(float64(o.AddressRate), float64(o.AddressBurst))
	if o.FailedBurst == 0 {
		o.FailedBurst = failedBurst
	}
	a.guesses = newAddressLimits(failedPerSecond, float64(o.FailedBurst))
	a.failing = newAddressLimits(failedPerSecond, float64(o.FailedBurst))
	s.mayUpload, s.health.admit, a.ending = a.mayUpload, a.admit, s.ending
	s.App.Use(apiPrefix, a.cors(), a.guard)
	config := huma.Config{
		OpenAPI:       document(),
		Formats:       map[string]huma.Format{"application/json": jsonFormat, "json": jsonFormat},
		DefaultFormat: "application/json", RejectUnknownQueryParameters: true,
		Transformers: []huma.Transformer{nameRequest},
	}
	a.huma = humafiber.NewV2(s.App, config)
	a.huma.UseMiddleware(a.measure, a.authenticate, a.authorize, a.once)
	a.operations()
	headLikeGet(s.App)
	a.finish()
	a.serveDocument(s.App)
	serveSwagger(s.App)
	site := web.Options{Desk: o.Desk, Log: o.Log, Now: o.Now, PublicURL: o.PublicURL, SimulatorURL: o.SimulatorURL,
		Ending: s.ending, SignIns: newAddressLimits(failedPerSecond, float64(o.FailedBurst)).failures(o.Now), Tracer: o.Tracer, MiniApp: o.MiniApp,
		API: a.within(s.App)}
	if o.Files != nil {
		site.Files = o.Files
	}
	s.site = web.Mount(s.App, site)
	serveLanding(s.App, o.SimulatorURL)
	return a
}

// operations registers all operations.
func (a *API) operations() {
	a.meOperations()
	a.keyOperations()
	a.userOperations()
	a.groupOperations()
	a.ticketOperations()
	a.messageOperations()
	a.noteOperations()
	a.retryOperations()
	a.eventOperations()
	a.feedOperations()
	a.eventTypeOperations()
	a.webhookOperations()
	a.linkOperations()
	a.attachmentOperations()
	a.nodeOperations()
	a.monitoringOperations()
	a.monitoringStateOperations()
	a.reportOperations()
	a.errorOperations()
	a.problemOperations()
}

// nameRequest adds the request's id to problems that huma writes.
func nameRequest(ctx huma.Context, _ string, v any) (any, error) {
	if p, ok := v.(*Problem); ok {
		named := *p
		named.RequestID = requestID(humafiber.UnwrapV2(ctx))
		return &named, nil
	}
	return v, nil
}

// register adds one operation. f is called for authenticated, valid requests. Its error is a *Problem, or a fault of
// the service.
func register[I, O any](a *API, o op, f func(ctx context.Context, c *call, in *I) (*O, error)) {
	if o.status == 0 {
		o.status = http.StatusOK
	}
	a.ops = append(a.ops, &o)
	operation := huma.Operation{
		OperationID: o.id, Method: o.method, Path: apiPrefix + o.path, Tags: []string{o.tag}, Summary: o.summary,
		Description: o.describe(), DefaultStatus: o.status, MaxBodyBytes: o.bodyLimit,
		Security: []map[string][]string{{securityScheme: o.scopes()}}, Metadata: map[string]any{"op": &o},
		Middlewares: append(append(huma.Middlewares{a.conditionsTaken}, o.middlewares...), a.queryValues, a.noBody, a.noNulls),
		Errors:      []int{http.StatusInternalServerError},
	}
	huma.Register(a.huma, operation, func(ctx context.Context, in *I) (*O, error) {
		c, ok := ctx.Value(callKey{}).(*call)
		if !ok {
			return nil, problem(codeInternal)
		}
		out, err := f(ctx, c, in)
		if err != nil {
			return nil, a.problemOf(ctx, o.id, err)
		}
		return out, nil
	})
}

func (o *op) scopes() []string {
	if o.scope == "" {
		return []string{}
	}
	return []string{o.scope}
}

type callKey struct{}

// opOf is the description that register got of an operation.
func opOf(ctx huma.Context) *op { return ctx.Operation().Metadata["op"].(*op) }

// problemOf turns an error into what the client sees. An error that is not a *Problem is a fault of the service, and
// its text stays in the log.
func (a *API) problemOf(ctx context.Context, operation string, err error) *Problem {
	var p *Problem
	if !errors.As(err, &p) {
		a.log.ErrorContext(ctx, "an operation failed", "operation", operation, "error", err)
		p = problem(codeInternal)
	}
	return p
}

// fail ends a request with an error, in a middleware.
func (a *API) fail(ctx huma.Context, err error) {
	a.refuse(ctx, a.problemOf(ctx.Context(), ctx.Operation().OperationID, err))
}

// refuse ends a request with a problem, in a middleware.
func (a *API) refuse(ctx huma.Context, p *Problem) {
	c := humafiber.UnwrapV2(ctx)
	if err := sendProblem(c, p); err != nil {
		a.log.Error("a problem could not be sent", "error", err)
	}
	ctx.SetStatus(p.Status)
}

// guard enforces the limit of the address, and refuses requests that huma can't handle.
func (a *API) guard(c *fiber.Ctx) error {
	if withinOf(c) != nil {
		return c.Next()
	}
	if left, wait := a.address.take(c, a.now()); left < 0 {
		a.metrics.limited.WithLabelValues("address").Inc()
		return beyond(c, a.address, wait)
	} else if a.address.rate > 0 {
		a.address.headers(c, left)
	}
	if _, err := url.Parse(string(c.Request().RequestURI())); err != nil {
		return problem(codeBadRequest, "The address is not well-formed.")
	}
	if _, err := url.ParseQuery(string(c.Request().URI().QueryString())); err != nil {
		return problem(codeBadRequest, "The query is not well-formed.")
	}
	if encoding := c.Get(fiber.HeaderContentEncoding); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return problem(codeMediaType) // a compressed body would be expanded without limit
	}
	return c.Next()
}

// measure counts and times requests of programs.
func (a *API) measure(ctx huma.Context, next func(huma.Context)) {
	began := time.Now()
	next(ctx)
	if withinOf(humafiber.UnwrapV2(ctx)) != nil {
		return
	}
	id, status := ctx.Operation().OperationID, humafiber.UnwrapV2(ctx).Response().StatusCode()
	a.metrics.requests.WithLabelValues(id, strconv.Itoa(status)).Inc()
	a.metrics.seconds.WithLabelValues(id).Observe(time.Since(began).Seconds())
}

// authorize refuses a request whose key lacks the operation's scope.
func (a *API) authorize(ctx huma.Context, next func(huma.Context)) {
	c := ctx.Context().Value(callKey{}).(*call)
	if o := opOf(ctx); o.scope != "" && !messages.ScopeAllows(c.key.Scopes, o.scope) {
		a.refuse(ctx, problem(codeScopeMissing, "This API key does not have the scope "+o.scope+"."))
		return
	}
	next(ctx)
}

// ask sends a command or a question to an entity and expects a reply of type T. A refusal is a *Problem.
func ask[T proto.Message](ctx context.Context, a *API, kind, identity string, m proto.Message) (T, error) {
	answer, err := a.reply(ctx, kind, identity, m)
	if err != nil {
		return *new(T), err
	}
	return replyAs[T](answer)
}

// reply sends a command or a question to an entity and returns what it says, refusals too.
func (a *API) reply(ctx context.Context, kind, identity string, m proto.Message) (proto.Message, error) {
	answer, err := a.desk.Ask(ctx, kind, identity, m)
	switch {
	case errors.Is(err, messages.ErrFault):
		return nil, problem(codeInternal)
	case errors.Is(err, actors.ErrNotAccepted), errors.Is(err, actors.ErrNoAnswer), errors.Is(err, context.Canceled):
		a.log.WarnContext(ctx, "an entity did not carry out a request", "kind", kind, "id", identity, "error", err)
		return nil, problem(codeUnavailable)
	}
	return answer, err
}

// replyAs is a reply as what was expected, or as a *Problem, if it is a refusal.
func replyAs[T proto.Message](answer proto.Message) (T, error) {
	var none T
	if coded, ok := answer.(interface{ GetCode() messages.Code }); ok {
		reason := ""
		if r, ok := answer.(interface{ GetReason() string }); ok {
			reason = r.GetReason()
		}
		if err := refusal(coded.GetCode(), reason); err != nil {
			return none, err
		}
	}
	typed, ok := answer.(T)
	if !ok {
		return none, fmt.Errorf("an entity gave an unexpected reply: %s", answer.ProtoReflect().Descriptor().Name())
	}
	return typed, nil
}

// origin is the origin of a command that came through the API.
func (c *call) origin() *messages.Origin {
	return &messages.Origin{
		CommandId: c.commandID, DateMs: c.now.UnixMilli(), ReceivedMs: c.now.UnixMilli(),
		Sender: &messages.Sender{Kind: messages.Sender_API_KEY, Name: c.key.Name, KeyId: c.key.KeyId},
	}
}

// originBy is origin under the name that a request gives the author; without visible text, under the key's.
func (c *call) originBy(author string) *messages.Origin {
	o := c.origin()
	if author := messages.CleanLine(author); !messages.Blank(author) { // one line, which nobody takes for the text below
		o.Sender.Name = author
	}
	return o
}

// sees reports whether the key may see what belongs to a group.
func (c *call) sees(groupID string) bool { return c.key.GroupId == "" || c.key.GroupId == groupID }

// place finds the place of a group by its Telegram id. A group that the key can't see is not found.
func (a *API) place(ctx context.Context, c *call, telegramID int64) (string, error) {
	m := &messages.GetGroupRecord{ChatId: telegramID}
	found, err := ask[*messages.GroupRecord](ctx, a, messages.KindQuery, "", m)
	if err != nil {
		return "", err
	}
	if !c.sees(found.GroupId) {
		return "", problem(codeNotFound)
	}
	return found.GroupId, nil
}

// describe is the operation's description in the document.
func (o *op) describe() string {
	text := o.description
	if o.scope != "" {
		text += "\n\nScope: `" + o.scope + "`"
	}
	return text
}
