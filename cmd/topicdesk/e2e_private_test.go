package main

import "testing"

// TestPrivateTopicsInTheBrowser plays a person whose private chat with the bot has topics: a ticket gets one there, what
// is written in it reaches the desk, and when the person deletes it, it is opened again for the answer.
func TestPrivateTopicsInTheBrowser(t *testing.T) {
	b := newBrowser(t)
	page, stop := serveOnce(t, t.TempDir())
	b.open(page)
	b.see(`message('Support', 'Support is registered')`)
	b.until("open Grace Hill's private chat", `(() => {`+seeing+`
		const list = one('open-private'), option = [...list.options].find(o => o.textContent.includes('Grace Hill'));
		if (!option) return false;
		list.value = option.value;
		list.dispatchEvent(new Event('change'));
		return true;
	})()`)
	b.write("Grace Hill", "/start")
	b.see(`message('Grace Hill', '/create_ticket') && topics('Grace Hill').length === 0`)
	b.press(`all(pane('Grace Hill'), 'topics-switch')[0]`)
	b.see(`all(pane('Grace Hill'), 'topic').length === 1 && message('Grace Hill', '/create_ticket')`)
	b.write("Grace Hill", "/create_ticket Lamp is out")
	b.press(`button('Grace Hill', 'Support')`)
	b.see(`message('Grace Hill', 'It has a topic of its own in this chat')`)
	b.see(`topics('Grace Hill').length === 1 && topics('Grace Hill')[0].textContent.includes('Lamp is out')`)
	b.press(`topics('Grace Hill')[0]`)
	b.see(`!all(pane('Grace Hill'), 'pinned')[0].hidden && all(pane('Grace Hill'), 'topic-close').length === 0`)
	b.press(`topics('Support')[0]`)
	b.write("Grace Hill", "It is dark")
	b.see(`text(message('Support', 'It is dark')) === 'Grace Hill\nIt is dark'`)

	b.press(`all(pane('Grace Hill'), 'topic-rename')[0]`)
	b.press(`all(document, 'dialog-field')[0]`)
	b.keys(" at home")
	b.press(`one('dialog-ok')`)
	b.see(`topics('Grace Hill')[0].textContent.includes('at home')`)
	b.press(`all(pane('Grace Hill'), 'topic-delete')[0]`)
	b.press(`one('dialog-ok')`)
	b.see(`topics('Grace Hill').length === 0`)
	b.write("Support", "A new one is on its way")
	b.see(`topics('Grace Hill').length === 1 && topics('Support')[0].textContent.includes('#1 Lamp is out')`)
	b.press(`topics('Grace Hill')[0]`)
	b.see(`message('Grace Hill', 'A new one is on its way')`)

	b.press(`all(pane('Grace Hill'), 'topics-switch')[0]`)
	b.see(`all(pane('Grace Hill'), 'topic').every(x => !x.offsetParent) && message('Grace Hill', 'A new one is on its way')`)
	if wrong := b.complaints(); len(wrong) > 0 {
		t.Errorf("the page's console: %q", wrong)
	}
	b.open("about:blank") // an open event stream would delay the stop
	stop()
}
