package httpedge

import (
	"regexp"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/swagger"
)

// foreignFont is the page's link to a font on another server.
var foreignFont = regexp.MustCompile(`\s*<link href="https://[^>]*>`)

// serveSwagger serves Swagger UI for the document at /swagger. Its files are in the binary, and the page calls only
// this service.
func serveSwagger(app *fiber.App) {
	const policy = "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; " +
		"img-src 'self' data:; connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; " +
		"frame-ancestors 'none'"
	ui := swagger.New(swagger.Config{
		Title: "Topicdesk", URL: "/openapi.json", DeepLinking: true, PersistAuthorization: false, DocExpansion: "list",
		ValidatorUrl: "none", // the default validator is elsewhere and would get the document
	})
	app.Get("/swagger", func(c *fiber.Ctx) error {
		return c.Redirect("/swagger/index.html", fiber.StatusMovedPermanently)
	})
	app.Get("/swagger/*", func(c *fiber.Ctx) error {
		if strings.HasSuffix(c.Path(), "/doc.json") {
			return fiber.ErrNotFound // the document of another generator
		}
		c.Set(fiber.HeaderContentSecurityPolicy, policy)
		if err := ui(c); err != nil {
			return err
		}
		if strings.HasPrefix(c.GetRespHeader(fiber.HeaderContentType), fiber.MIMETextHTML) {
			c.Response().SetBodyRaw(foreignFont.ReplaceAll(c.Response().Body(), nil))
		}
		return nil
	})
}
