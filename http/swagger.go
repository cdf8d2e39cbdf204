package httpedge

import (
	"crypto/sha256"
	"encoding/base64"
	"regexp"
	"strings"

	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/swagger"
)

// foreignFont is the page's link to a font on another server.
var foreignFont = regexp.MustCompile(`\s*<link href="https://[^>]*>`)

// inlineScript is a script within the page.
var inlineScript = regexp.MustCompile(`(?s)<script>(.*?)</script>`)

// swaggerPolicy lets the page run its own files, and the scripts that are within it as it was made, by their hashes: it shares its origin
// with the web desk. Its styles are made by scripts, so they may be anything.
func swaggerPolicy(page []byte) string {
	scripts := "'self'"
	for _, script := range inlineScript.FindAllSubmatch(page, -1) {
		sum := sha256.Sum256(script[1])
		scripts += " 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return "default-src 'none'; script-src " + scripts + "; style-src 'self' 'unsafe-inline'; " +
		"img-src 'self' data:; connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; " +
		"frame-ancestors 'none'"
}

// swaggerStyle takes the browser's frame off the page, and gives the page a dark scheme, which Swagger UI has not: its
// colours are turned, and those of what is light on dark already are turned back. The filter is the root's, because within
// any other element that has one, the dialogs of the page would not stay in the window.
const swaggerStyle = `
html { color-scheme: light; }
html, body { background: #fafafa; }
@media (prefers-color-scheme: dark) {
	html { color-scheme: dark; filter: invert(0.89) hue-rotate(180deg); }
	body { color-scheme: light; }
	.swagger-ui .dialog-ux .backdrop-ux { background: rgba(255, 255, 255, 0.8); }
	.topbar, .highlight-code, .microlight { filter: invert(1) hue-rotate(180deg); }
	.highlight-code .microlight { filter: none; }
}`

// serveSwagger serves Swagger UI for the document at /swagger. Its files are in the binary, and the page calls only
// this service.
func serveSwagger(app *fiber.App) {
	ui := swagger.New(swagger.Config{
		Title: "Topicdesk", URL: "/openapi.json", DeepLinking: true, PersistAuthorization: false, DocExpansion: "list",
		ValidatorUrl: "none", // the default validator is elsewhere and would get the document
		CustomStyle:  swaggerStyle,
	})
	app.Get("/swagger", func(c *fiber.Ctx) error {
		return c.Redirect("/swagger/index.html", fiber.StatusMovedPermanently)
	})
	app.Get("/swagger/*", func(c *fiber.Ctx) error {
		if strings.HasSuffix(c.Path(), "/doc.json") {
			return fiber.ErrNotFound // the document of another generator
		}
		if err := ui(c); err != nil {
			return err
		}
		var page []byte
		if strings.HasPrefix(c.GetRespHeader(fiber.HeaderContentType), fiber.MIMETextHTML) {
			page = foreignFont.ReplaceAll(c.Response().Body(), nil)
			c.Response().SetBodyRaw(page)
		}
		c.Set(fiber.HeaderContentSecurityPolicy, swaggerPolicy(page))
		return nil
	})
}
