package main

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/config"
)

// A newcomer's first ticket, on the page and in a real browser: it is opened, two colleagues are mentioned, both
// sides write, it is closed and reopened. Then the service is restarted and continues. The test asserts what is
// visible.
func TestNewcomerInTheBrowser(t *testing.T) {
	b := newBrowser(t)
	dir := t.TempDir()
	page, stop := serveOnce(t, dir)
	b.open(page)

	const printer = "Printer is on fire"
	section := func(name string, f func()) {
		start := time.Now()
		f()
		t.Logf("%-40s %v", name, time.Since(start).Round(time.Millisecond))
	}
	section("the seeded groups greet", func() {
		b.see(`message('Support', 'Support is registered') && message('Engineering', 'Engineering is registered')`)
		b.see(`message('Engineering', 'Ben Carter, tickets that you are mentioned on will now open in Engineering')`)
		b.see(`message('Engineering', 'Dana Lee, tickets')`)
		b.see(`writes('Support') === 'Grace Hill' && writes('Engineering') === 'Ben Carter' && hint() === 1`)
	})
	// the test writes faster than people do, and more than flood control allows
	section("flood control off, in the panel", func() {
		b.press(`one('panel-toggle')`)
		b.press(`one('flood')`)
		b.see(`all(document, 'call').length > 0 && !one('flood').checked`)
		b.press(`one('panel-close')`)
	})
	section("/create_ticket", func() {
		b.press(`one('hint-do')`)
		b.see(`composer('Support').value === '/create_ticket ` + printer +
			`' && document.activeElement === composer('Support')`)
		b.keys("\n")
		b.see(`message('Support', 'Ticket opened: #1 ` + printer + `')`)
		b.see(`topics('Support').length === 1 && topics('Support')[0].textContent.includes('#1 ` + printer + `')`)
		b.see(`all(pane('Support'), 'new-topic').length === 1 && hint() === 2`)
		b.press(`one('hint-do')`)
		b.see(`pane('Support').dataset.thread === topics('Support')[0].dataset.thread && hint() === 3`)
		b.see(`message('Support', 'Opened by Grace Hill') && service('Support', 'pinned a message') && !all(pane('Support'), 'pinned')[0].hidden`)
	})
	section("/mention, typed", func() {
		b.press(`composer('Support')`)
		b.keys("/mention @b")
		b.see(`all(pane('Support'), 'suggestion').length > 0`)
		b.press(`all(pane('Support'), 'person')[0]`)
		// closed with the focus, so that nothing closes the next list later
		b.see(`all(pane('Support'), 'suggestion').length === 0`)
		b.press(`composer('Support')`)
		b.keys("en")
		b.see(`composer('Support').value === '/mention @ben' && all(pane('Support'), 'suggestion').length === 1`)
		b.keys("\n")
		b.see(`composer('Support').value === '/mention @ben_carter '`)
		b.keys("\n")
		b.see(`message('Support', 'Ben Carter is on the ticket now, with a topic in Engineering')`)
		b.see(`topics('Engineering').length === 1 && hint() === 4`)
	})
	section("Mention, by the card's buttons", func() {
		b.press(`button('Support', 'Mention')`)
		b.see(`message('Support', 'Who should join this ticket?')`)
		b.press(`button('Support', 'Dana Lee · Engineering')`)
		b.see(`message('Support', 'Dana Lee is on the ticket now')`)
		b.see(`topics('Engineering').length === 2 && all(document, 'toast').length === 0`)
	})
	section("the link leads to the other topic", func() {
		b.press(`message('Support', 'Ben Carter is on the ticket now').querySelector('a.link')`)
		b.see(`pane('Engineering').dataset.thread === topics('Engineering').at(-1).dataset.thread`)
		b.see(`message('Engineering', 'Grace Hill asks for your help with this ticket')`)
		b.see(`[...message('Engineering', 'asks for your help').querySelectorAll('a.link')].some(a => a.textContent === 'Support')`)
	})
	section("talk on both sides", func() {
		b.write("Support", "It smells of toner, <b>badly</b>. Can you come?")
		b.see(`text(message('Engineering', 'smells')) === 'Grace Hill\nIt smells of toner, <b>badly</b>. Can you come?'`)
		b.write("Engineering", "On **my** way with an extinguisher 🧯")
		b.see(`text(message('Support', 'extinguisher')) === 'Ben Carter\nOn my way with an extinguisher 🧯' && hint() === 5`)
		b.see(`[...message('Support', 'extinguisher').querySelectorAll('b')].map(x => x.textContent).join() === 'Ben Carter,my'`)
	})
	section("a reply points at the original", func() {
		b.press(`message('Support', 'extinguisher').querySelector('.bubble')`)
		b.see(`!all(pane('Support'), 'replying')[0].hidden`)
		b.write("Support", "Thank you!")
		b.see(`all(message('Engineering', 'Thank you!'), 'quote')[0].dataset.to === message('Engineering', 'extinguisher').dataset.id`)
		b.see(`message('Engineering', 'extinguisher').dataset.mine === 'true'`)
	})
	section("a note stays where it is", func() {
		b.write("Engineering", "// he always says so")
		b.write("Engineering", "It is out")
		b.see(`message('Support', 'It is out') && !message('Support', 'he always says so')`)
	})
	section("/close_ticket", func() {
		b.press(`one('hint-do')`)
		b.see(`composer('Support').value === '/close_ticket'`)
		b.keys(" New toner\n")
		b.see(`['Support', 'Engineering'].every(g => text(message(g, 'Grace Hill closed this ticket')).includes('Reason: New toner'))`)
		b.see(`topics('Support').every(t => t.dataset.closed === 'true') && topics('Engineering').every(t => t.dataset.closed === 'true')`)
		b.see(`['Support', 'Engineering'].every(g => service(g, 'closed the topic') && text(message(g, 'Opened by Grace Hill')).includes('Closed'))`)
		b.see(`hint() === 6`)
	})
	section("reopened from the other side", func() {
		b.press(`all(pane('Engineering'), 'pinned')[0]`)
		b.press(`button('Engineering', 'Reopen')`)
		b.see(`['Support', 'Engineering'].every(g => message(g, 'Ben Carter reopened this ticket') && service(g, 'reopened the topic'))`)
		b.see(`[...topics('Support'), ...topics('Engineering')].every(t => t.dataset.closed === 'false')`)
		b.write("Engineering", "One more thing")
		b.see(`message('Support', 'One more thing')`)
	})
	section("a ticket from a private chat", func() {
		b.until("open Grace Hill's private chat", `(() => {`+seeing+`
			const list = one('open-private'), option = [...list.options].find(o => o.textContent.includes('Grace Hill'));
			if (!option) return false;
			list.value = option.value;
			list.dispatchEvent(new Event('change'));
			return true;
		})()`)
		b.write("Grace Hill", "/create_ticket Lamp is out")
		b.see(`message('Grace Hill', 'Where should Lamp is out be opened?')`)
		b.press(`button('Grace Hill', 'Support')`)
		b.see(`message('Grace Hill', 'Ticket opened in Support: #2 Lamp is out') && topics('Support').length === 2`)
		b.see(`!all(pane('Grace Hill'), 'pinned')[0].hidden`)
		b.press(`topics('Support')[0]`)
		b.write("Grace Hill", "It is dark")
		b.see(`text(message('Support', 'It is dark')) === 'Grace Hill\nIt is dark'`)
		b.write("Support", "A new one is on its way")
		b.see(`message('Grace Hill', 'A new one is on its way')`)
	})
	section("a rich message, written as Markdown", func() {
		b.press(`all(pane('Grace Hill'), 'rich')[0]`)
		b.write("Grace Hill", "- two *new* lamps")
		b.see(`['Grace Hill', 'Support'].every(g => message(g, 'two new lamps').querySelector('[data-rich=ul] li [data-rich=italic]'))`)
		b.press(`all(pane('Grace Hill'), 'rich')[0]`)
	})
	section("two pictures as one album, and a place", func() {
		b.until("pick two pictures", `(() => {`+seeing+`
			const paint = (name, colour) => {
				const c = document.createElement('canvas'), g = c.getContext('2d');
				c.width = 320; c.height = 200; g.fillStyle = colour; g.fillRect(0, 0, 320, 200);
				const raw = atob(c.toDataURL('image/png').split(',')[1]);
				return new File([Uint8Array.from(raw, x => x.charCodeAt(0))], name, { type: 'image/png' });
			};
			const input = all(pane('Grace Hill'), 'file')[0], picked = new DataTransfer();
			picked.items.add(paint('red.png', '#a33'));
			picked.items.add(paint('blue.png', '#33a'));
			composer('Grace Hill').value = 'Before and after';
			input.files = picked.files;
			input.dispatchEvent(new Event('change'));
			return true;
		})()`)
		for _, pane := range []string{"Grace Hill", "Support"} {
			b.see(`(() => {
				const parts = all(pane('` + pane + `'), 'message').filter(m => m.dataset.album && m.querySelector('[data-kind=photo] img')?.naturalWidth > 0);
				return parts.length === 2 && parts[0].dataset.album === parts[1].dataset.album;
			})()`)
		}
		b.see(`message('Support', 'Before and after')`)
		b.press(`all(pane('Grace Hill'), 'more')[0]`)
		b.press(`all(pane('Grace Hill'), 'more-item').find(x => x.dataset.kind === 'location')`)
		b.press(`one('dialog-ok')`)
		b.see(`all(pane('Support'), 'media').some(m => m.dataset.kind === 'location')`)
	})
	section("the service starts again", func() {
		b.open("about:blank")
		stop()
		page, stop = serveOnce(t, dir)
		b.open(page)
		b.see(`topics('Support').length === 2 && topics('Engineering').length === 2`)
		b.see(`all(pane('Support'), 'message').filter(m => text(m).includes('is registered')).length === 1`)
		b.press(`topics('Support').at(-1)`)
		b.press(`topics('Engineering').at(-1)`)
		b.see(`message('Support', 'One more thing')`)
		b.write("Support", "Which one?")
		b.see(`text(message('Engineering', 'Which one?')) === 'Grace Hill\nWhich one?'`)
	})
	if wrong := b.complaints(); len(wrong) > 0 {
		t.Errorf("the page's console: %q", wrong)
	}
	b.open("about:blank") // an open event stream would delay the stop
	stop()
}

// serveOnce runs the service as `make run` does, on its own ports and with its files in dir, and returns the address
// of the page. The service has no limits of pace: flood control has its own tests. more are names and values of settings.
func serveOnce(t *testing.T, dir string) (page string, stop func()) {
	t.Helper()
	_, page, stop = serveSimulated(t, dir)
	return page, stop
}

// serveSimulated is serveOnce for a test that also needs the address of the service.
func serveSimulated(t *testing.T, dir string, more ...string) (addr, page string, stop func()) {
	t.Helper()
	settings := map[string]string{"HTTP_ADDR": "127.0.0.1:0", "DATA_DIR": dir,
		"DATABASE_URL":               "sqlite://" + filepath.Join(dir, "topicdesk.db"),
		"TELEGRAM_GLOBAL_PER_SECOND": "0", "TELEGRAM_CHAT_PER_SECOND": "0", "TELEGRAM_GROUP_PER_MINUTE": "0"}
	for i := 0; i < len(more); i += 2 {
		settings[more[i]] = more[i+1]
	}
	c, err := config.Load(func(name string) (string, bool) { v, ok := settings[name]; return v, ok }, "")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	started, ended := make(chan [2]string, 1), make(chan error, 1)
	log, gathered := gatherErrors(c, slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})))
	app := &App{Config: c, Log: log, Errors: gathered,
		Started: func(addr, simulatorURL string) { started <- [2]string{addr, simulatorURL} }}
	go func() { ended <- app.Run(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("the service ended with %v", err)
			}
		case <-time.After(seenWithin):
			t.Error("the service does not stop")
		}
	}
	t.Cleanup(stop)
	select {
	case at := <-started:
		addr, page = at[0], at[1]
	case err := <-ended:
		t.Fatalf("the service does not start: %v", err)
	case <-time.After(seenWithin):
		t.Fatal("the service does not start")
	}
	return addr, page, stop
}
