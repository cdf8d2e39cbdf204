package httpedge

import (
	"net/http"

	"github.com/gofiber/fiber/v2"
)

// webhook answers POST /telegram/webhook. It does not decompress the body, which could expand without limit.
func (s *Server) webhook(c *fiber.Ctx) error {
	status := s.o.Webhook(c.UserContext(), c.Request().Body(), c.Get(headerSecret))
	if status == http.StatusOK {
		return c.SendStatus(http.StatusOK)
	}
	return SendProblem(c, status, "")
}
