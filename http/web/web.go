package web

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
	"google.golang.org/protobuf/proto"

	"github.com/topicdesk/topicdesk/actors"
	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/tracing"
)

// Desk is what the web desk needs from the actors.
type Desk interface {
	Ask(ctx context.Context, kind, identity string, command proto.Message) (proto.Message, error)
	WatchLog(filter *messages.LogFilter) (woken <-chan struct{}, stop func())
}

// Files opens and takes the bytes of files. They do not travel through actors.
type Files interface {
	AddFile(ctx context.Context, u actors.Upload) (*messages.AttachmentRecord, error)
	FileContent(ctx context.Context, attachmentID string, thumbnail bool) (io.ReadCloser, int64, error)
}

// Options are what a web desk is made of.
type Options struct {
	Desk         Desk
	Files        Files // nil: the service keeps no files
	Log          *slog.Logger
	Now          func() time.Time
	PublicURL    string          // where people reach the desk; "": at the address that they asked for
	SimulatorURL string          // the page of the built-in simulator; "": there is none
	Ending       <-chan struct{} // closed when the service shuts down
	// SignIns limits how often an address fails to sign in. ok: it may try; else it may after wait. failed counts a failure.
	SignIns func(c *fiber.Ctx, failed bool) (wait time.Duration, ok bool)
	// MiniApp reads who opened the desk as a Mini App, and when, from what Telegram has signed; an error: it has not. nil: there
	// is no Mini App.
	MiniApp func(initData string) (*messages.MiniAppOpened, error)
	Tracer  *tracing.Tracer // nil: nothing is traced
	// API carries out a request of an operations page, as if a program with that key had sent it.
	API func(ctx context.Context, r *APIRequest) *APIAnswer
}

// APIRequest is a request to the API from within the process, for a key that was checked.
type APIRequest struct {
	Key       *messages.APIKey
	Form      string // the id of the form that sends it: sent twice, it is one command
	Method    string
	Path      string // below the API's prefix, with the query
	Body      []byte // JSON; nil: none
	RequestID string // of the page's request
}

// APIAnswer is what the API answers, also if that is a refusal.
type APIAnswer struct {
	Status                   int
	ContentType, Disposition string // Disposition is the header Content-Disposition
	Body                     []byte
}

// Site serves the pages.
type Site struct {
	o       Options
	desk    Desk
	log     *slog.Logger
	secure  bool   // whether browsers reach the desk by https
	address string // of PublicURL; "": it is not set
	streams *streams
	known   groupList
	renewed chan struct{} // has who renews a page at the moment
	uploads quotas
	exports exports
}

// Mount adds the pages to app. Where nobody is signed in, / is left to the handler that is added after it.
func Mount(app *fiber.App, o Options) *Site {
	s := &Site{o: o, desk: o.Desk, log: o.Log, streams: newStreams(), renewed: make(chan struct{}, renewedTogether)}
	if u, err := url.Parse(o.PublicURL); err == nil && u.Host != "" {
		s.secure, s.address = u.Scheme == "https", u.Scheme+"://"+u.Host
	}
	app.Get("/static/:name", s.static)
	app.Get(messages.WebSignInPath, s.page(s.offerSignIn))
	app.Post(messages.WebSignInPath, s.page(s.signIn))
	app.Get(messages.WebMiniAppPath, s.page(s.offerMiniApp))
	app.Post(messages.WebMiniAppPath, s.page(s.signInMiniApp))
	app.Get("/", s.page(s.inbox))
	app.Get("/stream", s.page(s.signedIn(s.inboxStream)))
	app.Post(signOutPath, s.page(s.withSession(s.fromOwnPage(s.signOut))))
	app.Get("/tickets/:id", s.page(s.withSession(s.ticketOrOperations)))
	app.Get("/tickets/:id/timeline", s.page(s.signedIn(s.timeline)))
	app.Get("/tickets/:id/stream", s.page(s.signedIn(s.stream)))
	app.Post("/tickets/:id/answer", s.page(s.changing(s.answer)))
	app.Post("/tickets/:id/close", s.page(s.changing(s.close)))
	app.Post("/tickets/:id/reopen", s.page(s.changing(s.reopen)))
	app.Post("/tickets/:id/pending", s.page(s.changing(s.pending)))
	app.Post("/tickets/:id/priority", s.page(s.changing(s.priority)))
	app.Post("/tickets/:id/title", s.page(s.changing(s.retitle)))
	app.Post("/tickets/:id/mention", s.page(s.changing(s.mention)))
	app.Post("/tickets/:id/claim", s.page(s.changing(s.claim)))
	app.Post("/tickets/:id/release", s.page(s.changing(s.release)))
	app.Post("/tickets/:id/assign", s.page(s.changing(s.assign)))
	app.Post("/tickets/:id/retry", s.page(s.changing(s.retry)))
	app.Post("/tickets/:id/files", s.parts(s.changing(s.upload)))
	app.Get("/tickets/:id/export.html", s.page(s.signedIn(s.exportHTML)))
	app.Get("/tickets/:id/export.json", s.page(s.signedIn(s.exportJSON)))
	app.Get("/tickets/:id/people", s.page(s.signedIn(s.people)))
	app.Get("/tickets/:id/team", s.page(s.signedIn(s.team)))
	app.Get("/tickets/:id/versions", s.page(s.signedIn(s.versions)))
	app.Get("/tickets/:id/files/:file", s.page(s.signedIn(s.content)))
	app.Get("/tickets/:id/files/:file/thumbnail", s.page(s.signedIn(s.thumbnail)))
	s.mountOperations(app)
	return s
}

// policy is the content security policy of every page: nothing inline, nothing from elsewhere.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// failure is an error that people see as a page of their own.
type failure struct {
	status int
	text   string // key of the catalogue
	pairs  []any  // for its placeholders
}

func (f *failure) Error() string { return f.text }

var (
	errNowhere     = &failure{status: http.StatusNotFound, text: "not_found"}
	errForged      = &failure{status: http.StatusForbidden, text: "forged"}
	errUnavailable = &failure{status: http.StatusServiceUnavailable, text: "unavailable"}
)

// page makes a handler that sets the headers of a page, and shows errors as pages.
func (s *Site) page(h fiber.Handler) fiber.Handler { return s.pageFor(h, ordinary) }

// parts is page for a form of several parts. The server has read it within the limits of uploads.
func (s *Site) parts(h fiber.Handler) fiber.Handler { return s.pageFor(h, unpacked) }

func (s *Site) pageFor(h fiber.Handler, taken func(*fiber.Ctx) bool) fiber.Handler {
	return func(c *fiber.Ctx) error {
		c.Set(fiber.HeaderContentSecurityPolicy, policy)
		c.Set(fiber.HeaderReferrerPolicy, "same-origin") // with no-referrer, browsers send no Origin with forms
		c.Set(fiber.HeaderCacheControl, "no-store")
		err := error(errForged)
		if taken(c) {
			err = h(c)
		}
		if err == nil {
			return nil
		}
		var refused *refusal
		if errors.As(err, &refused) {
			c.Status(refused.Status)
			return s.render(c, "refused", &view{Data: refused})
		}
		var shown *failure
		if !errors.As(err, &shown) {
			if c.UserContext().Err() == nil {
				s.log.Error("a page of the web desk failed", "path", c.Path(), "error", err)
			}
			shown = errUnavailable
		}
		c.Status(shown.status)
		return s.render(c, "failure", &view{Text: shown.text, Data: shown.pairs})
	}
}

// ordinary says whether a form is sent as our pages send it. A compressed one, or one of several parts, would be unpacked
// without limit.
func ordinary(c *fiber.Ctx) bool {
	return unpacked(c) && len(c.Request().Header.MultipartFormBoundary()) == 0
}

func unpacked(c *fiber.Ctx) bool { return c.Get(fiber.HeaderContentEncoding) == "" }

// view is what every template gets.
type view struct {
	Lang      string
	Title     string
	Session   *session // nil: nobody is signed in
	CSRF      string
	Simulator string
	Text      string // of a page that only says something
	Data      any
}

// T is a text of the catalogue; pairs are names and values of its placeholders.
func (v *view) T(key string, pairs ...any) string { return textOf(v.Lang, key, pairs...) }

// With is the view with other data, for a part of a page.
func (v *view) With(data any) *view {
	part := *v
	part.Data = data
	return &part
}

// Said is the text of a page that only says something.
func (v *view) Said() string {
	pairs, _ := v.Data.([]any)
	return v.T(v.Text, pairs...)
}

// render writes a page. It is made as a whole first, so that a failure leaves no half of one.
func (s *Site) render(c *fiber.Ctx, name string, v *view) error {
	v.Lang, v.Simulator = languageOf(c, v.Session), s.o.SimulatorURL
	if v.Session == nil {
		v.Session, _ = c.Locals(localSession).(*session)
		v.Lang = languageOf(c, v.Session)
	}
	if v.Session != nil {
		v.CSRF = v.Session.csrf()
	}
	var page yielding
	if err := templates().ExecuteTemplate(&page, name, v); err != nil {
		return err
	}
	c.Type("html", "utf-8")
	c.Response().SetBody(page.Bytes()) // a raw body, as of Send, would pass for one that all answers share
	return nil
}

func languageOf(c *fiber.Ctx, of *session) string {
	if of != nil && of.lang != "" {
		return catalogueLang(of.lang)
	}
	return catalogueLang(c.AcceptsLanguages("en", "th"))
}

// ask sends a message to an entity and expects a reply of type T.
func ask[T interface {
	proto.Message
	GetCode() messages.Code
}](ctx context.Context, s *Site, kind, identity string, m proto.Message) (T, error) {
	var none T
	reply, err := s.desk.Ask(ctx, kind, identity, m)
	if err != nil {
		return none, err
	}
	typed, ok := reply.(T)
	if !ok {
		if r, refused := reply.(*messages.Reply); refused && r.Code == messages.Code_NOT_FOUND {
			return none, errNowhere
		}
		return none, errors.New("an entity gave an unexpected reply: " + string(reply.ProtoReflect().Descriptor().Name()))
	}
	switch typed.GetCode() {
	case messages.Code_OK, messages.Code_DUPLICATE, messages.Code_CONFLICT:
		return typed, nil
	case messages.Code_NOT_FOUND, messages.Code_WRONG_TOPIC:
		return none, errNowhere
	}
	return none, errUnavailable
}

// isHTMX says whether a part of a page is asked for, by htmx.
func isHTMX(c *fiber.Ctx) bool { return strings.EqualFold(c.Get("HX-Request"), "true") }
