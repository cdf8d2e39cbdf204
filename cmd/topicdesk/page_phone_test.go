package main

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestPageHasAllOnPhones: what a desktop offers is there on a phone, too, and what is written in fields and buttons can be
// read there.
func TestPageHasAllOnPhones(t *testing.T) {
	b := newBrowser(t)
	p := newPicturedDesk(t)
	for _, name := range []string{"#10 Lamp", "#11 Mouse"} {
		_, err := p.sim.CreateTopic(p.support, p.ada, name)
		p.must(err)
	}
	for _, width := range []int64{390, 1400} {
		t.Run(fmt.Sprintf("%d pixels wide", width), func(t *testing.T) {
			b.t, p.t = t, t
			if err := chromedp.Do(b.ctx, chromedp.EmulateViewport(width, 780)); err != nil {
				t.Fatal(err)
			}
			b.open(p.url)
			b.see(`topics('Support').some(x => x.textContent.includes('#10')) && ['L', 'M'].every(x => topics('Support').some(row => row.querySelector('.avatar').textContent === x))`)
			b.see(`(() => { const s = getComputedStyle(one('site')); return s.textDecorationLine === 'none' && s.color === getComputedStyle(one('panel-toggle')).color; })()`)
			b.see(`(() => { // the title is whole, and nothing in the header is over anything else
				const title = document.querySelector('#brand h1'), all = [title, ...document.querySelectorAll('#top > :not(#brand)')];
				const boxes = all.map(x => x.getBoundingClientRect()).filter(x => x.width);
				const over = (x, y) => x.left < y.right - 1 && y.left < x.right - 1 && x.top < y.bottom - 1 && y.top < x.bottom - 1;
				return title.clientWidth > 100 && title.scrollWidth <= title.clientWidth && !boxes.some((x, i) => boxes.some((y, j) => i < j && over(x, y)));
			})()`)
			b.see(`(() => { const c = composer('Support'); return c.placeholder.includes('caption') && c.scrollHeight <= c.clientHeight + 1; })()`)
			b.until("open a private chat", `(() => {`+seeing+`
				const list = one('open-private');
				list.value = [...list.options].find(o => o.textContent.includes('Ann')).value;
				list.dispatchEvent(new Event('change', { bubbles: true }));
				return true;
			})()`)
			b.see(`['block', 'topics-switch'].every(id => all(document, id).some(x => x.getClientRects().length && x.dataset.person))`)
			b.see(`document.documentElement.scrollWidth <= document.documentElement.clientWidth`) // the tabs scroll
		})
	}
	b.t = t
	b.open("about:blank")
}
