package httpedge

import (
	"errors"
	"net/http"

	"github.com/gofiber/fiber/v2"
)

// Problem is an error as clients see it (RFC 9457, application/problem+json).
type Problem struct {
	Type      string `json:"type"`
	Title     string `json:"title"`
	Status    int    `json:"status"`
	Detail    string `json:"detail,omitempty"`
	RequestID string `json:"requestId,omitempty"`
}

// onError words every error of a route, a middleware or the server itself. What is no *fiber.Error is ours, and its text
// stays in the log.
func (s *Server) onError(c *fiber.Ctx, err error) error {
	status, detail := http.StatusInternalServerError, ""
	var known *fiber.Error
	if errors.As(err, &known) {
		status, detail = known.Code, known.Message
	} else {
		s.log.Error("request failed", "method", c.Method(), "path", c.Path(), "request", requestID(c), "error", err)
	}
	return SendProblem(c, status, detail)
}

// SendProblem answers with a problem. A detail that only repeats the title is left out.
func SendProblem(c *fiber.Ctx, status int, detail string) error {
	title := http.StatusText(status)
	if detail == title {
		detail = ""
	}
	secure(c)
	p := Problem{Type: "about:blank", Title: title, Status: status, Detail: detail, RequestID: requestID(c)}
	return c.Status(status).JSON(p, "application/problem+json")
}
