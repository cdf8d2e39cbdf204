package main

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/topicdesk/topicdesk/simulator"
)

// sticksOut lists what is wider than its place: elements that scroll sideways, the page itself, and buttons at
// messages that begin or end outside the transcript.
const sticksOut = `(() => {
	const out = [];
	const name = el => el.tagName + '.' + (el.dataset?.testid || el.getAttribute('class') || el.id);
	const tell = (el, is, has) => out.push(name(el) + ' is ' + is + ' wide and has ' + has);
	for (const el of document.querySelectorAll('*')) {
		if (!el.clientWidth || !el.checkVisibility() || el.matches('textarea, select')) continue;
		const scrolls = el === document.documentElement || ['auto', 'scroll'].includes(getComputedStyle(el).overflowX) || el.matches('.scroll');
		if (scrolls && el.scrollWidth > el.clientWidth) tell(el, el.scrollWidth, el.clientWidth);
	}
	for (const el of document.querySelectorAll('.acts, .emoji')) {
		const box = el.getBoundingClientRect(), scroll = el.closest('.scroll'), left = scroll.getBoundingClientRect().left;
		if (box.width && (box.left < left || box.right > left + scroll.clientWidth + 1)) tell(el, Math.round(box.left - left) + ' to ' + Math.round(box.right - left), scroll.clientWidth);
	}
	return [...new Set(out)].join('\n');
})()`

// atTheEnd is whether every transcript that is shown shows its end.
const atTheEnd = `[...document.querySelectorAll('.scroll')].every(s => !s.clientHeight || s.scrollHeight - s.scrollTop - s.clientHeight < 2)`

// TestPageFits opens the simulator's page as wide as a phone, a tablet and a desktop, with scroll bars shown. Nothing
// may stick out, whatever people write; transcripts follow what is written, pictures too; lists of topics tell their
// state, time and latest message.
func TestPageFits(t *testing.T) {
	b := newBrowser(t)
	p := newPicturedDesk(t)
	for i, width := range []int64{390, 1000, 1400} {
		t.Run(fmt.Sprintf("%d pixels wide", width), func(t *testing.T) {
			b.t = t
			p.t = t
			if err := chromedp.Do(b.ctx, chromedp.EmulateViewport(width, 780)); err != nil {
				t.Fatal(err)
			}
			b.open(p.url)
			b.see(`topics('Support').length > 0`)
			b.fits("at first")
			b.press(`all(pane('Support'), 'topic').find(x => x.textContent.includes('Printer'))`)
			b.see(`message('Support', 'Short') && ` + atTheEnd)
			b.fits("before anybody writes")
			b.topicsTell()

			p.post(simulator.Post{Text: "A picture", Media: p.picture("one.png", 600, 900)})
			b.see(`all(pane('Support'), 'media').at(-1)?.querySelector('img')?.naturalHeight === 900 && ` + atTheEnd)
			album := p.sim.NewAlbum()
			for n := range 3 {
				p.post(simulator.Post{Album: album, Text: []string{"Before and after", "", ""}[n],
					Media: p.picture(fmt.Sprintf("%d.png", n), 300+100*n, 400)})
			}
			b.see(`(() => {
				const parts = all(pane('Support'), 'message').filter(m => m.dataset.album).slice(-3), imgs = parts.map(m => m.querySelector('img'));
				return imgs.length === 3 && new Set(parts.map(m => m.closest('li'))).size === 1 && imgs.every(i => i.naturalWidth > 0) &&
					imgs[1].getBoundingClientRect().top === imgs[2].getBoundingClientRect().top && imgs[0].getBoundingClientRect().left === imgs[1].getBoundingClientRect().left;
			})() && ` + atTheEnd)
			p.post(simulator.Post{Media: p.file("scan.png", "image/png", p.pixels(40, 40))})
			p.post(simulator.Post{Media: p.file("log.txt", "text/plain", []byte("paper jam\nในถาดสอง\n"))})
			b.see(`all(pane('Support'), 'preview').at(-2)?.naturalWidth === 40 && all(pane('Support'), 'preview').at(-1)?.textContent.includes('ในถาดสอง') && ` + atTheEnd)
			// a picture that is loaded between a drawing and the event of its scrolling
			b.until("something grows unseen", `(() => {`+seeing+`
				const scroll = pane('Support').querySelector('.scroll');
				scroll.querySelector('li:last-child').style.paddingBottom = '300px';
				scroll.dispatchEvent(new Event('scroll'));
				return true;
			})()`)
			b.see(atTheEnd)
			p.post(simulator.Post{Text: fmt.Sprintf("The last word %d", i)})
			b.see(fmt.Sprintf(`message('Support', 'The last word %d') && `, i) + atTheEnd)
			b.see(fmt.Sprintf(`all(pane('Support'), 'topic-latest').some(l => l.textContent === 'Ann: The last word %d')`, i))
			b.fits("after pictures, an album and files")

			for _, says := range []string{"The last word", "Before and after"} { // shown on hover, so they are clicked unseen
				b.until("choose a reaction", `(() => {`+seeing+`all(message('Support', '`+says+`').closest('[data-testid=message]'), 'react')[0].click(); return true; })()`)
				b.see(`document.querySelector('.emoji')`)
				b.fits("while a reaction is chosen")
			}
			b.until("look further up", `(() => {`+seeing+`
				all(pane('Support'), 'message')[0].closest('li').scrollIntoView(); return true; })()`)
			b.see(`!all(pane('Support'), 'to-bottom')[0].hidden`)
			p.post(simulator.Post{Text: "Unseen"})
			b.see(`message('Support', 'Unseen') && !(` + atTheEnd + `)`)
			b.press(`all(pane('Support'), 'to-bottom')[0]`)
			b.see(atTheEnd)
		})
	}
	b.t = t
	b.open("about:blank") // an open event stream would delay the stop
	if wrong := b.complaints(); len(wrong) > 0 {
		t.Errorf("the page's console: %q", wrong)
	}
}

// fits fails the test if anything sticks out.
func (b *browser) fits(when string) {
	b.t.Helper()
	out, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](sticksOut))
	if err != nil || out != "" {
		b.t.Errorf("%s: %v\n%s", when, err, out)
	}
}

// topicsTell waits until the closed topic's row says so, when it was closed, and what was said last, and one with an icon shows it.
func (b *browser) topicsTell() {
	b.t.Helper()
	b.see(`(() => {
		const row = all(pane('Support'), 'topic').find(x => x.dataset.closed === 'true'), of = id => all(row, id)[0]?.textContent;
		return of('topic-state') === 'closed' && /^\d\d:\d\d$/.test(of('topic-time')) && of('topic-latest') === 'Ada closed the topic' &&
			row.scrollWidth <= row.clientWidth && all(pane('Support'), 'topic-icon').map(x => x.textContent).join() === '💬';
	})()`)
}

// picturedDesk is a simulator with two groups, of which one has many topics, for tests of the page alone.
type picturedDesk struct {
	t       *testing.T
	sim     *simulator.Server
	url     string
	ada     int64 // the groups' creator
	ann     int64
	support int64
	topic   int
}

func newPicturedDesk(t *testing.T) *picturedDesk {
	t.Helper()
	sim, err := simulator.New(simulator.Options{Site: "http://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	p := &picturedDesk{t: t, sim: sim}
	running, err := sim.Start("127.0.0.1:0")
	p.must(err)
	t.Cleanup(func() {
		if err := running.Stop(); err != nil {
			t.Error(err)
		}
		if err := sim.Close(); err != nil {
			t.Error(err)
		}
	})
	p.url = running.URL
	ada, err := sim.AddPerson(simulator.Person{FirstName: "Ada"})
	p.must(err)
	ann, err := sim.AddPerson(simulator.Person{FirstName: "Ann"})
	p.must(err)
	for _, title := range []string{"Support", "Engineering"} {
		group, err := sim.AddGroup(simulator.Group{Title: title, Forum: true})
		p.must(err)
		p.must(sim.SetMember(group.ID, ada.ID, simulator.Creator))
		p.must(sim.SetMember(group.ID, ann.ID, simulator.Member))
		if title == "Support" {
			p.support = group.ID
		}
	}
	p.ada, p.ann = ada.ID, ann.ID
	for i, name := range []string{"Printer is on fire", "เครื่องพิมพ์ชั้นสองพิมพ์ไม่ออกตั้งแต่เช้าวันนี้",
		"The password of the meeting room display was changed and nobody knows it", strings.Repeat("W", 60)} {
		topic, err := sim.CreateTopic(p.support, ada.ID, name)
		p.must(err)
		if i == 0 {
			p.topic = topic
			p.must(sim.SetIcon(p.support, ada.ID, topic, "💬"))
		}
		if i > 1 {
			p.must(sim.CloseTopic(p.support, ada.ID, topic))
		}
	}
	for range 8 {
		p.post(simulator.Post{From: ada.ID, Text: "It smells of toner, badly. Can you come and look at it soon please?"})
		p.post(simulator.Post{Text: "OK"})
		p.post(simulator.Post{From: ada.ID, Text: strings.Repeat("unbroken", 30)})
		p.post(simulator.Post{From: ada.ID, Markdown: "| a | b |\n|---|---|\n| " + strings.Repeat("wide", 60) + " | 2 |"})
	}
	p.post(simulator.Post{Text: "Short"})
	return p
}

func (p *picturedDesk) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// post writes a message in the topic, as Ann unless it says otherwise.
func (p *picturedDesk) post(m simulator.Post) {
	p.t.Helper()
	if m.From == 0 {
		m.From = p.ann
	}
	m.Chat, m.Thread = p.support, p.topic
	_, err := p.sim.Post(m)
	p.must(err)
}

func (p *picturedDesk) pixels(width, height int) []byte {
	p.t.Helper()
	var b bytes.Buffer
	p.must(png.Encode(&b, image.NewGray(image.Rect(0, 0, width, height))))
	return b.Bytes()
}

func (p *picturedDesk) picture(name string, width, height int) *simulator.Upload {
	return &simulator.Upload{Kind: "photo", FileName: name, MimeType: "image/png", Data: p.pixels(width, height)}
}

func (p *picturedDesk) file(name, mime string, data []byte) *simulator.Upload {
	return &simulator.Upload{Kind: "document", FileName: name, MimeType: mime, Data: data}
}
