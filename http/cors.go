package httpedge

import (
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/cors"

	"github.com/topicdesk/topicdesk/tracing"
)

// cors lets pages of the configured origins call the API. Without origins it does nothing, so browsers refuse such
// calls.
func (a *API) cors() fiber.Handler {
	if len(a.o.CORSOrigins) == 0 {
		return func(c *fiber.Ctx) error { return c.Next() }
	}
	return cors.New(cors.Config{
		AllowOrigins: strings.Join(a.o.CORSOrigins, ","),
		AllowMethods: "GET,POST,PUT,PATCH,DELETE",
		AllowHeaders: strings.Join([]string{fiber.HeaderAuthorization, fiber.HeaderContentType, headerIdempotency,
			fiber.HeaderIfMatch, fiber.HeaderIfNoneMatch, headerRequestID, tracing.Header, "Prefer"}, ","),
		ExposeHeaders: strings.Join([]string{headerRequestID, fiber.HeaderETag, fiber.HeaderLocation,
			fiber.HeaderRetryAfter, headerPolicy, headerRateLimit, headerReplayed}, ","),
		MaxAge: 600,
	})
}
