package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestOperationsInTheBrowser signs in with an API key, makes a webhook, sends it a test, sees its deliveries and the
// charts move after traffic, and walks all operations pages, as wide as a desktop and a phone, light and dark. With WEB_SHOTS it
// leaves pictures in that folder.
func TestOperationsInTheBrowser(t *testing.T) {
	b := newBrowser(t)
	dir := t.TempDir()
	t.Setenv("DATA_DIR", dir)
	t.Setenv("DATABASE_URL", "sqlite://"+filepath.Join(dir, "topicdesk.db"))
	d := newWebDesk(t, "DATA_DIR", dir, "DATABASE_URL", "sqlite://"+filepath.Join(dir, "topicdesk.db"), "WEBHOOK_ALLOW_NETWORKS", "127.0.0.0/8")
	addr, page, support := d.addr, d.page, d.groups["Support"]
	key := newKey(t)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusNoContent)
	}))
	defer receiver.Close()
	visit := func(path string) {
		t.Helper()
		if err := chromedp.Do(b.ctx, chromedp.Navigate("http://"+addr+path)); err != nil {
			t.Fatal(err)
		}
	}
	b.open(page)
	b.see(`message('Support', 'Support is registered') && message('Engineering', 'Dana Lee, tickets')`)

	visit("/sign-in")
	b.shots("sign-in")
	b.press(`one('key')`)
	b.keys(key)
	b.press(`one('sign-in-key')`)
	b.see(`location.pathname === '/operations/overview' && one('numbers')`)
	b.see(`document.querySelector('.me').textContent === 'ops <script>alert("x")</script>' && !document.querySelector('body script')`)
	b.shots("operations-start")

	b.press(`one('section-webhooks')`)
	b.press(`one('new-webhook')`)
	b.press(`one('url')`)
	b.keys("ftp://crm.example/")
	b.press(`one('create')`)
	b.see(`one('refused') && one('url').value === 'ftp://crm.example/'`)
	b.until("empty the field", `(() => {`+seeing+` one('url').value = ''; return true; })()`)
	b.press(`one('url')`)
	b.keys(receiver.URL + "/hooks")
	b.press(`one('create')`)
	b.see(`one('secret').textContent.startsWith('whsec_')`)
	b.shots("operations-secret")
	b.press(`document.querySelector('a.button.main')`)
	b.see(`one('webhook-state').textContent === 'works'`)
	b.press(`one('test')`)
	b.see(`one('tested').textContent.includes('HTTP 204') && one('test-body').textContent.includes('ticket.created')`)
	b.shots("operations-test")
	b.press(`document.querySelector('main p a')`)
	b.press(`one('webhook')`)
	b.see(`one('webhook-state')`)
	hook := b.path(t)

	visit("/operations/overview")
	total := func(chart string) string {
		return `Number(document.querySelector('[data-testid="chart-` + chart + `"] [data-testid=total]').textContent.replaceAll(',', ''))`
	}
	b.see(`one('numbers')`)
	before, err := chromedp.Run(b.ctx, chromedp.Evaluate[[]int](`[`+total("updates")+`, `+total("calls")+`]`))
	if err != nil {
		t.Fatal(err)
	}
	b.open(page)
	b.write("Support", "/create_ticket Printer is on fire")
	b.see(`topics('Support').length === 1`)
	_, thread := d.read(support, -1, `Printer is on fire[\s\S]*Opened by`)
	visit(hook)
	b.see(`all(document, 'delivery').some(d => d.dataset.state === 'sent' && d.textContent.includes('ticket.created'))`)
	b.shots("operations-webhook")
	const said = 60 // more updates than there were before, some of which may be counted late
	for i := range said {
		d.say("Grace", support, thread, fmt.Sprint("Message ", i))
	}
	visit("/operations/overview")
	b.see(fmt.Sprintf(`%s >= %d && %s > %d && document.querySelector('[data-testid="chart-updates"] polyline')`,
		total("updates"), before[0]+said, total("calls"), before[1]))
	b.see(`Number(document.getElementById('live').dataset.renewed) >= 1`) // it renews itself
	b.until("let the service fail", `(() => { window.real = window.fetch; window.fetch = () => Promise.reject(); return true; })()`)
	b.see(`one('stale').textContent.includes('out of date')`)
	b.shots("operations-stale")
	b.until("let it work again", `(() => { window.fetch = window.real; return true; })()`)
	b.see(`one('stale').textContent === ''`)
	b.shots("operations-overview")
	for _, name := range []string{"tickets", "groups", "people", "webhooks", "keys", "errors", "reports", "nodes"} {
		b.press(`one('section-` + name + `')`)
		b.see(`location.pathname === '/operations/` + name + `' && one('section-` + name + `').getAttribute('aria-current') === 'page'`)
		b.shots("operations-" + name)
	}
	visit("/operations/tickets")
	b.press(`one('ticket')`)
	b.see(`one('title').textContent === 'Printer is on fire' && one('send-file') && one('export')`)
	b.shots("operations-ticket")
	refused := func(line string) bool { return strings.Contains(line, "422") } // what is not an address of a webhook
	if wrong := slices.DeleteFunc(b.complaints(), refused); len(wrong) > 0 {
		t.Errorf("the console complains: %s", strings.Join(wrong, "\n"))
	}
}
