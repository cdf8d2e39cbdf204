package main

import (
	"bytes"
	"image"
	"image/png"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// TestHostileTicketInTheBrowser: a title with a script that has no space to break at, names from right to left, 4,096 emoji and a
// picture of 10 MB stay within the page, on a desktop, on a phone and on paper, and run nothing.
func TestHostileTicketInTheBrowser(t *testing.T) {
	b := newBrowser(t)
	d := newWebDesk(t)
	support := d.groups["Support"]
	const script = `<script>document.title='run'</script><img src=x onerror="document.title='run'">`
	var sara struct{ ID int64 }
	d.sim("people", map[string]any{"firstName": "\u202eשרה <script>", "lastName": "لیلا", "languageCode": "en"}, &sara)
	d.people["Sara"] = sara.ID
	d.sim("members", map[string]any{"chat": support, "person": sara.ID, "role": "member"}, nil)
	title := script + strings.Repeat("W", 150)
	thread := d.open("Sara", "Support", title)
	d.say("Sara", support, thread, strings.Repeat("🧯", 2048))
	d.sim("post", map[string]any{"from": sara.ID, "chat": support, "thread": thread, "text": script + "\u202e",
		"media": map[string]any{"kind": "photo", "fileName": "big.png", "mimeType": "image/png", "data": noise(t, 1600)}}, nil)

	b.signIn(d, "Grace", d.addr)
	b.see(`one('ticket').textContent.includes("onerror") && one('ticket').textContent.includes('שרה <script>')`)
	b.shots("hostile-inbox")
	b.press(`one('ticket')`)
	b.see(`document.querySelector('[data-live=true]')`)
	b.until("the picture, which is loaded when one looks at it", `(() => {
		const picture = document.querySelector('.file img');
		if (!picture) { // it is not kept yet
			if (document.readyState === 'complete' && !window.again) window.again = !location.reload();
			return false;
		}
		picture.scrollIntoView();
		return picture.naturalWidth > 0;
	})()`)
	b.press(`one('answer')`)
	b.until("write 4,096 emoji", `(() => {`+seeing+` one('answer').value = '🧯'.repeat(4096); return true; })()`)
	b.press(`one('send')`)
	b.see(`all(document, 'text').at(-1).textContent === '🧯'.repeat(4096)`)
	b.see(`getComputedStyle(document.querySelector('#heading h1')).unicodeBidi === 'isolate' && document.title !== 'run'`)
	b.shots("hostile-ticket")

	print := emulation.SetEmulatedMediaParams{Media: "print"}
	if _, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, print); err != nil {
		t.Fatal(err)
	}
	if err := chromedp.Do(b.ctx, chromedp.EmulateViewport(720, 1000)); err != nil { // a page of paper
		t.Fatal(err)
	}
	b.see(`getComputedStyle(document.querySelector('.composer')).display === 'none' && document.documentElement.scrollWidth <= innerWidth`)
	b.see(`one('title').textContent === ` + "`" + title + "`" + ` && one('timeline').textContent.includes('🧯'.repeat(4096))`)
	if wrong := b.complaints(); len(wrong) > 0 { // such as a script that the policy kept from running
		t.Errorf("the console complains: %s", strings.Join(wrong, "\n"))
	}
}

// noise is a PNG that does not compress.
func noise(t *testing.T, side int) []byte {
	t.Helper()
	rng, p := rand.New(rand.NewPCG(1, 2)), image.NewRGBA(image.Rect(0, 0, side, side))
	for i := range p.Pix {
		p.Pix[i] = byte(rng.Uint32())
	}
	p.Pix[3] = 0 // else it were stored without the fourth byte
	var b bytes.Buffer
	if err := png.Encode(&b, p); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
