package main

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// seenWithin is how long a test waits for something to appear on the page: a busy machine may stall for seconds.
const seenWithin = time.Minute

// browser is a headless browser with one page. A test sees what a person would see, and clicks only what a person
// could click.
type browser struct {
	t    *testing.T
	ctx  context.Context
	done chan struct{} // closed when the console has been read to its end

	views int // at which axe-core has looked

	mu    sync.Mutex
	wrong []string // what the page's console complained about
}

// newBrowser starts a browser that ends with the test. Where none is installed the test is skipped.
func newBrowser(t *testing.T, flags ...string) *browser {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Skip("no browser is installed, so the page is not tested: install the package chromium (apt-get install chromium)")
	}
	var more []chromedp.ExecAllocatorOption
	for _, flag := range flags {
		name, value, has := strings.Cut(flag, "=")
		if more = append(more, chromedp.Flag(name, value)); !has {
			more[len(more)-1] = chromedp.Flag(name, true)
		}
	}
	allocator, cancel := chromedp.NewExecAllocator(context.Background(),
		append(append(chromedp.DefaultExecAllocatorOptions[:], more...),
			chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.WindowSize(1280, 800),
			chromedp.Flag("hide-scrollbars", false), // people have them, and they take room
			chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))...)
	t.Cleanup(cancel)
	ctx, cancel := chromedp.NewContext(allocator)
	b := &browser{t: t, ctx: ctx, done: make(chan struct{})}
	if err := chromedp.Do(ctx); err != nil {
		cancel()
		t.Fatalf("%s does not start: %v", path, err)
	}
	console := chromedp.Console(ctx)
	go func() {
		defer close(b.done)
		for m, err := range console {
			if err != nil {
				return
			}
			switch m.Type {
			case chromedp.ConsoleError, chromedp.ConsoleException, chromedp.ConsoleWarning, "assert":
				b.mu.Lock()
				b.wrong = append(b.wrong, m.String())
				b.mu.Unlock()
			}
		}
	}()
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil && !strings.Contains(err.Error(), "context canceled") {
			t.Errorf("the browser does not end: %v", err)
		}
		cancel()
		<-b.done
	})
	return b
}

// complaints are the errors in the page's console so far. There should be none.
func (b *browser) complaints() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.wrong
}

// seeing is the JavaScript with which tests find things on the page: a pane by its group's title, a message or button
// by its text, the newest first.
const seeing = `
const all = (root, id) => [...root.querySelectorAll('[data-testid="' + id + '"]')];
const one = id => all(document, id)[0];
const pane = title => all(document, 'pane').find(p => p.querySelector('h2').textContent === title);
const text = m => all(m, 'message-text')[0]?.textContent || '';
const message = (title, says) => all(pane(title), 'message').findLast(m => m.dataset.kind === 'text' && text(m).includes(says));
const service = (title, says) => all(pane(title), 'message').findLast(m => m.dataset.kind === 'service' && text(m).includes(says));
const button = (title, says) => all(pane(title), 'button').findLast(x => x.textContent.includes(says));
const topics = title => all(pane(title), 'topic').filter(t => t.dataset.thread !== '0');
const composer = title => all(pane(title), 'composer')[0];
const writes = title => { const p = all(pane(title), 'person')[0]; return p.options[p.selectedIndex].textContent.replace(/[\u2068\u2069]/g, ''); };
const hint = () => Number(one('hint').dataset.step);
`

// see waits until an expression is true.
func (b *browser) see(condition string) {
	b.t.Helper()
	b.until(condition, "(() => {"+seeing+"return ("+condition+");})()")
}

// press clicks the element that an expression returns, as soon as it is visible and nothing covers it. Finding,
// looking and clicking happen in one round of the page's event loop, so nothing moves in between.
func (b *browser) press(element string) {
	b.t.Helper()
	b.until("press "+element, `(() => {`+seeing+`
		const el = (`+element+`);
		if (!el || el.disabled) return false;
		const where = () => [el.getBoundingClientRect(), el.getClientRects()[0]]; // of a link that wraps, the first line
		let [box, line] = where();
		const hit = () => line && line.width && el.contains(document.elementFromPoint(line.x + line.width / 2, line.y + line.height / 2));
		if (box.top < 0 || box.bottom > innerHeight || !hit()) {
			el.scrollIntoView({ block: 'center', inline: 'nearest', behavior: 'instant' });
			[box, line] = where();
		}
		if (!hit()) return false;
		el.focus();
		el.click();
		return true;
	})()`)
}

// until runs a script in the page again and again until it returns something true. A script that throws is tried
// again.
func (b *browser) until(what, script string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, seenWithin)
	defer cancel()
	poll := `new Promise(done => { const look = () => { let v; try { v = ` + script +
		`; } catch {} v ? done(true) : setTimeout(look, 25); }; look(); })`
	for {
		_, err := chromedp.Run(ctx, chromedp.Evaluate[bool](poll, chromedp.EvalAwaitPromise))
		switch {
		case err == nil:
			return
		case ctx.Err() == nil && strings.Contains(err.Error(), "navigated"): // the next page is looked at instead
		default:
			b.fail(what, err)
		}
	}
}

// fail ends the test and shows what was visible instead.
func (b *browser) fail(what string, err error) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, seenWithin)
	defer cancel()
	page, _ := chromedp.Run(ctx, chromedp.Evaluate[string]("document.body.innerText"))
	b.t.Fatalf("%s: %v\nconsole: %q\nthe page:\n%s", what, err, b.complaints(), page)
}

// open goes to an address and waits until the page is live.
func (b *browser) open(url string) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, chromedp.Navigate(url)); err != nil {
		b.t.Fatalf("%s: %v", url, err)
	}
	if strings.HasPrefix(url, "http") {
		b.see(`document.documentElement.dataset.ready === 'true' && one('live').dataset.state === 'live'`)
	}
}

// keys types into the focused element, key by key. A line break is the Enter key.
func (b *browser) keys(text string) {
	b.t.Helper()
	for i, line := range strings.Split(text, "\n") {
		if i > 0 {
			for _, kind := range []input.DispatchKeyEventType{input.DispatchKeyEventTypeRawKeyDown,
				input.DispatchKeyEventTypeKeyUp} {
				if _, err := chromedp.Call(b.ctx, input.DispatchKeyEvent,
					input.DispatchKeyEventParams{Type: kind, Key: "Enter", Code: "Enter",
						WindowsVirtualKeyCode: 13, NativeVirtualKeyCode: 13}); err != nil {
					b.t.Fatalf("Enter: %v", err)
				}
			}
		}
		if line == "" {
			continue
		}
		if err := chromedp.Do(b.ctx, chromedp.KeyEvent(line)); err != nil {
			b.t.Fatalf("typing %q: %v", line, err)
		}
	}
}

// write types a message in a pane and sends it.
func (b *browser) write(pane, text string) {
	b.t.Helper()
	b.press(fmt.Sprintf("composer(%q)", pane))
	b.keys(text + "\n")
	b.see(fmt.Sprintf("composer(%q).value === ''", pane))
}
