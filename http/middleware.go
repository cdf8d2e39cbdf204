package httpedge

import (
	"crypto/rand"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"
)

// Names of headers for which Fiber has no constant that we could use.
const (
	headerRequestID = "X-Request-Id"
	headerSecret    = "X-Telegram-Bot-Api-Secret-Token"
)

// localRequestID is where the request's id is kept while it is handled.
const localRequestID = "requestId"

// onRequest wraps every request: it gives it an id, a context and the headers that protect browsers, and logs one
// line.
func (s *Server) onRequest(c *fiber.Ctx) error {
	began := time.Now()
	id := c.Get(headerRequestID)
	if !plainID(id) {
		id = rand.Text()
	}
	c.Locals(localRequestID, id)
	c.Set(headerRequestID, id)
	inside := withinOf(c)
	c.SetUserContext(s.base)
	if inside != nil {
		c.SetUserContext(inside.ctx)
	}
	secure(c)
	err := c.Next()
	if err == nil && inside == nil && !s.answers.hold(c.Response()) {
		err = tooManyAnswers()
	}
	if err != nil { // answer it here, so that the line below knows the status
		if err = s.App.ErrorHandler(c, err); err != nil {
			return err
		}
	}
	level, status := slog.LevelDebug, c.Response().StatusCode()
	switch {
	case status >= http.StatusInternalServerError:
		level = slog.LevelWarn
	case status >= http.StatusBadRequest, changes(c): // whoever asks about a requestId finds it
		level = slog.LevelInfo
	}
	about := []any{"method", methodOf(c), "path", c.Path(), "status", status, "request", id, "took", time.Since(began)}
	if ticket := ticketIn(c); ticket != "" {
		about = append(about, "ticket", ticket)
	}
	if made, ok := c.Locals(localCall).(*call); ok && changes(c) {
		about = append(about, "command", made.commandID)
	}
	s.log.Log(c.UserContext(), level, "request", about...)
	return nil
}

// localCall is where the call of an admitted request is kept until its line is logged.
const localCall = "call"

// changes says whether a request does something other than to read, to speak or to say how far a reader is: of these there
// are too many for the log at info.
func changes(c *fiber.Ctx) bool {
	switch c.Method() {
	case fiber.MethodGet, fiber.MethodHead, fiber.MethodOptions:
		return false
	}
	path := c.Path()
	for _, often := range []string{"/messages", "/notes", "/answer", "/note", "/attachments", "/files", "/commit", "/telegram/webhook"} {
		if strings.HasSuffix(path, often) {
			return false
		}
	}
	return true
}

// ticketIn is the id of the ticket that a request is about, or that it has opened; "": none.
func ticketIn(c *fiber.Ctx) string {
	for _, path := range []string{c.Path(), string(c.Response().Header.Peek(fiber.HeaderLocation))} {
		if _, rest, ok := strings.Cut(path, "/tickets/TICK-"); ok {
			id, _, _ := strings.Cut(rest, "/")
			if plainID(id) {
				return "TICK-" + id
			}
		}
	}
	return ""
}

// secure sets the headers that keep browsers from misusing our answers, unless the answer has its own. Pages set
// their own policy.
func secure(c *fiber.Ctx) {
	h := &c.Response().Header
	for _, kv := range [...][2]string{
		{"X-Content-Type-Options", "nosniff"},
		{"X-Frame-Options", "DENY"},
		{"Referrer-Policy", "no-referrer"},
		{"Cross-Origin-Resource-Policy", "same-origin"},
		{"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"},
		{"Cache-Control", "no-store"},
	} {
		if len(h.Peek(kv[0])) == 0 {
			h.Set(kv[0], kv[1])
		}
	}
}

func requestID(c *fiber.Ctx) string {
	id, _ := c.Locals(localRequestID).(string)
	return id
}

// plainID reports whether the request id that a client sent may be used: short, and harmless in a log.
func plainID(id string) bool {
	if id == "" || len(id) > 64 {
		return false
	}
	for i := range len(id) {
		b := id[i]
		if !(b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || b == '-' || b == '_' || b == '.') {
			return false
		}
	}
	return true
}
