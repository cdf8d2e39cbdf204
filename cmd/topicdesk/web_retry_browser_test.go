package main

import (
	"strings"
	"testing"
)

// TestRetryInTheBrowser: the page says which copy did not arrive, and why. Whoever presses the button sees it arrive.
func TestRetryInTheBrowser(t *testing.T) {
	b := newBrowser(t)
	d := newWebDesk(t)
	engineering := d.groups["Engineering"]
	d.read(engineering, 0, `Dana Lee, tickets`)
	d.open("Grace", "Support", "Printer is on fire")
	b.signIn(d, "Grace", d.addr)
	b.press(`one('ticket')`)
	b.see(`document.querySelector('[data-live=true]')`)
	b.press(`one('actions')`)
	b.press(`one('mention')`)
	b.press(`all(document, 'person').find(p => p.textContent.includes('Dana'))`)
	_, thread := d.read(engineering, -1, `Opened by`)

	d.sim("faults", map[string]any{"method": "sendMessage", "chat": engineering, "thread": thread, "kind": "400",
		"description": "MESSAGE_<i>STRANGE</i>"}, nil)
	b.press(`one('answer')`)
	b.keys("On my way with an extinguisher")
	b.press(`one('send')`)
	b.see(`all(document, 'message').at(-1).textContent.includes('extinguisher') && all(document, 'copies').at(-1).textContent.includes('not delivered to')`)
	b.see(`all(document, 'copies').at(-1).textContent.includes('<i>STRANGE</i>') && all(document, 'copies').at(-1).querySelector('.failed')`)
	b.shots("not-delivered")
	b.press(`one('retry')`)
	b.see(`!one('retry') && all(document, 'copies').at(-1).querySelector('.sent') && !document.querySelector('.copies .failed')`)
	d.read(engineering, thread, `On my way with an extinguisher`)
	if wrong := b.complaints(); len(wrong) > 0 {
		t.Errorf("the console complains: %s", strings.Join(wrong, "\n"))
	}
}
