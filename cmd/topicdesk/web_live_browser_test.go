package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// webDesk is a service with its simulator, as a test plays the people beside a browser.
type webDesk struct {
	t          *testing.T
	addr, page string
	people     map[string]int64 // by first name
	groups     map[string]int64 // by title
}

func newWebDesk(t *testing.T, settings ...string) *webDesk {
	t.Helper()
	d := &webDesk{t: t, people: map[string]int64{}, groups: map[string]int64{}}
	d.addr, d.page, _ = serveSimulated(t, t.TempDir(), settings...)
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	d.sim("flood", map[string]any{"on": false}, nil)
	var state struct {
		People []struct {
			ID        int64
			FirstName string
		}
		Groups []struct {
			ID    int64
			Title string
		}
	}
	d.sim("state", nil, &state)
	for _, p := range state.People {
		d.people[p.FirstName] = p.ID
	}
	for _, g := range state.Groups {
		d.groups[g.Title] = g.ID
	}
	d.read(d.groups["Support"], 0, `Support is registered`)
	return d
}

// sim asks the simulator; a body is posted.
func (d *webDesk) sim(what string, body, into any) {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.t.Context(), seenWithin)
	defer cancel()
	sent, err := json.Marshal(body)
	if err != nil {
		d.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.page+"/sim/"+what, bytes.NewReader(sent))
	if body == nil {
		req, err = http.NewRequestWithContext(ctx, http.MethodGet, d.page+"/sim/"+what, nil)
	}
	if err != nil {
		d.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		d.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		d.t.Fatalf("the simulator answers %s to %s", res.Status, what)
	}
	if into != nil {
		if err := json.NewDecoder(res.Body).Decode(into); err != nil {
			d.t.Fatal(err)
		}
	}
}

// say posts a text as a person; chat 0 is their private chat.
func (d *webDesk) say(person string, chat int64, thread int, text string) {
	d.t.Helper()
	d.sim("post", map[string]any{"from": d.people[person], "chat": chat, "thread": thread, "text": text}, nil)
}

// read waits for a text in a chat, and returns what a pattern finds there, and the thread. thread -1: any.
func (d *webDesk) read(chat int64, thread int, pattern string) (found string, in int) {
	d.t.Helper()
	find, inVain := regexp.MustCompile(pattern), time.After(seenWithin)
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for {
		var list struct {
			Messages []struct {
				Text   string
				Thread int
			}
		}
		d.sim(fmt.Sprintf("messages?chat=%d&thread=%d", chat, thread), nil, &list)
		for _, m := range list.Messages {
			if find.MatchString(m.Text) {
				return find.FindString(m.Text), m.Thread
			}
		}
		select {
		case <-again.C:
		case <-inVain:
			d.t.Fatalf("nobody has written %s", pattern)
		}
	}
}

// open opens a ticket as a person, and returns its thread.
func (d *webDesk) open(person, group, title string) (thread int) {
	d.t.Helper()
	d.say(person, d.groups[group], 0, "/create_ticket "+title)
	_, thread = d.read(d.groups[group], -1, regexp.QuoteMeta(title)+`[\s\S]*Opened by`)
	return thread
}

// signIn signs a person in, at the service or a proxy of it.
func (b *browser) signIn(d *webDesk, person, address string) {
	b.t.Helper()
	d.say(person, 0, 0, "/web")
	path, _ := d.read(d.people[person], -1, `/sign-in\?\S+`)
	b.visit("http://" + address + path)
	b.press(`one('sign-in')`)
	b.see(`location.pathname === '/' && document.querySelector('[data-inbox]')`)
}

func (b *browser) visit(address string) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, chromedp.Navigate(address)); err != nil {
		b.t.Fatalf("%s: %v", address, err)
	}
}

// line is the way to the service, which can be cut.
type line struct {
	t      *testing.T
	addr   string
	proxy  *httputil.ReverseProxy
	server *http.Server
}

func newLine(t *testing.T, to string) *line {
	t.Helper()
	l := &line{t: t, addr: "127.0.0.1:0"}
	l.proxy = httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: to})
	l.proxy.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) }
	l.proxy.Transport = &http.Transport{DisableKeepAlives: true}
	l.mend()
	t.Cleanup(l.cut)
	return l
}

func (l *line) mend() {
	l.t.Helper()
	ln, err := net.Listen("tcp", l.addr)
	if err != nil {
		l.t.Fatal(err)
	}
	l.addr = ln.Addr().String()
	server := &http.Server{Handler: l.proxy, ReadHeaderTimeout: seenWithin}
	l.server = server
	go func() {
		if err := server.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			l.t.Error(err)
		}
	}()
}

func (l *line) cut() { _ = l.server.Close() }

// hidden makes a page believe that nobody looks at it, as in a tab that is not in front, or that somebody does again.
func (b *browser) hidden(is bool) {
	b.t.Helper()
	b.until("hide or show the page", fmt.Sprintf(`(() => {
		Object.defineProperty(document, 'hidden', { value: %v, configurable: true });
		document.dispatchEvent(new Event('visibilitychange'));
		return true;
	})()`, is))
}

// TestWebDeskStaysLiveInTheBrowser: what others do meanwhile changes what one can do; a page says when it is not connected,
// and makes up for what it has missed, also while it was hidden.
func TestWebDeskStaysLiveInTheBrowser(t *testing.T) {
	b := newBrowser(t)
	d := newWebDesk(t)
	way := newLine(t, d.addr)
	support := d.groups["Support"]
	thread := d.open("Grace", "Support", "Printer is on fire")
	b.signIn(d, "Grace", way.addr)

	// the composer follows, also under who writes
	b.press(`one('ticket')`)
	b.see(`document.querySelector('[data-live=true]')`)
	b.press(`one('answer')`)
	b.keys("I am on my")
	d.say("Grace", support, thread, "/close_ticket")
	b.see(`one('state').classList.contains('closed') && !one('answer') && one('kept').textContent === 'I am on my'`)
	d.say("Alice", support, thread, "/reopen_ticket")
	b.see(`one('state').classList.contains('open') && one('answer').value === 'I am on my' && document.activeElement === one('answer')`)

	// the connection
	way.cut()
	b.see(`document.getElementById('offline').textContent.includes('Not connected')`)
	d.say("Grace", support, thread, "Said meanwhile")
	d.read(support, thread, "Said meanwhile")
	way.mend()
	b.see(`document.getElementById('offline').textContent === '' && one('timeline').textContent.includes('Said meanwhile')`)

	// a page at which nobody looks
	b.hidden(true)
	b.see(`!document.querySelector('[data-live]')`)
	d.say("Grace", support, thread, "Said unseen")
	d.read(support, thread, "Said unseen")
	b.hidden(false)
	b.see(`document.querySelector('[data-live=true]') && one('timeline').textContent.includes('Said unseen')`)

	// the inbox, too: what is new is unread
	b.visit("http://" + way.addr + "/")
	b.see(`document.querySelector('[data-live=true]') && all(document, 'ticket').length === 1 && !document.querySelector('.unread')`)
	d.say("Alice", support, thread, "I can help")
	b.see(`document.querySelector('.unread') && one('ticket').textContent.includes('I can help')`)
	b.press(`one('ticket')`)
	b.see(`one('timeline')`)
	b.visit("http://" + way.addr + "/")
	b.see(`document.querySelector('[data-live=true]') && all(document, 'ticket').length === 1 && !document.querySelector('.unread')`)
	d.open("Alice", "Support", "Paper is out") // the row of the other ticket is not sent again, and stays
	b.see(`all(document, 'ticket').length === 2 && ['Paper is out', 'I can help'].every(words => all(document, 'ticket').some(row => row.textContent.includes(words)))
		&& performance.getEntriesByType('resource').some(asked => /[?&]have=[0-9a-f]/.test(asked.name))`)
	way.cut()
	b.see(`document.getElementById('offline').textContent.includes('Not connected')`)
	way.mend()
	b.see(`document.getElementById('offline').textContent === ''`)
	for _, line := range b.complaints() {
		if !strings.Contains(line, "Failed to load resource") && !strings.Contains(line, "ERR_") {
			t.Errorf("the console complains: %s", line)
		}
	}
}
