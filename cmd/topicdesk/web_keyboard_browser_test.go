package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// tabsAtMost is how often the Tab key is pressed to get anywhere on a page.
const tabsAtMost = 80

// key presses a key, with others that are held.
func (b *browser) key(key string, held ...chromedp.Modifier) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, chromedp.KeyEvent(key, chromedp.KeyModifiers(held...))); err != nil {
		b.t.Fatalf("the key %q: %v", key, err)
	}
}

// focus is where the keyboard is.
type focus struct {
	Name  string // the beginning of the element
	There bool   // it is where it should be
	Seen  bool   // nothing covers it, and it has a ring
}

// focused says where the keyboard is, and whether that is the element that an expression returns.
func (b *browser) focused(element string) focus {
	b.t.Helper()
	f, err := chromedp.Run(b.ctx, chromedp.Evaluate[focus](`(() => {`+seeing+`
		const el = document.activeElement, line = el.getClientRects()[0], label = el.closest('label');
		const over = line && document.elementFromPoint(line.x + line.width / 2, line.y + line.height / 2);
		const rings = e => e && getComputedStyle(e).outlineStyle !== 'none' && parseFloat(getComputedStyle(e).outlineWidth) > 0;
		let to = null;
		try { to = (`+element+`); } catch { /* it is not there yet */ }
		return { name: el.outerHTML.slice(0, 160), there: el === to,
			seen: !!over && (el.contains(over) || !!label?.contains(over)) && !!(rings(el) || rings(label)) };
	})()`))
	if err != nil {
		b.t.Fatal(err)
	}
	return f
}

// tabTo presses the Tab key until the element that an expression returns has the focus. Wherever the focus is meanwhile, it is seen.
// With Shift it goes backwards.
func (b *browser) tabTo(element string, held ...chromedp.Modifier) {
	b.t.Helper()
	b.see(element)
	var way []string
	for range tabsAtMost {
		b.key(kb.Tab, held...)
		at := b.focused(element)
		if at.Name != "" && !strings.HasPrefix(at.Name, "<body") && !at.Seen {
			b.fail("Tab", errors.New("the focus is not seen at "+at.Name))
		}
		if at.There {
			return
		}
		way = append(way, at.Name)
	}
	b.fail("Tab", fmt.Errorf("it does not lead to %s, but to\n%s", element, strings.Join(way, "\n")))
}

// enter moves to an element by the Tab key, and presses Enter there.
func (b *browser) enter(element string) {
	b.t.Helper()
	b.tabTo(element)
	b.key(kb.Enter)
}

// as makes the page that of a screen: so wide, and light or dark.
func (b *browser) as(width int64, scheme string) {
	b.t.Helper()
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}
	if _, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, media); err != nil {
		b.t.Fatal(err)
	}
	if err := chromedp.Do(b.ctx, chromedp.EmulateViewport(width, 800)); err != nil {
		b.t.Fatal(err)
	}
}

// TestWebDeskByKeyboard does a day's work with keys alone: sign in, find a ticket, answer it, make it urgent, mention somebody, close
// it and open it again; at a desk in light, and on a phone in the dark.
func TestWebDeskByKeyboard(t *testing.T) {
	b := newBrowser(t)
	d := newWebDesk(t)
	engineering := d.groups["Engineering"]
	d.read(engineering, 0, `Dana Lee, tickets`)
	for _, screen := range []struct {
		width                 int64
		scheme, person, title string
	}{{1280, "light", "Grace", "Printer is on fire"}, {390, "dark", "Alice", "Lamp is broken"}} {
		thread := d.open(screen.person, "Support", screen.title)
		b.as(screen.width, screen.scheme)
		d.say(screen.person, 0, 0, "/web")
		path, _ := d.read(d.people[screen.person], -1, `/sign-in\?\S+`)
		b.visit("http://" + d.addr + path)
		b.enter(`one('sign-in')`)
		b.see(`location.pathname === '/' && document.querySelector('[data-inbox]')`)
		b.see(fmt.Sprintf(`(getComputedStyle(document.body).backgroundColor.match(/\d+/)[0] < 128) === %v`, screen.scheme == "dark"))

		word, _, _ := strings.Cut(screen.title, " ")
		b.tabTo(`document.querySelector('input[name=q]')`)
		b.keys(word)
		b.key(kb.Enter)
		b.see(`location.search.includes('q=` + word + `') && all(document, 'ticket').length === 1 && document.documentElement.scrollWidth <= innerWidth`)
		b.enter(`all(document, 'ticket').find(t => t.textContent.includes('` + screen.title + `'))`)
		b.see(`document.querySelector('[data-live=true]') && document.documentElement.scrollWidth <= innerWidth`)

		b.enter(`document.querySelector('a[href="#composer"]')`)
		b.tabTo(`one('answer')`)
		b.keys("On my way with a ladder")
		b.key(kb.Enter, chromedp.ModifierCtrl)
		b.see(`one('answer').value === '' && one('timeline').textContent.includes('with a ladder') && document.activeElement === one('answer')`)
		d.read(d.groups["Support"], thread, screen.person+`[\s\S]*with a ladder`)

		b.tabTo(`one('actions')`, chromedp.ModifierShift)
		b.key(kb.Enter)
		b.tabTo(`one('new-priority')`)
		b.keys("u")
		b.see(`one('new-priority').value === 'urgent'`)
		b.enter(`one('set-priority')`)
		b.see(`one('priority').textContent === 'urgent' && document.activeElement === one('set-priority')`)
		b.enter(`one('mention')`)
		b.see(`one('person') && !document.querySelector('.htmx-settling')`)
		b.enter(`all(document, 'person').find(p => p.textContent.includes('Dana'))`)
		d.read(engineering, -1, screen.title)
		b.see(`document.getElementById('actions').contains(document.activeElement)`)
		b.enter(`one('close')`)
		b.see(`one('state').classList.contains('closed') && document.getElementById('actions').contains(document.activeElement)`)
		b.enter(`one('reopen')`)
		b.see(`one('state').classList.contains('open')`)
	}
	if wrong := b.complaints(); len(wrong) > 0 {
		t.Errorf("the console complains: %s", strings.Join(wrong, "\n"))
	}
}
