package httpedge

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/adaptor"
	"github.com/gofiber/fiber/v2/middleware/recover"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/valyala/fasthttp"

	"github.com/topicdesk/topicdesk/http/web"
	"github.com/topicdesk/topicdesk/messages"
)

// Options are what a Server is made of.
type Options struct {
	// Webhook receives one update from Telegram and returns the HTTP status (bot.Webhook.Serve). body is valid only
	// during the call. nil: the route answers 404.
	Webhook func(ctx context.Context, body []byte, secret string) (status int)
	Checks  []Check // what /readyz checks
	// Nodes says how each node of the desk is, for /readyz?verbose, which answers it to programs on this machine. nil: to
	// nobody.
	Nodes    func(ctx context.Context) []*messages.NodeStatus
	Gatherer prometheus.Gatherer // what /metrics shows; nil: the route answers 404
	Log      *slog.Logger        // nil: slog.Default

	// BodyLimit is the largest body of a request to path, in bytes. Larger ones are answered with 413. nil: 1 MB, and
	// 50 MB where a file is uploaded.
	BodyLimit    func(method, path string) int
	ReadTimeout  time.Duration // for a whole request to arrive; 0: 15 s
	WriteTimeout time.Duration // for a whole response to leave; 0: 60 s
	IdleTimeout  time.Duration // between requests; 0: 75 s
	Connections  int           // how many connections are open together; 0: 10,000
	UploadMemory int64         // how many bytes of uploads are in memory together; 0: 256 MB
	AnswerMemory int64         // how many bytes of large answers wait for their clients together; 0: 64 MB
}

const (
	defaultBodyLimit    = 1 << 20
	defaultReadTimeout  = 15 * time.Second
	defaultWriteTimeout = 60 * time.Second
	defaultIdleTimeout  = 75 * time.Second
	maxConnections      = 10_000
	maxHeaderBytes      = 16 << 10
	uploadTime          = 5 * time.Minute // for a file of 50 MB to arrive
)

// Server serves HTTP on one listener. Add routes to App before Start.
type Server struct {
	App *fiber.App

	o      Options
	log    *slog.Logger
	base   context.Context // of every request; ends when a shutdown runs out of time
	cancel context.CancelFunc
	ending chan struct{} // closed when a shutdown begins: requests that only wait then answer
	health *health

	mayUpload func(authorization string) bool // whether the service reads large bodies for that key; nil: for no key
	site      *web.Site                       // for whose sessions it reads them, too; nil: there is none
	uploads   *uploads
	answers   *answers

	mu       sync.Mutex
	listener *listener
	served   chan struct{} // closed when serving has ended
	stopped  bool
	failed   chan error
}

// New makes a server with the routes of every service. It does not listen yet.
func New(o Options) *Server {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	s := &Server{o: o, log: o.Log, failed: make(chan error, 1), ending: make(chan struct{}),
		health: newHealth(o.Checks, o.Nodes, o.Log)}
	s.uploads = newUploads(or(o.UploadMemory, uploadMemory))
	s.answers = newAnswers(or(o.AnswerMemory, answerMemory))
	s.base, s.cancel = context.WithCancel(context.Background())
	s.App = fiber.New(fiber.Config{
		AppName:               "topicdesk",
		DisableStartupMessage: true,
		Immutable:             true, // handlers pass what they read on to actors, so Fiber must not reuse it
		UnescapePath:          true,
		BodyLimit:             defaultBodyLimit,
		ReadBufferSize:        maxHeaderBytes,
		Concurrency:           max(maxConnections, o.Connections), // the listener has fewer
		ReadTimeout:           or(o.ReadTimeout, defaultReadTimeout),
		WriteTimeout:          or(o.WriteTimeout, defaultWriteTimeout),
		IdleTimeout:           or(o.IdleTimeout, defaultIdleTimeout),
		ErrorHandler:          s.onError,
	})
	s.App.Server().ConnState = onState
	s.limits(s.App.Server())
	s.App.Use(s.onRequest, recover.New(recover.Config{EnableStackTrace: true, StackTraceHandler: s.onPanic}))
	s.App.Get("/healthz", s.health.live)
	s.App.Get("/readyz", s.health.ready)
	if o.Gatherer != nil {
		options := promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError}
		s.App.Get("/metrics", adaptor.HTTPHandler(promhttp.HandlerFor(o.Gatherer, options)))
	}
	if o.Webhook != nil {
		s.App.Post("/telegram/webhook", s.webhook)
	}
	return s
}

func or[T ~int64](given, otherwise T) T {
	if given > 0 {
		return given
	}
	return otherwise
}

// limits sets the largest body of each request. It also makes sure that a client sees the answer to a request that
// was not read to its end: closing a connection with unread bytes would reset it.
func (s *Server) limits(server *fasthttp.Server) {
	server.HeaderReceived = func(h *fasthttp.RequestHeader) fasthttp.RequestConfig {
		path, _, _ := strings.Cut(string(h.RequestURI()), "?")
		switch {
		case s.o.BodyLimit != nil:
			return fasthttp.RequestConfig{MaxRequestBodySize: s.o.BodyLimit(string(h.Method()), path)}
		}
		if from := s.uploader(h, path); from != nil {
			// Of what is refused the body is too large, and the ErrorHandler answers why.
			return fasthttp.RequestConfig{MaxRequestBodySize: s.uploads.begin(h, from), ReadTimeout: uploadTime}
		}
		return fasthttp.RequestConfig{}
	}
	answer := server.ErrorHandler
	server.ErrorHandler = func(c *fasthttp.RequestCtx, err error) {
		if conn, ok := c.Conn().(*conn); ok {
			conn.linger.Store(true)
		}
		if p := s.uploads.end(&c.Request.Header); p != nil && errors.Is(err, fasthttp.ErrBodyTooLarge) {
			f := s.App.AcquireCtx(c)
			defer s.App.ReleaseCtx(f)
			if err = s.refuseUpload(f, p); err == nil {
				return
			}
		}
		answer(c, err)
	}
	handle := server.Handler
	server.Handler = func(c *fasthttp.RequestCtx) {
		s.uploads.arrived(&c.Request.Header)
		defer func() { _ = s.uploads.end(&c.Request.Header) }() // its body came, so there is nothing to refuse
		known(c)
		handle(c)
	}
}

// uploader says who brings a file with a request; nil: nobody for whom large bodies are read.
func (s *Server) uploader(h *fasthttp.RequestHeader, path string) *uploader {
	method := string(h.Method())
	switch {
	case isUpload(method, path):
		authorization := string(h.Peek(fiber.HeaderAuthorization))
		if s.mayUpload == nil || !s.mayUpload(authorization) {
			return nil
		}
		key, _ := messages.APIKeyID(bearer(authorization))
		return &uploader{name: "key " + key}
	case web.IsUpload(method, path) && s.site != nil:
		who, ok := s.site.MayUpload(string(h.Cookie(s.site.Cookie())))
		switch {
		case !ok:
			return nil
		case who.Key != "":
			return &uploader{name: "key " + who.Key}
		}
		return &uploader{name: "user " + strconv.FormatInt(who.Person, 10), person: true,
			count: func() (time.Duration, bool) { return s.site.CountUpload(who.Person) }}
	}
	return nil
}

// refuseUpload answers a request whose body was not read: programs with a problem, people in words.
func (s *Server) refuseUpload(c *fiber.Ctx, p *Problem) error {
	if s.site == nil || !web.IsUpload(c.Method(), c.Path()) {
		return sendProblem(c, p)
	}
	secure(c)
	for name, values := range p.headers {
		c.Set(name, values[0])
	}
	return s.site.RefuseUpload(c, p.Status)
}

// Start serves on ln and returns immediately. Starting twice, or after a shutdown, is an error, and closes ln.
func (s *Server) Start(ln net.Listener) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped || s.listener != nil {
		return errors.Join(errors.New("http: started before"), ln.Close())
	}
	most := s.o.Connections
	if most <= 0 {
		most = maxConnections
	}
	s.listener = newListener(ln, most, s.log)
	s.served = make(chan struct{})
	go func(l *listener, served chan struct{}) {
		defer close(served)
		err := s.App.Listener(l)
		if l.closed() {
			return
		}
		if err == nil {
			err = errors.New("listener ended")
		}
		s.failed <- fmt.Errorf("http: %w", err)
	}(s.listener, s.served)
	return nil
}

// Failed delivers an error if serving ends without a shutdown.
func (s *Server) Failed() <-chan error { return s.failed }

// Unready has /readyz say from now on that the service stops, while it serves on.
func (s *Server) Unready() { s.health.stop() }

// Shutdown accepts no more requests and waits for those in progress. If ctx ends first, their contexts end, too, and
// their connections are closed. Further calls do the same, and return nil when nothing is left to stop.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.stopped {
		close(s.ending)
	}
	s.stopped = true
	s.health.stop()
	defer s.cancel()
	if s.listener == nil {
		return nil
	}
	_ = s.listener.Close() // first: fasthttp forgets a listener that it is not serving yet
	s.listener.closeFresh()
	err := s.App.ShutdownWithContext(ctx)
	if err != nil && ctx.Err() != nil {
		s.cancel()
		s.listener.closeAll()
		err = fmt.Errorf("http: requests were still in progress: %w", ctx.Err())
	}
	<-s.served
	s.listener = nil
	return err
}

func (s *Server) onPanic(c *fiber.Ctx, e any) {
	s.log.Error("panic in a request", "method", c.Method(), "path", c.Path(), "request", requestID(c),
		"panic", e, "stack", string(debug.Stack()))
}
