package httpedge

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"strings"

	"github.com/gofiber/fiber/v2"
)

//go:embed landing.html
var landingHTML string

// landingPolicy lets the page have its one style sheet, by its hash, and nothing else that is inline.
var landingPolicy = func() string {
	_, style, _ := strings.Cut(landingHTML, "<style>")
	style, _, _ = strings.Cut(style, "</style>")
	sum := sha256.Sum256([]byte(style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}()

var landing = template.Must(template.New("landing").Parse(landingHTML))

// landingText is the landing page in one language.
type landingText struct {
	Lang, Title, Intro, Simulator, SimulatorWhy, Reference, ReferenceWhy, Document, DocumentWhy, Health, HealthWhy, Desk, DeskWhy string
}

var landingTexts = map[string]landingText{
	"en": {
		Lang: "en", Title: "Topicdesk is running", Intro: "A ticket desk that lives in Telegram. People use it there; programs use its API.",
		Simulator: "Simulator", SimulatorWhy: "Play the people in two groups: it stands in for Telegram.",
		Reference: "API reference", ReferenceWhy: "Read about each operation, and try it.",
		Document: "OpenAPI document", DocumentWhy: "Generate a client from it. Also as YAML: /openapi.yaml.",
		Health: "Readiness", HealthWhy: "Whether each part of the service works.",
		Desk: "Web desk", DeskWhy: "Read and answer your tickets here. To sign in, send /web to the bot in your private chat; who runs the desk signs in with an API key.",
	},
	"th": {
		Lang: "th", Title: "Topicdesk กำลังทำงาน", Intro: "ระบบทิกเก็ตที่อยู่ใน Telegram ผู้คนใช้งานที่นั่น ส่วนโปรแกรมใช้งานผ่าน API",
		Simulator: "ตัวจำลอง", SimulatorWhy: "ลองเล่นเป็นสมาชิกของสองกลุ่ม โดยใช้ตัวจำลองแทน Telegram",
		Reference: "เอกสาร API", ReferenceWhy: "อ่านรายละเอียดของแต่ละคำสั่งและทดลองเรียกใช้",
		Document: "เอกสาร OpenAPI", DocumentWhy: "ใช้สร้างไคลเอนต์ มีแบบ YAML ที่ /openapi.yaml ด้วย",
		Health: "ความพร้อม", HealthWhy: "ตรวจว่าแต่ละส่วนของระบบทำงานอยู่หรือไม่",
		Desk: "เว็บเดสก์", DeskWhy: "อ่านและตอบทิกเก็ตของคุณที่นี่ ถ้าต้องการเข้าสู่ระบบ ให้ส่ง /web ในแชตส่วนตัวกับบอต ส่วนผู้ดูแลระบบใช้คีย์ API",
	},
}

// serveLanding serves the page at /, which tells whoever opens the service's address in a browser where to go.
func serveLanding(app *fiber.App, simulatorURL string) {
	app.Get("/", func(c *fiber.Ctx) error {
		text, ok := landingTexts[c.AcceptsLanguages("en", "th")]
		if !ok {
			text = landingTexts["en"]
		}
		var page bytes.Buffer
		err := landing.Execute(&page, struct {
			landingText
			SimulatorURL string
		}{text, simulatorURL})
		if err != nil {
			return err
		}
		c.Set(fiber.HeaderContentSecurityPolicy, landingPolicy)
		c.Vary(fiber.HeaderAcceptLanguage)
		c.Type("html", "utf-8")
		return c.Send(page.Bytes())
	})
}
