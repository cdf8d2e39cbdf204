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
	b := newBrowser(t, "ignore-certificate-errors") // that of the test is signed by nobody
	var to atomic.Pointer[httputil.ReverseProxy]
	front := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { to.Load().ServeHTTP(w, r) }))
	front.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	front.StartTLS()
	t.Cleanup(front.Close)
	d := newWebDesk(t, "PUBLIC_URL", front.URL)
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: d.addr})
	proxy.Transport = &http.Transport{DisableKeepAlives: true}
	to.Store(proxy)
	d.open("Grace", "Support", "Printer is on fire")
	var signed struct{ InitData string }
	d.sim(fmt.Sprintf("initdata?person=%d", d.people["Grace"]), nil, &signed)
	app := front.URL + "/sign-in/mini-app"
	b.visit(app)
	b.see(`one('mini-app').textContent.includes('/web')`)
	b.visit(app + "?odd#tgWebAppData=" + url.QueryEscape("user=[&hash=00"))
	b.see(`one('mini-app').textContent.includes('/web')`)
	b.visit(app + "?again#tgWebAppData=" + url.QueryEscape(`user={"id":1,"first_name":"<b>Eve</b>"}&hash=00`))
	b.see(`one('mini-app-open').textContent.includes('<b>Eve</b>') && location.hash === ''`)
	b.press(`one('mini-app-open')`)
	b.see(`one('mini-app').textContent.includes('more than 5 minutes old') && location.hash === ''`)
	b.visit(app + "?good#tgWebAppVersion=9&tgWebAppData=" + url.QueryEscape(signed.InitData))
	b.see(`one('mini-app-open').textContent.includes('Grace') && one('mini-app').textContent === ''`)
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
