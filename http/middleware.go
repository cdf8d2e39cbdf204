package httpedge

import (
	"crypto/rand"
	"log/slog"
	"net/http"
	"time"

	"github.com/gofiber/fiber/v2"
)

// Names of headers that net/http and fiber do not have as constants, or not both.
const (
	headerRequestID = "X-Request-Id"
	headerSecret    = "X-Telegram-Bot-Api-Secret-Token"
)

// localRequestID is where the request's id is kept while it is handled.
const localRequestID = "requestId"

// onRequest surrounds every request: its id, its context, the headers that protect browsers, one line in the log.
func (s *Server) onRequest(c *fiber.Ctx) error {
	began := time.Now()
	id := c.Get(headerRequestID)
	if !plainID(id) {
		id = rand.Text()
	}
	c.Locals(localRequestID, id)
	c.Set(headerRequestID, id)
	c.SetUserContext(s.base)
	secure(c)
	err := c.Next()
	if err != nil { // word it here, so that the line below knows the status
		if err = s.App.ErrorHandler(c, err); err != nil {
			return err
		}
	}
	level := slog.LevelDebug
	if c.Response().StatusCode() >= http.StatusInternalServerError {
		level = slog.LevelWarn
	}
	s.log.Log(s.base, level, "request", "method", methodOf(c), "path", c.Path(), "status", c.Response().StatusCode(), "request", id, "took", time.Since(began))
	return nil
}

// secure sets what keeps browsers from making something else of our answers. Pages set a policy of their own over it.
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

// plainID says whether a client's own request id may be taken over: short, and harmless in a log.
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
