package httpedge

import (
	"crypto/rand"
	"log/slog"
	"net/http"
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
	case status >= http.StatusBadRequest: // whoever asks about a requestId finds it
		level = slog.LevelInfo
	}
	s.log.Log(c.UserContext(), level, "request", "method", methodOf(c), "path", c.Path(), "status", status,
		"request", id, "took", time.Since(began))
	return nil
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
