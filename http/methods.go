package httpedge

import (
	"slices"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/valyala/fasthttp"
)

// headLikeGet has HEAD answered by the API as GET without its body (RFC 9110, 9.3.2). Call it when all operations are there.
func headLikeGet(app *fiber.App) {
	for _, r := range app.GetRoutes(true) {
		if r.Method == fiber.MethodGet && strings.HasPrefix(r.Path, apiPrefix+"/") {
			app.Add(fiber.MethodHead, r.Path, r.Handlers...)
		}
	}
}

// localMethod is the method that a request came with, where known changed it.
const localMethod = "method"

// methodOf is the method that a request came with.
func methodOf(c *fiber.Ctx) string {
	if method, changed := c.Locals(localMethod).(string); changed {
		return method
	}
	return c.Method()
}

// known makes a method that Fiber does not know, which it would answer in plain text, one that no route has: TRACE. So it is
// answered as every other method that an address does not take, with an Allow header and a request id.
func known(c *fasthttp.RequestCtx) {
	if method := string(c.Method()); !slices.Contains(fiber.DefaultMethods, method) {
		c.SetUserValue(localMethod, method)
		c.Request.Header.SetMethod(fiber.MethodTrace)
	}
}
