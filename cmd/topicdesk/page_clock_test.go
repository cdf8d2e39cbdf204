package main

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/topicdesk/topicdesk/simulator"
)

// TestReminderInTheBrowser: a newcomer opens a ticket, moves the clock, and sees the topic's icon, the reminder, and the list of what
// waits, on a phone.
func TestReminderInTheBrowser(t *testing.T) {
	b := newBrowser(t)
	if err := chromedp.Do(b.ctx, chromedp.EmulateViewport(390, 780)); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	page, stop := serveOnce(t, dir)
	b.open(page)
	const clockShows = `(() => { const t = one('clock').querySelector('time'); return !one('clock').hidden && Date.parse(t.dateTime) - Date.now(); })()`
	forward := func(id string) { b.press(`one('` + id + `')`) }
	hours := func(n int) { b.see(fmt.Sprintf(`Math.abs(%s - %d * 3600e3) < 300e3`, clockShows, n)) }
	b.see(`message('Support', 'Support is registered')`)
	hours(0)
	b.fits("with the clock")
	b.write("Support", "/create_ticket Printer is on fire")
	b.see(`message('Support', 'Ticket opened: #1 Printer is on fire')`)
	b.see(`topics('Support').length === 1 && all(topics('Support')[0], 'topic-icon')[0]?.textContent.startsWith('⚡')`)
	forward("clock-hour")
	hours(1)
	b.see(`message('Support', '1 ticket waits for an answer in Support') && text(message('Support', '1 ticket waits')).includes('#1 Printer is on fire')`)
	b.until("move the clock by three hours", `(() => {`+seeing+`for (let i = 0; i < 3; i++) one('clock-hour').click(); return true; })()`)
	hours(4)
	forward("clock-hour")
	b.see(`all(topics('Support')[0], 'topic-icon')[0]?.textContent.startsWith('❗')`)
	forward("clock-hour") // the list follows within minutes, and may have a new message in the morning
	b.see(`text(message('Support', '1 ticket waits')).includes('❗ #1')`)
	b.press(`topics('Support')[0]`)
	b.see(`message('Support', 'an answer to this ticket is overdue')`)
	b.fits("with a reminder")
	hours(6)
	b.press(`all(pane('Support'), 'topic').find(t => t.dataset.thread === '0')`)
	b.until("an administrator writes /lang th", `(() => {
		const of = (all, name) => [...all.values()].find(x => x.firstName === name || x.title === name).id;
		act('/post', { from: of(S.people, 'Alice'), chat: of(S.groups, 'Support'), text: '/lang th' });
		return true;
	})()`)
	b.see(`message('Support', 'ตอนนี้ใช้ภาษาไทยแล้ว')`)
	forward("clock-hour") // by then it is due, whatever the time of day
	b.see(`message('Support', 'มีทิกเก็ตที่รอทีมตอบในกลุ่ม Support 1 รายการ')`)
	b.fits("in Thai")
	hours(7)
	b.open("about:blank") // an open event stream would be cut
	stop()

	page, stop = serveOnce(t, dir) // the clock does not go back
	b.open(page)
	hours(7)
	forward("clock-day")
	hours(31)
	b.open("about:blank")
	stop()
	if wrong := b.complaints(); len(wrong) > 0 {
		t.Errorf("the page's console: %q", wrong)
	}
}

// TestClockOfOthers: where the bot runs elsewhere, its clock can't be moved.
func TestClockOfOthers(t *testing.T) {
	t.Parallel()
	sim, err := simulator.New(simulator.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = sim.Close() }()
	if err := sim.MoveClock(1); err == nil {
		t.Error("it was moved")
	}
}
