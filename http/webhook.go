package httpedge

import (
	"net/http"

	"github.com/gofiber/fiber/v2"
)

// webhook is POST /telegram/webhook. The body is taken as it came: a compressed one would be expanded without limit.
func (s *Server) webhook(c *fiber.Ctx) error {
	status := s.o.Webhook(c.UserContext(), c.Request().Body(), c.Get(headerSecret))
	if status == http.StatusOK {
		return c.SendStatus(http.StatusOK)
	}
	return SendProblem(c, status, "")
}
