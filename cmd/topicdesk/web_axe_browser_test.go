package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// looked says whether axe-core looks at the n-th view of a test in a language so wide, in light or dark. It takes a good part of a
// second each time, so only the long tests have all. The others look at half of the views as a desk sees them and half as a tablet
// does, in English and light, and at all as a phone does, in Thai and dark.
func looked(n int, lang string, width int64, scheme string) bool {
	switch width {
	case 390:
		return long() || lang == "th" && scheme == "dark"
	case 768:
		return long() || lang == "en" && scheme == "light" && n%2 == 1
	}
	return long() || lang == "en" && scheme == "light" && n%2 == 0
}

// wasRefused is a page that came with a status of refusal.
const wasRefused = `performance.getEntriesByType('navigation')[0].responseStatus >= 400 && document.querySelector('main')`

// TestWebDeskIsAccessible has axe-core look at every view of people: on a desktop, a tablet and a phone, light and dark, in English and Thai.
// AXE_JS is where axe.min.js lies (npm pack axe-core); with WEB_SHOTS it leaves pictures in that folder.
func TestWebDeskIsAccessible(t *testing.T) {
	axe, b := newAxe(t)
	d := newWebDesk(t)
	support, engineering := d.groups["Support"], d.groups["Engineering"]
	d.read(engineering, 0, `Dana Lee, tickets`)
	failed := d.open("Grace", "Support", "Lamp is dark") // with a copy that does not arrive
	d.say("Grace", support, failed, "/mention @dana_lee")
	_, linked := d.read(engineering, -1, `Lamp is dark[\s\S]*Opened by`)
	d.sim("faults", map[string]any{"method": "sendMessage", "chat": engineering, "thread": linked, "kind": "400", "description": "MESSAGE_STRANGE"}, nil)
	d.say("Alice", support, failed, "Which lamp?") // so that it waits for the customer
	thread := d.open("Grace", "Support", "Printer is on fire")
	d.say("Grace", support, thread, "It smells of toner")
	d.say("Grace", support, thread, "// the red one")
	closed := d.open("Grace", "Support", "Lamp is broken")
	d.say("Grace", support, closed, "/close_ticket")
	for i := range 55 {
		d.say("Grace", support, thread, fmt.Sprintf("Message %d", i))
	}
	for _, lang := range []string{"en", "th"} {
		b.speak(lang)
		b.visit("http://" + d.addr + "/sign-in")
		b.look(axe, lang, "sign-in")
		b.press(`one('key')`)
		b.keys("td_live_wrong")
		b.press(`one('sign-in-key')`)
		b.see(wasRefused)
		b.look(axe, lang, "key-refused")
		b.visit("http://" + d.addr + "/sign-in?u=1&t=x")
		b.look(axe, lang, "sign-in-button")
		b.press(`one('sign-in')`)
		b.see(wasRefused)
		b.look(axe, lang, "sign-in-refused")
	}
	b.signIn(d, "Alice", d.addr)
	d.say("Grace", support, thread, "Said since then")
	b.see(`document.querySelector('.unread')`)
	address := b.addressOf("Printer is on fire")
	further := "/?cursor=" + base64.RawURLEncoding.EncodeToString([]byte("4102444800000 x")) // as if there had been a page before
	for _, lang := range []string{"en", "th"} {                                              // the person's own language goes before their browser's
		d.say("Alice", 0, 0, "/lang "+lang)
		d.read(d.people["Alice"], -1, map[string]string{"en": `language here is now`, "th": `ภาษา`}[lang])
		for _, view := range []struct{ name, path, shows string }{
			{"inbox", "/", `one('ticket')`}, {"mine", "/?view=mine", `one('view-is')`}, {"unanswered", "/?view=unanswered", `one('waits')`},
			{"waiting", "/?view=waiting", `one('waits')`}, {"today", "/?view=today", `one('view-is')`}, {"closed", "/?state=closed", `one('ticket')`},
			{"further", further, `one('ticket') && document.querySelector('.pages a')`}, {"nothing", "/?q=nothingness", `!one('ticket')`},
			{"mention", address + "/people", `one('person')`}, {"team", address + "/team", `document.querySelector('main')`},
			{"versions", address + "/versions?message=1", `document.querySelector('main')`}, {"failure", "/tickets/none", wasRefused},
		} {
			b.visit("http://" + d.addr + view.path)
			b.see(view.shows)
			b.look(axe, lang, view.name)
		}
		b.visit("http://" + d.addr + "/?state=all")
		b.press(`all(document, 'ticket').find(a => a.textContent.includes('Lamp is dark'))`)
		b.see(`one('retry') && document.querySelector('.copies .failed')`)
		b.look(axe, lang, "not-delivered")
		b.visit("http://" + d.addr + address)
		b.see(`document.querySelector('[data-live=true]')`)
		b.look(axe, lang, "ticket")
		b.press(`one('actions')`)
		b.press(`one('mention')`)
		b.see(`one('person')`)
		b.press(`one('assign')`)
		b.see(`document.querySelector('.claims .people button, .claims .people p')`)
		b.look(axe, lang, "actions")
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
		b.look(axe, lang, "export")
	}
}

// addressOf is the address of a ticket that the page lists.
func (b *browser) addressOf(title string) string {
	b.t.Helper()
	b.see(fmt.Sprintf(`all(document, 'ticket').some(a => a.textContent.includes(%q))`, title))
	address, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](fmt.Sprintf(`(() => {`+seeing+`
		return all(document, 'ticket').find(a => a.textContent.includes(%q)).pathname;
	})()`, title)))
	if err != nil {
		b.t.Fatal(err)
	}
	return address
}

// axeScript is axe-core's; "": there is none.
func axeScript() string {
	script, err := os.ReadFile(os.Getenv("AXE_JS"))
	if err != nil {
		return ""
	}
	return string(script)
}

// newAxe starts a browser whose pages run axe-core.
func newAxe(t *testing.T) (axe string, b *browser) {
	t.Helper()
	if axe = axeScript(); axe == "" {
		t.Skip("AXE_JS does not lead to axe.min.js, so axe-core does not look at the web desk: npm pack axe-core")
	}
	return axe, newBrowser(t)
}

// speak sets the language that the browser asks for.
func (b *browser) speak(lang string) {
	b.t.Helper()
	headers := network.SetExtraHTTPHeadersParams{Headers: map[string]any{"Accept-Language": lang}}
	if _, err := chromedp.Call(b.ctx, network.SetExtraHTTPHeaders, headers); err != nil {
		b.t.Fatal(err)
	}
}

// openAll opens what can be opened on the page.
func (b *browser) openAll() {
	b.t.Helper()
	b.until("open what can be opened", `(() => { document.querySelectorAll('main details').forEach(d => { d.open = true; }); return true; })()`)
}

// TestOperationsAreAccessible has axe-core look at every page of operations, with forms that are open and what is refused in them, with
// deliveries, errors and problems.
func TestOperationsAreAccessible(t *testing.T) {
	axe, b := newAxe(t)
	dir := t.TempDir()
	t.Setenv("DATA_DIR", dir)
	t.Setenv("DATABASE_URL", "sqlite://"+filepath.Join(dir, "topicdesk.db"))
	d := newWebDesk(t, "DATA_DIR", dir, "DATABASE_URL", "sqlite://"+filepath.Join(dir, "topicdesk.db"), "WEBHOOK_ALLOW_NETWORKS", "127.0.0.0/8")
	at := "http://" + d.addr
	signIn := func(key, leadsTo string) {
		t.Helper()
		b.visit(at + "/sign-in")
		b.press(`one('key')`)
		b.keys(key)
		b.press(`one('sign-in-key')`)
		b.see(`location.pathname === '/operations/` + leadsTo + `'`)
	}
	signIn(newKey(t), "overview")
	hookTo := func(status int) (path string) {
		t.Helper()
		receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.WriteHeader(status)
		}))
		t.Cleanup(receiver.Close)
		b.visit(at + "/operations/webhooks")
		b.press(`one('new-webhook')`)
		b.press(`one('url')`)
		b.keys(receiver.URL)
		b.press(`one('create')`)
		b.see(`one('secret')`)
		if status == http.StatusGone {
			b.look(axe, "en", "operations-secret")
		}
		b.press(`document.querySelector('a.button.main')`)
		b.see(`one('webhook-state')`)
		return b.path(t)
	}
	gone, hook := hookTo(http.StatusGone), hookTo(http.StatusNoContent)
	thread := d.open("Grace", "Support", "Printer is on fire")
	d.say("Grace", d.groups["Support"], thread, "It smells of toner")
	d.say("Grace", d.groups["Support"], thread, "// the red one")
	b.visit(at + "/operations/tickets")
	ticket := b.addressOf("Printer is on fire")
	b.visit(at + hook)
	b.see(`all(document, 'delivery').some(d => d.dataset.state === 'sent')`)
	b.press(`document.querySelector('button[name=missing]')`)
	b.see(`one('replay')`)
	b.look(axe, "en", "operations-replay")
	for _, lang := range []string{"en", "th"} {
		b.speak(lang)
		for _, name := range []string{"overview", "tickets", "groups", "people", "webhooks", "keys", "reports", "nodes"} {
			b.visit(at + "/operations/" + name)
			b.openAll()
			b.look(axe, lang, "operations-"+name)
		}
		b.visit(at + ticket)
		b.see(`one('timeline').textContent.includes('toner') && one('timeline').textContent.includes('the red one')`)
		b.look(axe, lang, "operations-ticket")
		b.visit(at + gone)
		b.see(`one('enable')`)
		b.openAll()
		b.look(axe, lang, "operations-disabled")
		b.visit(at + hook)
		b.see(`one('delivery')`)
		b.press(`one('test')`)
		b.see(`one('tested') && one('delivery')`)
		b.openAll()
		b.look(axe, lang, "operations-tested")
		b.until("enter a template", `(() => {`+seeing+` one('templates').value = '{\n  "*": {"body": "{\\n  {{json .type}}: 1}"}\n}'; return true; })()`)
		b.press(`one('preview')`)
		b.see(`one('preview-body').textContent.includes('"ticket.created": 1')`)
		b.look(axe, lang, "operations-preview")
		b.until("enter a wrong one", `(() => {`+seeing+` one('templates').value = '{\n  "*": {"body": "{{.nothing}}"}\n}'; return true; })()`)
		b.press(`one('save-templates')`)
		b.see(`one('spot').textContent.includes('2') && one('around').querySelector('mark').textContent === '.'`)
		b.look(axe, lang, "operations-template-refused")
		b.visit(at + "/operations/errors")
		b.see(`one('error') && one('problem')`) // that the endpoint is gone is both
		b.openAll()
		b.look(axe, lang, "operations-errors")
		b.visit(at + "/operations/overview")
		b.see(`one('problem')`)
		b.look(axe, lang, "operations-overview-problem")
	}
	b.speak("en")
	b.visit(at + "/operations/keys")
	b.press(`one('new-key')`)
	b.press(`one('key-name')`)
	b.keys("CRM")
	b.press(`one('create')`)
	b.see(`one('refused') && one('key-name').value === 'CRM'`) // it has no scope
	b.look(axe, "en", "operations-key-refused")
	b.press(`document.querySelector('input[name=scope][value="tickets:read"]')`)
	b.press(`one('create')`)
	b.see(`one('secret').textContent.startsWith('td_live_')`)
	b.look(axe, "en", "operations-key-secret")
	key, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.querySelector('[data-testid=secret]').textContent`))
	if err != nil {
		t.Fatal(err)
	}
	signIn(strings.TrimSpace(key), "tickets")
	b.visit(at + "/operations/errors")
	b.see(wasRefused)
	b.look(axe, "en", "operations-scope")
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

// look has axe-core, if it is there, look at the page as it is.
func (b *browser) look(axe, lang, name string) {
	b.t.Helper()
	if axe == "" {
		return
	}
	loaded := false
	b.views++
	for _, on := range []struct {
		width  int64
		scheme string
	}{{1400, "light"}, {1400, "dark"}, {768, "light"}, {768, "dark"}, {390, "light"}, {390, "dark"}} {
		looks := looked(b.views, lang, on.width, on.scheme)
		if !looks && on.scheme == "dark" { // nothing is wider than in light
			continue
		}
		b.as(on.width, on.scheme)
		b.see(`document.documentElement.scrollWidth <= innerWidth`)
		if !looks {
			continue
		}
		if !loaded {
			b.until("load axe-core", `(() => { if (!window.axe) { `+axe+"\n"+`; } return true; })()`)
			loaded = true
		}
		name := fmt.Sprintf("%s-%s-%d-%s", name, lang, on.width, on.scheme)
		found, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`axe.run({ resultTypes: ['violations'] }).then(r => JSON.stringify(r.violations.map(v =>
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
				b.t.Errorf("%s: %s (%s): %q", name, v.ID, v.Help, v.Nodes)
			} else {
				b.t.Logf("%s: %s, %s (%s): %q", name, v.Impact, v.ID, v.Help, v.Nodes)
			}
		}
		if folder := os.Getenv("WEB_SHOTS"); folder != "" {
			picture, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
			if err == nil {
				err = os.WriteFile(filepath.Join(folder, name+".png"), picture, 0o600)
			}
			if err != nil {
				b.t.Fatal(err)
			}
		}
	}
	b.as(1280, "light")
}
