package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestWebDeskInTheBrowser signs in by the bot's address, finds a ticket, answers it, and sees the answer arrive in the
// simulator and on the page; and what somebody writes in Telegram meanwhile. With WEB_SHOTS it leaves pictures in that
// folder.
func TestWebDeskInTheBrowser(t *testing.T) {
	b := newBrowser(t)
	addr, page, _ := serveSimulated(t, t.TempDir())
	b.open(page)
	b.see(`message('Support', 'Support is registered') && message('Engineering', 'Dana Lee, tickets')`)
	b.write("Support", "/create_ticket Printer is on fire")
	b.see(`topics('Support').length === 1`)
	b.press(`topics('Support')[0]`)
	b.see(`message('Support', 'Opened by Grace Hill')`)
	b.write("Support", "It smells of toner, <b>badly</b>")
	b.private("Grace Hill")
	b.write("Grace Hill", "/web")
	b.see(`message('Grace Hill', '/sign-in?')`)
	address, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`(() => {`+seeing+`
		return text(message('Grace Hill', '/sign-in?')).match(/\/sign-in\?\S+/)[0];
	})()`))
	if err != nil {
		t.Fatal(err)
	}
	visit := func(path string) {
		t.Helper()
		if err := chromedp.Do(b.ctx, chromedp.Navigate("http://"+addr+path)); err != nil {
			t.Fatal(err)
		}
	}
	visit(address)
	b.press(`one('sign-in')`)
	b.see(`all(document, 'ticket').length === 1 && one('ticket').textContent.includes('Printer is on fire')`)
	b.shots("inbox")
	b.press(`one('ticket')`)
	b.see(`document.querySelector('[data-live=true]') && one('timeline').textContent.includes('toner, <b>badly</b>')`)
	b.press(`one('answer')`)
	b.keys("On my way with an extinguisher 🧯")
	b.press(`one('send')`)
	b.see(`one('answer').value === '' && one('timeline').textContent.includes('extinguisher')`)
	b.see(`all(document, 'copies').at(-1).textContent.includes('delivered to')`)
	b.press(`one('note')`)
	b.press(`one('answer')`)
	b.keys("Under warranty until May")
	visit(b.path(t))
	b.see(`one('answer').value === 'Under warranty until May' && one('note').checked`)
	b.until("as if another person had written it", `sessionStorage.setItem('me', '1') ?? true`)
	visit(b.path(t))
	b.see(`one('answer').value === '' && !one('note').checked`)
	b.press(`one('note')`)
	b.press(`one('answer')`)
	b.keys("Under warranty until May")
	b.press(`one('send')`)
	b.see(`all(document, 'message').at(-1).classList.contains('note') && one('answer').value === '' && !one('note').checked`)
	b.until("drop a file", `(() => {`+seeing+`
		if (all(document, 'message').at(-1).dataset.dropped) return true;
		const data = new DataTransfer();
		data.items.add(new File(['meters'], 'meters.txt', { type: 'text/plain' }));
		dispatchEvent(new DragEvent('drop', { dataTransfer: data, cancelable: true }));
		all(document, 'message').at(-1).dataset.dropped = 'true';
		return true;
	})()`)
	b.see(`document.querySelector('#files input[name=file]') && !one('send').disabled`)
	b.press(`one('send')`)
	b.see(`[...all(document, 'message').at(-1).querySelectorAll('.file')].some(f => f.textContent.includes('meters.txt'))`)
	b.press(`one('actions')`)
	b.until("choose a priority", `(() => {`+seeing+` one('new-priority').value = 'urgent'; return true; })()`)
	b.press(`one('set-priority')`)
	b.see(`one('priority').textContent === 'urgent'`)
	b.press(`one('mention')`)
	b.see(`one('person')`)
	b.shots("ticket")
	b.press(`one('person')`)
	live := b.path(t)

	b.open(page)
	b.see(`topics('Engineering').length === 1`)
	b.press(`topics('Support')[0]`)
	b.see(`text(message('Support', 'extinguisher')).startsWith('Grace Hill')`)
	b.see(`text(message('Support', 'Under warranty')).startsWith('// Grace Hill')`)
	b.write("Support", "// it is the red one")
	visit(live)
	b.see(`all(document, 'message').at(-1).classList.contains('note')`)
	b.press(`one('actions')`)
	b.press(`one('close')`)
	b.see(`one('state').classList.contains('closed') && one('reopen')`)
	b.shots("closed")
	b.press(`one('reopen')`)
	b.see(`one('state').classList.contains('open')`)
	if wrong := b.complaints(); len(wrong) > 0 {
		t.Errorf("the console complains: %s", strings.Join(wrong, "\n"))
	}
}

// path is where the browser is.
func (b *browser) path(t *testing.T) string {
	t.Helper()
	path, err := chromedp.Run(b.ctx, chromedp.Evaluate[string]("location.pathname"))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// shots checks that nothing is wider than the page, as wide as a desktop and a phone, and leaves pictures in light and dark
// where WEB_SHOTS says.
func (b *browser) shots(name string) {
	b.t.Helper()
	for _, width := range []int64{1400, 390} {
		for _, scheme := range []string{"light", "dark"} {
			b.as(width, scheme)
			b.see(`document.documentElement.scrollWidth <= innerWidth`)
			folder := os.Getenv("WEB_SHOTS")
			if folder == "" {
				continue
			}
			picture, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
			if err == nil {
				err = os.WriteFile(filepath.Join(folder, fmt.Sprintf("%s-%d-%s.png", name, width, scheme)), picture, 0o600)
			}
			if err != nil {
				b.t.Fatal(err)
			}
		}
	}
	if err := chromedp.Do(b.ctx, chromedp.EmulateViewport(1280, 800)); err != nil {
		b.t.Fatal(err)
	}
}
