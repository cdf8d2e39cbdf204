package main

import (
	"fmt"
	"testing"
)

// TestTurnsInTheBrowser plays on the page, with the buttons of its clock, whose turn it is on a ticket: somebody takes it, it waits for the
// customer, is put aside and comes back, and closes by itself after the customer was told twice and has said once that they still need
// it. Then, in Thai, the customer says that it is solved. The topics' icons show all of that.
func TestTurnsInTheBrowser(t *testing.T) {
	b := newBrowser(t)
	page, stop := serveOnce(t, t.TempDir())
	b.open(page)
	b.see(`message('Support', 'Support is registered')`)
	// the test writes faster than people do, and more than flood control allows
	b.press(`one('panel-toggle')`)
	b.press(`one('flood')`)
	b.see(`!one('flood').checked`)
	b.press(`one('panel-close')`)
	passed := 0
	pass := func(days, hours int) {
		t.Helper()
		for id, n := range map[string]int{"clock-day": days, "clock-hour": hours} {
			for range n {
				b.press(`one('` + id + `')`)
			}
		}
		passed += 24*days + hours
		b.see(fmt.Sprintf(`Date.parse(one('clock').querySelector('time').dateTime) - Date.now() > %d * 3600e3 - 300e3`, passed))
	}
	as := func(name string) {
		t.Helper()
		b.until("write as "+name, `(() => {`+seeing+`
			const people = all(pane('Support'), 'person')[0], of = [...people.options].find(o => o.textContent.replace(/[\u2068\u2069]/g, '').startsWith('`+name+`'));
			if (!of) return false;
			people.value = of.value;
			people.dispatchEvent(new Event('change'));
			return true;
		})()`)
	}
	topic := func(title string) string {
		return fmt.Sprintf(`topics('Support').find(t => t.textContent.includes('%s'))`, title)
	}
	icon := func(title, want string) {
		t.Helper()
		b.see(fmt.Sprintf(`all(%s, 'topic-icon')[0].textContent.startsWith('%s')`, topic(title), want))
	}
	closed := func(title string) {
		t.Helper()
		b.see(topic(title) + `.dataset.closed === 'true'`)
		pass(0, 1)
		icon(title, "✅")
	}
	said := func(n int, text string) {
		t.Helper()
		b.see(fmt.Sprintf(`all(pane('Support'), 'message').filter(m => text(m).includes('%s')).length === %d`, text, n))
	}
	const closesByItself = `text(message('Support', 'Opened by Grace Hill')).includes('Closes by itself')`

	const printer = "Printer is on fire"
	b.write("Support", "/create_ticket "+printer)
	b.see(`message('Support', 'Ticket opened: #1 ` + printer + `')`)
	icon(printer, "⚡")
	b.press(topic(printer))
	as("Alice Morgan")
	b.press(`button('Support', '🙋 Mine')`)
	said(1, "takes care of this ticket now")
	icon(printer, "👀")
	b.write("Support", "Is it still burning?")
	pass(0, 1)
	icon(printer, "💬")
	b.shots("turns-waits")

	as("Grace Hill")
	b.write("Support", "Only a little")
	pass(0, 1)
	icon(printer, "👀")
	as("Alice Morgan")
	b.write("Support", "/later 3h")
	said(1, "has put this ticket aside")
	pass(0, 1)
	icon(printer, "📆")
	b.shots("turns-aside")
	pass(0, 2)
	said(1, "here is the ticket again")
	pass(0, 1)
	icon(printer, "👀")

	b.write("Support", "/autoclose 72h 24h")
	said(1, "closes by itself 24 h later")
	b.write("Support", "It should be out now")
	pass(0, 1)
	icon(printer, "💬")
	pass(3, 0)
	said(1, "ticket waits for you")
	b.see(closesByItself)
	b.shots("turns-warned")
	as("Grace Hill")
	b.press(`button('Support', 'Still needed')`)
	said(1, "still needs this ticket")
	b.see(`!` + closesByItself)
	pass(0, 1)
	icon(printer, "👀")
	as("Alice Morgan")
	b.write("Support", "Then I come and look")
	pass(0, 1)
	icon(printer, "💬")
	pass(3, 0)
	said(2, "ticket waits for you")
	b.see(closesByItself)
	pass(1, 0)
	said(1, "has closed by itself, because the customer has not answered")
	closed(printer)
	b.shots("turns-closed")

	const paper = "กระดาษติด"
	b.press(`all(pane('Support'), 'topic').find(t => t.dataset.thread === '0')`)
	b.write("Support", "/lang th")
	said(1, "ตอนนี้ใช้ภาษาไทยแล้ว")
	as("สมหญิง")
	b.write("Support", "/create_ticket "+paper)
	icon(paper, "⚡")
	b.press(topic(paper))
	as("Alice Morgan")
	b.press(`button('Support', '🙋 รับดูแล')`)
	said(1, "รับดูแลทิกเก็ตนี้แล้ว")
	icon(paper, "👀")
	b.write("Support", "ลองเปิดฝาด้านหลังหรือยังครับ")
	pass(0, 1)
	icon(paper, "💬")
	pass(3, 0)
	said(1, "ทิกเก็ตนี้รอคุณอยู่")
	b.shots("turns-warned-th")
	as("สมหญิง")
	b.press(`button('Support', 'แก้ไขเรียบร้อย')`)
	closed(paper)
	b.shots("turns-closed-th")
	if wrong := b.complaints(); len(wrong) > 0 {
		t.Errorf("the page's console: %q", wrong)
	}
	b.open("about:blank") // an open event stream would delay the stop
	stop()
}
