package main

import (
	"strings"
	"testing"
)

// TestWayBetweenThePages goes from the simulator's page to the web desk and back, by their links alone, and sees a ticket from all
// sides: in the group where it was opened, on the web desk, and in the group of a colleague who was mentioned there.
func TestWayBetweenThePages(t *testing.T) {
	b, at := newBrowser(t), newFront(t, "http")
	d := at.desk(at.server.URL)
	toSimulator := func() {
		t.Helper()
		b.press(`[...document.querySelectorAll('header nav a')].find(a => a.href.startsWith('` + d.page + `'))`)
		b.see(`document.documentElement.dataset.ready === 'true' && one('live').dataset.state === 'live'`)
	}
	b.open(d.page)
	b.see(`message('Support', 'Support is registered') && message('Engineering', 'Dana Lee, tickets')`)
	b.write("Support", "/create_ticket Printer is on fire")
	b.see(`topics('Support').length === 1`)
	b.press(`topics('Support')[0]`)
	b.see(`message('Support', 'Opened by Grace Hill')`)
	b.write("Support", "It smells of toner")

	b.press(`one('site')`)
	b.see(`location.origin === '` + at.server.URL + `'`)
	b.press(`document.querySelector('a[href="/sign-in"]')`)
	b.see(`document.querySelector('main').textContent.includes('/web')`) // how to sign in: in Telegram
	toSimulator()
	b.private("Grace Hill")
	b.write("Grace Hill", "/web")
	b.press(`(() => {
		const a = message('Grace Hill', '/sign-in?')?.querySelector('a.link[href*="/sign-in?"]');
		if (a) a.target = '_self';
		return a;
	})()`)
	b.press(`one('sign-in')`)
	b.press(`one('ticket')`)
	b.see(`document.querySelector('[data-live=true]') && one('title').textContent === 'Printer is on fire' && one('timeline').textContent.includes('toner')`)
	b.press(`one('answer')`)
	b.keys("On my way with an extinguisher")
	b.press(`one('send')`)
	b.see(`one('answer').value === '' && one('timeline').textContent.includes('extinguisher')`)
	b.press(`one('actions')`)
	b.press(`one('mention')`)
	b.press(`all(document, 'person').find(p => p.textContent.includes('Dana'))`)
	ticket := b.path(t)

	toSimulator()
	b.press(`topics('Support')[0]`)
	b.see(`text(message('Support', 'extinguisher')).startsWith('Grace Hill')`)
	b.press(`topics('Engineering')[0]`)
	b.see(`message('Engineering', 'extinguisher')`)
	b.write("Engineering", "Pull the plug first")
	b.see(`message('Support', 'Pull the plug first')`)
	b.press(`one('site')`)
	b.see(`location.pathname === '/' && one('ticket').textContent.includes('Pull the plug first')`)
	b.press(`one('ticket')`)
	b.see(`location.pathname === '` + ticket + `' && one('timeline').textContent.includes('Pull the plug first')`)
	if wrong := b.complaints(); len(wrong) > 0 {
		t.Errorf("the console complains: %s", strings.Join(wrong, "\n"))
	}
}
