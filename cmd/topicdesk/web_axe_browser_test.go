package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// TestWebDeskIsAccessible has axe-core look at every view, as wide as a desktop and a phone, light and dark, in English and Thai.
// AXE_JS is where axe.min.js lies (npm pack axe-core); with WEB_SHOTS it leaves pictures in that folder.
func TestWebDeskIsAccessible(t *testing.T) {
	axe, b := newAxe(t)
	d := newWebDesk(t)
	support := d.groups["Support"]
	thread := d.open("Grace", "Support", "Printer is on fire")
	d.say("Grace", support, thread, "It smells of toner")
	d.say("Grace", support, thread, "// the red one")
	closed := d.open("Grace", "Support", "Lamp is broken")
	d.say("Grace", support, closed, "/close_ticket")
	for i := range 55 {
		d.say("Grace", support, thread, fmt.Sprintf("Message %d", i))
	}
	look := func(name, path string) {
		t.Helper()
		for _, lang := range []string{"en", "th"} {
			b.speak(lang)
			b.visit("http://" + d.addr + path)
			b.look(axe, name+"-"+lang)
		}
	}
	look("sign-in", "/sign-in")
	look("sign-in-button", "/sign-in?u=1&t=x")
	b.signIn(d, "Alice", d.addr)
	d.say("Grace", support, thread, "Said since then")
	b.see(`document.querySelector('.unread')`)
	address, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.querySelector('.unread a').pathname`))
	if err != nil {
		t.Fatal(err)
	}
	for _, lang := range []string{"en", "th"} { // the person's own language goes before their browser's
		d.say("Alice", 0, 0, "/lang "+lang)
		d.read(d.people["Alice"], -1, map[string]string{"en": `language here is now`, "th": `ภาษา`}[lang])
		for _, view := range []struct{ name, path string }{{"inbox", "/"}, {"mine", "/?view=mine"}, {"closed", "/?state=closed"}, {"nothing", "/?q=nothingness"},
			{"ticket", address}, {"mention", address + "/people"}, {"versions", address + "/versions?message=1"}, {"failure", "/tickets/none"}} {
			b.visit("http://" + d.addr + view.path)
			b.look(axe, view.name+"-"+lang)
			if view.name == "ticket" {
				b.see(`document.querySelector('[data-live=true]')`)
				b.press(`one('actions')`)
				b.press(`one('mention')`)
				b.see(`one('person')`)
				b.look(axe, "actions-"+lang)
				b.press(`one('assign')`)
				b.see(`document.querySelector('.claims .people button, .claims .people p')`)
				b.look(axe, "assign-"+lang)
				export, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`fetch(location.pathname + '/export.html').then(r => r.text())`,
					chromedp.EvalAwaitPromise))
				if err != nil {
					t.Fatal(err)
				}
				file := filepath.Join(t.TempDir(), "export.html")
				if err := os.WriteFile(file, []byte(export), 0o600); err != nil {
					t.Fatal(err)
				}
				b.visit("file://" + file)
				b.look(axe, "export-"+lang)
			}
		}
	}
}

// newAxe starts a browser whose pages run axe-core.
func newAxe(t *testing.T) (axe string, b *browser) {
	t.Helper()
	script, err := os.ReadFile(os.Getenv("AXE_JS"))
	if err != nil {
		t.Skip("AXE_JS does not lead to axe.min.js, so axe-core does not look at the web desk: npm pack axe-core")
	}
	b = newBrowser(t)
	if _, err := chromedp.Call(b.ctx, page.SetBypassCSP, page.SetBypassCSPParams{Enabled: true}); err != nil {
		t.Fatal(err)
	}
	return string(script), b
}

// speak sets the language that the browser asks for.
func (b *browser) speak(lang string) {
	b.t.Helper()
	headers := network.SetExtraHTTPHeadersParams{Headers: map[string]any{"Accept-Language": lang}}
	if _, err := chromedp.Call(b.ctx, network.SetExtraHTTPHeaders, headers); err != nil {
		b.t.Fatal(err)
	}
}

// TestOperationsAreAccessible has axe-core look at every page of operations, with forms that are open and what is refused in them.
func TestOperationsAreAccessible(t *testing.T) {
	axe, b := newAxe(t)
	dir := t.TempDir()
	t.Setenv("DATA_DIR", dir)
	t.Setenv("DATABASE_URL", "sqlite://"+filepath.Join(dir, "topicdesk.db"))
	d := newWebDesk(t, "DATA_DIR", dir, "DATABASE_URL", "sqlite://"+filepath.Join(dir, "topicdesk.db"))
	thread := d.open("Grace", "Support", "Printer is on fire")
	d.say("Grace", d.groups["Support"], thread, "It smells of toner")
	d.say("Grace", d.groups["Support"], thread, "// the red one")
	at := "http://" + d.addr
	b.visit(at + "/sign-in")
	b.press(`one('key')`)
	b.keys(newKey(t))
	b.press(`one('sign-in-key')`)
	b.see(`one('numbers')`)
	b.visit(at + "/operations/webhooks")
	b.press(`one('new-webhook')`)
	b.press(`one('url')`)
	b.keys("https://crm.example/hooks")
	b.press(`one('create')`)
	b.see(`one('secret')`)
	b.look(axe, "operations-secret")
	first := func(list, link string) string {
		t.Helper()
		b.visit(at + "/operations/" + list)
		b.press(`one('` + link + `')`)
		b.see(`location.pathname.split('/').length === 4`)
		return b.path(t)
	}
	hook, ticket := first("webhooks", "webhook"), first("tickets", "ticket")
	b.until("wait for the messages", `fetch(location.href).then(a => a.text()).then(t => { window.shown = t.includes('toner') && t.includes('the red one'); }) && window.shown`)
	for _, lang := range []string{"en", "th"} {
		b.speak(lang)
		for _, name := range []string{"overview", "tickets", "groups", "people", "webhooks", "keys", "errors", "reports", "nodes"} {
			b.visit(at + "/operations/" + name)
			b.until("open what can be opened", `(() => { document.querySelectorAll('main details').forEach(d => { d.open = true; }); return true; })()`)
			b.look(axe, "operations-"+name+"-"+lang)
		}
		b.visit(at + ticket)
		b.look(axe, "operations-ticket-"+lang)
		b.visit(at + hook)
		b.until("enter a template", `(() => {`+seeing+` one('templates').value = '{\n  "*": {"body": "{\\n  {{json .type}}: 1}"}\n}'; return true; })()`)
		b.press(`one('preview')`)
		b.see(`one('preview-body').textContent.includes('"ticket.created": 1')`)
		b.look(axe, "operations-preview-"+lang)
		b.until("enter a wrong one", `(() => {`+seeing+` one('templates').value = '{\n  "*": {"body": "{{.nothing}}"}\n}'; return true; })()`)
		b.press(`one('save-templates')`)
		b.see(`one('spot').textContent.includes('2') && one('around').querySelector('mark').textContent === '.'`)
		b.look(axe, "operations-template-refused-"+lang)
	}
}

// newKey makes an API key that may do all, by the command line.
func newKey(t *testing.T) string {
	t.Helper()
	out, _, err := topicdesk(t, "apikey", "create", "--new", "--name", `ops <script>alert("x")</script>`, "--scopes", "admin")
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range strings.Fields(out) {
		if strings.HasPrefix(word, "td_live_") {
			return word
		}
	}
	t.Fatalf("no key: %s", out)
	return ""
}

// look has axe look at the page as it is.
func (b *browser) look(axe, name string) {
	b.t.Helper()
	for _, width := range []int64{1400, 390} {
		for _, scheme := range []string{"light", "dark"} {
			b.as(width, scheme)
			b.see(`document.documentElement.scrollWidth <= innerWidth`)
			found, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](axe+`;axe.run().then(r => JSON.stringify(r.violations.map(v =>
				({ id: v.id, impact: v.impact, help: v.help, nodes: v.nodes.slice(0, 5).map(n => n.html.slice(0, 200) + ' | ' + (n.any[0]?.message || '')) }))))`,
				chromedp.EvalAwaitPromise))
			if err != nil {
				b.t.Fatal(name, err)
			}
			var violations []struct {
				ID, Impact, Help string
				Nodes            []string
			}
			if err := json.Unmarshal([]byte(found), &violations); err != nil {
				b.t.Fatal(err)
			}
			for _, v := range violations {
				if v.Impact == "serious" || v.Impact == "critical" {
					b.t.Errorf("%s, %d, %s: %s (%s): %q", name, width, scheme, v.ID, v.Help, v.Nodes)
				} else {
					b.t.Logf("%s, %d, %s: %s, %s (%s): %q", name, width, scheme, v.Impact, v.ID, v.Help, v.Nodes)
				}
			}
			if folder := os.Getenv("WEB_SHOTS"); folder != "" {
				picture, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
				if err == nil {
					err = os.WriteFile(filepath.Join(folder, fmt.Sprintf("%s-%d-%s.png", name, width, scheme)), picture, 0o600)
				}
				if err != nil {
					b.t.Fatal(err)
				}
			}
		}
	}
	if err := chromedp.Do(b.ctx, chromedp.EmulateViewport(1280, 800)); err != nil {
		b.t.Fatal(err)
	}
}
