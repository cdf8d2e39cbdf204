package main

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
)

// TestMiniAppInTheBrowser opens the desk as a client of Telegram's does: over https, with what Telegram has signed in the fragment
// of the address.
func TestMiniAppInTheBrowser(t *testing.T) {
	at := newFront(t, "https")
	b := newBrowser(t, "ignore-certificate-errors") // that of the test is signed by nobody
	d := at.desk(at.server.URL)
	d.open("Grace", "Support", "Printer is on fire")
	var signed struct{ InitData string }
	d.sim(fmt.Sprintf("initdata?person=%d", d.people["Grace"]), nil, &signed)
	app := at.server.URL + "/sign-in/mini-app"
	axe := axeScript()
	for _, lang := range []string{"th", "en"} {
		b.speak(lang)
		b.visit(app)
		b.see(`one('mini-app').textContent.includes('/web')`)
		b.look(axe, lang, "mini-app-empty")
	}
	b.visit(app + "?odd#tgWebAppData=" + url.QueryEscape("user=[&hash=00"))
	b.see(`one('mini-app').textContent.includes('/web')`)
	b.visit(app + "?again#tgWebAppData=" + url.QueryEscape(`user={"id":1,"first_name":"<b>Eve</b>"}&hash=00`))
	b.see(`one('mini-app-open').textContent.includes('<b>Eve</b>') && location.hash === ''`)
	b.press(`one('mini-app-open')`)
	b.see(`one('mini-app').textContent.includes('more than 5 minutes old') && location.hash === ''`)
	b.visit(app + "?good#tgWebAppVersion=9&tgWebAppData=" + url.QueryEscape(signed.InitData))
	b.see(`one('mini-app-open').textContent.includes('Grace') && one('mini-app').textContent === ''`)
	b.look(axe, "en", "mini-app")
	b.until("ask for a ticket", `(() => { fetch('/tickets/1', {redirect: 'manual'}).then(a => { window.asked = a.type; }); return true; })()`)
	b.see(`window.asked === 'opaqueredirect'`) // nobody is signed in without a press
	b.press(`one('mini-app-open')`)
	b.see(`location.pathname === '/' && one('ticket').textContent.includes('Printer is on fire') && document.querySelector('[data-live=true]')`)
	for _, line := range b.complaints() {
		if !strings.Contains(line, "403") {
			t.Errorf("the console complains: %s", line)
		}
	}
}

// TestMiniAppByItsButton presses the button of the bot's answer to /web on the simulator's page, which opens the desk as a client of
// Telegram's does, and signs in there.
func TestMiniAppByItsButton(t *testing.T) {
	at := newFront(t, "https")
	b := newBrowser(t, "ignore-certificate-errors", "host-resolver-rules=MAP desk.example:443 "+at.server.Listener.Addr().String())
	d := at.desk("https://desk.example") // at an address of this machine alone, Telegram could not open it
	d.open("Grace", "Support", "Printer is on fire")
	b.open(d.page)
	b.private("Grace Hill")
	b.write("Grace Hill", "/web")
	b.see(`message('Grace Hill', 'Open the web desk') && button('Grace Hill', '').dataset.app === 'https://desk.example/sign-in/mini-app'`)
	b.until("stay in one tab", `(() => {
		const click = HTMLAnchorElement.prototype.click;
		HTMLAnchorElement.prototype.click = function () { this.target = '_self'; click.call(this); };
		return true;
	})()`)
	b.press(`all(pane('Grace Hill'), 'button').findLast(x => x.dataset.app)`)
	b.see(`one('mini-app-open').textContent.includes('Grace Hill') && location.hash === ''`)
	b.press(`one('mini-app-open')`)
	b.see(`location.href === 'https://desk.example/' && one('ticket').textContent.includes('Printer is on fire')`)
	b.see(`document.querySelector('.me').textContent === 'Grace Hill'`)
	if wrong := b.complaints(); len(wrong) > 0 {
		t.Errorf("the console complains: %s", strings.Join(wrong, "\n"))
	}
}

// front is where people reach a desk, as behind a proxy.
type front struct {
	t      *testing.T
	server *httptest.Server
	to     atomic.Pointer[httputil.ReverseProxy]
}

func newFront(t *testing.T, scheme string) *front {
	t.Helper()
	f := &front{t: t}
	f.server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { f.to.Load().ServeHTTP(w, r) }))
	if scheme == "https" {
		f.server.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
		f.server.StartTLS()
	} else {
		f.server.Start()
	}
	t.Cleanup(f.server.Close)
	return f
}

// desk starts a desk that people reach at an address, which leads to the front.
func (f *front) desk(address string) *webDesk {
	f.t.Helper()
	d := newWebDesk(f.t, "PUBLIC_URL", address)
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: d.addr})
	proxy.Transport = &http.Transport{DisableKeepAlives: true}
	f.to.Store(proxy)
	return d
}

// private opens somebody's private chat on the simulator's page.
func (b *browser) private(name string) {
	b.t.Helper()
	b.until("open the private chat of "+name, fmt.Sprintf(`(() => {`+seeing+`
		const list = one('open-private'), option = [...list.options].find(o => o.textContent.includes(%q));
		if (!option) return false;
		list.value = option.value;
		list.dispatchEvent(new Event('change', { bubbles: true }));
		return true;
	})()`, name))
	b.see(fmt.Sprintf(`pane(%q)`, name))
}
