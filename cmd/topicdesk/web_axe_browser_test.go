package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// TestWebDeskIsAccessible has axe-core look at every view, as wide as a desktop and a phone, light and dark, in English and Thai.
// AXE_JS is where axe.min.js lies (npm pack axe-core); with WEB_SHOTS it leaves pictures in that folder.
func TestWebDeskIsAccessible(t *testing.T) {
	axe, err := os.ReadFile(os.Getenv("AXE_JS"))
	if err != nil {
		t.Skip("AXE_JS does not lead to axe.min.js, so axe-core does not look at the web desk: npm pack axe-core")
	}
	b := newBrowser(t)
	d := newWebDesk(t)
	if _, err := chromedp.Call(b.ctx, page.SetBypassCSP, page.SetBypassCSPParams{Enabled: true}); err != nil {
		t.Fatal(err) // for axe, which the pages would not run
	}
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
			headers := network.SetExtraHTTPHeadersParams{Headers: map[string]any{"Accept-Language": lang}}
			if _, err := chromedp.Call(b.ctx, network.SetExtraHTTPHeaders, headers); err != nil {
				t.Fatal(err)
			}
			b.visit("http://" + d.addr + path)
			b.look(string(axe), name+"-"+lang)
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
		for _, view := range []struct{ name, path string }{{"inbox", "/"}, {"closed", "/?state=closed"}, {"nothing", "/?q=nothingness"},
			{"ticket", address}, {"mention", address + "/people"}, {"versions", address + "/versions?message=1"}, {"failure", "/tickets/none"}} {
			b.visit("http://" + d.addr + view.path)
			b.look(string(axe), view.name+"-"+lang)
			if view.name == "ticket" {
				b.see(`document.querySelector('[data-live=true]')`)
				b.press(`one('actions')`)
				b.press(`one('mention')`)
				b.see(`one('person')`)
				b.look(string(axe), "actions-"+lang)
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
				b.look(string(axe), "export-"+lang)
			}
		}
	}
}

// look has axe look at the page as it is.
func (b *browser) look(axe, name string) {
	b.t.Helper()
	for _, width := range []int64{1400, 390} {
		for _, scheme := range []string{"light", "dark"} {
			media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}
			if _, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, media); err != nil {
				b.t.Fatal(err)
			}
			if err := chromedp.Do(b.ctx, chromedp.EmulateViewport(width, 800)); err != nil {
				b.t.Fatal(err)
			}
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
