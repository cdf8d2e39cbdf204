package httpedge

import (
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

// headLikeGet makes the API answer HEAD like GET, without the body (RFC 9110, 9.3.2). Call it after all operations
// are registered.
func headLikeGet(app *fiber.App) {
	for _, r := range app.GetRoutes(true) {
		if r.Method == fiber.MethodGet && strings.HasPrefix(r.Path, apiPrefix+"/") {
			app.Add(fiber.MethodHead, r.Path, r.Handlers...)
		}
	}
}

// localMethod is where a request's own method is kept if known replaced it.
const localMethod = "method"

// methodOf is the method that the client sent.
func methodOf(c *fiber.Ctx) string {
	if method, changed := c.Locals(localMethod).(string); changed {
		return method
	}
	return c.Method()
}

// known replaces a method that Fiber does not know by TRACE, which no route has. Fiber would answer the unknown
// method in plain text; so it is answered like any other method that an address does not take, with an Allow header
// and a request id.
func known(c *fasthttp.RequestCtx) {
	if method := string(c.Method()); !slices.Contains(fiber.DefaultMethods, method) {
		c.SetUserValue(localMethod, method)
		c.Request.Header.SetMethod(fiber.MethodTrace)
	}
}
