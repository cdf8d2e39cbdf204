package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"
)

// TestInboxStaysInTheBrowser: what comes while somebody reads further down moves nothing under their eyes, and does not take the keyboard
// from where it is. A button leads to it.
func TestInboxStaysInTheBrowser(t *testing.T) {
	b := newBrowser(t)
	d := newWebDesk(t)
	const tickets = 16 // more than fit on the screen
	for i := range tickets {
		d.open("Grace", "Support", fmt.Sprintf("Printer %d is on fire", i))
	}
	b.signIn(d, "Grace", d.addr)
	b.see(fmt.Sprintf(`document.querySelector('[data-live=true]') && all(document, 'ticket').length === %d`, tickets))
	b.until("read further down", `(() => {`+seeing+`
		scrollTo({ top: 500, behavior: 'instant' });
		const row = all(document, 'ticket').find(a => a.getBoundingClientRect().top > 300);
		row.focus({ preventScroll: true });
		window.reads = { row, top: row.getBoundingClientRect().top };
		return scrollY > 300;
	})()`)
	const newer, stays = `document.getElementById('newer')`, `document.activeElement === reads.row && Math.abs(reads.row.getBoundingClientRect().top - reads.top) < 1`
	for i, title := range []string{"Lamp is broken", "Door is stuck"} {
		d.open("Alice", "Support", title)
		b.see(fmt.Sprintf(`!%s.hidden && %s.textContent.includes('%d') && !document.getElementById('rows').textContent.includes('%s')`, newer, newer, i+1, title))
		b.see(stays)
	}
	b.press(newer)
	b.see(`scrollY === 0 && ` + newer + `.hidden && all(document, 'ticket')[0].textContent.includes('Door is stuck') && all(document, 'ticket')[1].textContent.includes('Lamp is broken')`)
	b.see(`document.activeElement === all(document, 'ticket')[0]`)
	if wrong := b.complaints(); len(wrong) > 0 {
		t.Errorf("the console complains: %s", strings.Join(wrong, "\n"))
	}
}

// TestPhoneInTheBrowser: on a phone, in the dark, somebody finds a ticket by Thai words among others, pastes a picture into it and sends
// that with a few words.
func TestPhoneInTheBrowser(t *testing.T) {
	b := newBrowser(t)
	d := newWebDesk(t)
	d.open("Grace", "Support", "หลอดไฟเสียที่ชั้นสอง")
	thread := d.open("Grace", "Support", "เครื่องพิมพ์ไฟไหม้ที่ชั้นสาม")
	b.as(390, "dark")
	b.signIn(d, "Grace", d.addr)
	b.see(`all(document, 'ticket').length === 2 && document.documentElement.scrollWidth <= innerWidth`)
	b.press(`document.querySelector('input[name=q]')`)
	b.keys("ไฟไหม้")
	b.key(kb.Enter)
	b.see(`location.search.includes('q=' + encodeURIComponent('ไฟไหม้')) && all(document, 'ticket').length === 1 && document.documentElement.scrollWidth <= innerWidth`)
	b.press(`all(document, 'ticket').find(a => a.textContent.includes('ชั้นสาม'))`)
	b.see(`document.querySelector('[data-live=true]')`)
	b.press(`one('answer')`)
	b.until("paste a picture", `(() => {`+seeing+`
		const canvas = document.createElement('canvas'), data = new DataTransfer();
		canvas.width = canvas.height = 64;
		canvas.getContext('2d').fillRect(0, 0, 32, 32);
		const bytes = Uint8Array.from(atob(canvas.toDataURL('image/png').split(',')[1]), c => c.charCodeAt(0));
		data.items.add(new File([bytes], 'image.png', { type: 'image/png' }));
		const paste = new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true });
		one('answer').dispatchEvent(paste);
		return paste.defaultPrevented;
	})()`)
	b.see(`document.querySelectorAll('#files input[name=file]').length === 1 && !one('send').disabled && one('answer').value === ''`)
	b.keys("ดูรูปนี้")
	b.press(`one('send')`)
	b.see(`one('answer').value === '' && all(document, 'message').at(-1).textContent.includes('ดูรูปนี้') && all(document, 'message').at(-1).querySelector('.file img').naturalWidth > 0`)
	b.see(`document.documentElement.scrollWidth <= innerWidth`)
	d.read(d.groups["Support"], thread, `ดูรูปนี้`)
	if wrong := b.complaints(); len(wrong) > 0 {
		t.Errorf("the console complains: %s", strings.Join(wrong, "\n"))
	}
}
