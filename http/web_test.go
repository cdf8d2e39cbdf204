package httpedge_test

import (
	"bufio"
	"context"
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/simulator"
	"github.com/topicdesk/topicdesk/storage"
)

// visitor is a browser at the web desk, without scripts.
type visitor struct {
	s      *service
	cookie string // as it is sent; "": nobody is signed in
}

// page is what a visitor gets.
type page struct {
	status int
	header http.Header
	body   string
}

func (v *visitor) send(method, path string, form url.Values, headers ...string) *page {
	v.s.t.Helper()
	ctx, cancel := context.WithTimeout(v.s.t.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, v.s.url+path, strings.NewReader(form.Encode()))
	v.s.must(err)
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if v.cookie != "" {
		req.Header.Set("Cookie", v.cookie)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := v.s.http.Do(req)
	v.s.must(err)
	defer func() { _ = res.Body.Close() }()
	p := &page{status: res.StatusCode, header: res.Header}
	if res.Header.Get("Content-Type") == "text/event-stream" && method != http.MethodHead {
		p.body, err = bufio.NewReader(res.Body).ReadString('\n') // it has no end
		v.s.must(err)
		return p
	}
	body, err := io.ReadAll(res.Body)
	v.s.must(err)
	p.body = string(body)
	return p
}

func (v *visitor) get(path string) *page { v.s.t.Helper(); return v.send(http.MethodGet, path, nil) }

// csrf is the token in the forms of the inbox.
func (v *visitor) csrf() string {
	v.s.t.Helper()
	found := regexp.MustCompile(`name="csrf" value="([^"]+)"`).FindStringSubmatch(v.get("/").body)
	if found == nil {
		v.s.t.Fatal("no form has a token")
	}
	return found[1]
}

var signInAddress = regexp.MustCompile(`/sign-in\?(\S+)`)

// offer has a person send /web, and returns what the bot's answer leads to.
func (s *service) offer(person int64) url.Values {
	s.t.Helper()
	before := len(s.sim.Messages(person, 0))
	_, err := s.sim.Post(simulator.Post{From: person, Text: "/web"})
	s.must(err)
	var query url.Values
	s.await("the bot's address", func() bool {
		for _, m := range s.sim.Messages(person, 0)[before:] {
			text := m.Text
			for _, e := range m.Entities { // an address that opens elsewhere, too, is a link
				text += " " + e.URL
			}
			if found := signInAddress.FindStringSubmatch(text); found != nil {
				query, err = url.ParseQuery(found[1])
				return err == nil
			}
		}
		return false
	})
	return query
}

// signIn signs a person in.
func (s *service) signIn(person int64) *visitor {
	s.t.Helper()
	v := &visitor{s: s}
	p := v.send(http.MethodPost, "/sign-in", s.offer(person))
	if p.status != http.StatusSeeOther {
		s.t.Fatalf("signing in: %d %s", p.status, p.body)
	}
	v.take(p)
	return v
}

// take keeps the cookie that came.
func (v *visitor) take(p *page) { v.cookie, _, _ = strings.Cut(p.header.Get("Set-Cookie"), ";") }

// newPerson makes somebody who is a member of a group; 0: of none.
func (s *service) newPerson(name string, group int64) int64 {
	s.t.Helper()
	p, err := s.sim.AddPerson(simulator.Person{FirstName: name, LanguageCode: "en"})
	s.must(err)
	if group != 0 {
		s.must(s.sim.SetMember(group, p.ID, simulator.Member))
	}
	return p.ID
}

func TestWebSignIn(t *testing.T) {
	s := newService(t, serviceOptions{})
	s.register()
	s.run(t, "once, and opening the address uses nothing up", func(t *testing.T) {
		offer, v := s.offer(s.ann), &visitor{s: s}
		for range 3 {
			if p := v.get("/sign-in?" + offer.Encode()); p.status != 200 || p.header.Get("Set-Cookie") != "" ||
				!strings.Contains(p.body, offer.Get("t")) {
				t.Fatalf("%d %v %s", p.status, p.header, p.body)
			}
		}
		p := v.send(http.MethodPost, "/sign-in", offer)
		cookie := strings.ToLower(p.header.Get("Set-Cookie"))
		if p.status != http.StatusSeeOther || !strings.Contains(cookie, "httponly") || !strings.Contains(cookie, "samesite=lax") {
			t.Fatalf("%d %v", p.status, p.header)
		}
		v.take(p)
		if p := v.get("/"); p.status != 200 || !strings.Contains(p.body, "Ann") {
			t.Errorf("the inbox: %d %s", p.status, p.body)
		}
		again := &visitor{s: s}
		if p := again.send(http.MethodPost, "/sign-in", offer); p.status != http.StatusForbidden || p.header.Get("Set-Cookie") != "" {
			t.Errorf("the second time: %d %v", p.status, p.header)
		}
		for _, wrong := range []url.Values{{"u": {offer.Get("u")}, "t": {"AAAAAAAAAAAAAAAAAAAAAAAAAA"}},
			{"u": {"1"}, "t": {offer.Get("t")}}, {"u": {"x"}, "t": {""}}, {}} {
			if p := again.send(http.MethodPost, "/sign-in", wrong); p.status != http.StatusForbidden {
				t.Errorf("%v: %d", wrong, p.status)
			}
		}
	})
	s.run(t, "not from another site", func(t *testing.T) {
		offer := s.offer(s.ann)
		for _, header := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Origin", "https://evil.example"}, {"Origin", "null"}} {
			if p := (&visitor{s: s}).send(http.MethodPost, "/sign-in", offer, header...); p.status != http.StatusForbidden {
				t.Errorf("%v: %d", header, p.status)
			}
		}
	})
	s.run(t, "an offer and a session end by themselves, after 5 minutes and 12 hours", func(t *testing.T) {
		lasts := func(what string, want time.Duration, began time.Time, newest func(*storage.User) []storage.WebSecret) {
			t.Helper()
			u, err := s.store.User(t.Context(), s.ann)
			s.must(err)
			all := newest(u)
			if until := all[len(all)-1].ExpiresAt; until.Before(began.Add(want).Truncate(time.Millisecond)) || until.After(time.Now().Add(want)) {
				t.Errorf("%s that began between %s and now lasts until %s", what, began, until)
			}
		}
		began := time.Now()
		offer := s.offer(s.ann)
		lasts("an offer", 5*time.Minute, began, func(u *storage.User) []storage.WebSecret { return u.WebOffers })
		began = time.Now()
		v := s.signIn(s.ann)
		lasts("a session", 12*time.Hour, began, func(u *storage.User) []storage.WebSecret { return u.WebSessions })
		past := time.Now().Add(-time.Second)
		s.changeUser(s.ann, func(u *storage.User) {
			for i := range u.WebOffers {
				u.WebOffers[i].ExpiresAt = past
			}
			for i := range u.WebSessions {
				u.WebSessions[i].ExpiresAt = past
			}
		})
		if p := (&visitor{s: s}).send(http.MethodPost, "/sign-in", offer); p.status != http.StatusForbidden {
			t.Errorf("an expired offer: %d", p.status)
		}
		if p := v.get("/tickets/1"); p.status != http.StatusSeeOther || p.header.Get("Location") != "/sign-in" {
			t.Errorf("an expired session: %d %v", p.status, p.header)
		}
	})
	s.run(t, "/web off ends all sessions, and says so", func(t *testing.T) {
		one, two, offer := s.signIn(s.ann), s.signIn(s.ann), s.offer(s.ann)
		_, err := s.sim.Post(simulator.Post{From: s.ann, Text: "/web off"})
		s.must(err)
		s.awaitText(s.ann, 0, "2 sessions are ended")
		for _, v := range []*visitor{one, two} {
			if p := v.get("/tickets/1"); p.status != http.StatusSeeOther {
				t.Errorf("a revoked session: %d", p.status)
			}
		}
		if p := one.send(http.MethodPost, "/sign-in", offer); p.status != http.StatusForbidden {
			t.Errorf("a revoked offer: %d", p.status)
		}
	})
	s.run(t, "signing out ends this session", func(t *testing.T) {
		v, other := s.signIn(s.ann), s.signIn(s.ann)
		if p := v.send(http.MethodPost, "/sign-out", url.Values{"csrf": {v.csrf()}}); p.status != http.StatusSeeOther {
			t.Fatal(p.status)
		}
		if v.get("/tickets/1").status != http.StatusSeeOther || other.get("/").status != 200 {
			t.Error("another session ended, or this one did not")
		}
	})
	s.run(t, "at most 10 sessions", func(t *testing.T) {
		first := s.signIn(s.ann)
		for range 10 {
			s.signIn(s.ann)
		}
		if p := first.get("/tickets/1"); p.status != http.StatusSeeOther {
			t.Errorf("the oldest session: %d", p.status)
		}
		u, err := s.store.User(t.Context(), s.ann)
		s.must(err)
		if len(u.WebSessions) != 10 {
			t.Errorf("%d sessions are kept", len(u.WebSessions))
		}
	})
	s.run(t, "an address that fails often has to wait", func(t *testing.T) {
		v, status, p := &visitor{s: s}, 0, &page{}
		for tries := 0; tries < 5 && p.status != http.StatusTooManyRequests; tries++ { // on a machine that stalls, the wait is over at once
			offer := s.offer(s.ann)
			status = 0
			for i := 0; i < 60 && status != http.StatusTooManyRequests; i++ {
				status = v.send(http.MethodPost, "/sign-in", url.Values{"u": {"1"}, "t": {"wrong"}}).status
			}
			p = v.send(http.MethodPost, "/sign-in", offer)
		}
		if status != http.StatusTooManyRequests || p.status != http.StatusTooManyRequests || p.header.Get("Retry-After") == "" {
			t.Errorf("%d, %d %v", status, p.status, p.header)
		}
	})
	s.run(t, "in a group the bot says where, and no address", func(t *testing.T) {
		_, err := s.sim.Post(simulator.Post{From: s.ann, Chat: s.support, Text: "/web"})
		s.must(err)
		if m := s.awaitText(s.support, 0, "private chat: signing in"); strings.Contains(m.Text, "sign-in?") {
			t.Error(m.Text)
		}
	})
}

// changeUser changes a person's record while the desk is stopped, so that no entity has another in memory.
func (s *service) changeUser(id int64, change func(*storage.User)) {
	s.t.Helper()
	s.stop()
	s.start()
	u, err := s.store.User(s.t.Context(), id)
	s.must(err)
	change(u)
	s.must(s.store.SaveUser(s.t.Context(), u))
}

// opened opens a ticket by hand and returns it as the store has it.
func (s *service) opened(person, group int64, title string) *storage.Ticket {
	s.t.Helper()
	_, err := s.sim.Post(simulator.Post{From: person, Chat: group, Text: "/create_ticket " + title})
	s.must(err)
	return s.ticketCalled(title)
}

// ticketCalled waits until a ticket with that title has its topic.
func (s *service) ticketCalled(title string) *storage.Ticket {
	s.t.Helper()
	var found *storage.Ticket
	s.await("the ticket "+title, func() bool {
		page, err := s.store.ListTickets(s.t.Context(), storage.TicketQuery{Limit: 100})
		s.must(err)
		for i := range page.Tickets {
			if t := &page.Tickets[i]; t.Title == title && t.Home.TelegramTopicID != 0 {
				found = t
			}
		}
		return found != nil
	})
	return found
}

func TestWebTicket(t *testing.T) {
	s := newService(t, serviceOptions{})
	s.register()
	const script = `<script>alert("x")</script> & "fire"`
	ticket := s.opened(s.ann, s.support, script)
	v, address := s.signIn(s.ann), "/tickets/"+ticket.TicketID
	s.run(t, "a title with a script is text", func(t *testing.T) {
		for _, path := range []string{"/", address, "/?q=alert"} {
			p := v.get(path)
			if p.status != 200 || strings.Contains(p.body, "<script>alert") || !strings.Contains(html.UnescapeString(p.body), script) {
				t.Errorf("%s: %d %s", path, p.status, p.body)
			}
			if csp := p.header.Get("Content-Security-Policy"); strings.Contains(csp, "unsafe") || !strings.Contains(csp, "script-src 'self'") {
				t.Errorf("%s: %s", path, csp)
			}
			if regexp.MustCompile(`(?i)<style|\sstyle=|\son[a-z]+=|<script>`).MatchString(p.body) {
				t.Errorf("%s has something inline: %s", path, p.body)
			}
		}
	})
	s.run(t, "found by state, number and words", func(t *testing.T) {
		for path, want := range map[string]bool{"/?state=open": true, "/?state=closed": false, "/?state=all": true,
			"/?q=fire": true, "/?q=water": false, "/?q=%23" + strconv.FormatInt(ticket.Number, 10): true,
			"/?group=" + strconv.FormatInt(s.support, 10): true, "/?group=" + strconv.FormatInt(s.sales, 10): false, "/?q=x": false} {
			if p := v.get(path); p.status != 200 || strings.Contains(p.body, ticket.TicketID) != want {
				t.Errorf("%s: %d, found %v", path, p.status, !want)
			}
		}
	})
	s.run(t, "found by Thai words, which have no spaces between them", func(t *testing.T) {
		fire, lamp := s.opened(s.ann, s.support, "เครื่องพิมพ์ไฟไหม้ที่ชั้นสาม"), s.opened(s.ann, s.support, "หลอดไฟเสียที่ชั้นสอง")
		for q, want := range map[string][2]bool{"ไฟไหม้": {true, false}, "หลอดไฟ": {false, true}, "ที่ชั้น": {true, true}, "เครื่องพิมพ์ ชั้นสาม": {true, false},
			"น้ำท่วม": {false, false}} {
			p := v.get("/?q=" + url.QueryEscape(q))
			if got := [2]bool{strings.Contains(p.body, fire.TicketID), strings.Contains(p.body, lamp.TicketID)}; got != want || !p.has(`name="q" value="`+q+`"`) {
				t.Errorf("%s: %v, want %v: %s", q, got, want, p.body)
			}
		}
	})
	s.run(t, "an answer goes out under the person's name, once", func(t *testing.T) {
		form := url.Values{"csrf": {v.csrf()}, "form": {"one"}, "text": {"I am on my way"}}
		for range 2 {
			if p := v.send(http.MethodPost, address+"/answer", form); p.status != http.StatusSeeOther {
				t.Fatal(p.status, p.body)
			}
		}
		m := s.awaitText(s.support, int(ticket.Home.TelegramTopicID), "I am on my way")
		if !strings.HasPrefix(m.Text, "Ann") {
			t.Errorf("the copy says %q", m.Text)
		}
		if p := v.get(address); strings.Count(p.body, "I am on my way") != 1 {
			t.Errorf("the page: %s", p.body)
		}
	})
	s.run(t, "nothing without the token, or from another site", func(t *testing.T) {
		good := url.Values{"csrf": {v.csrf()}, "text": {"forged"}}
		other := url.Values{"csrf": {s.signIn(s.ann).csrf()}, "text": {"forged"}}
		for name, p := range map[string]*page{
			"none":    v.send(http.MethodPost, address+"/answer", url.Values{"text": {"forged"}}),
			"another": v.send(http.MethodPost, address+"/answer", other),
			"site":    v.send(http.MethodPost, address+"/answer", good, "Sec-Fetch-Site", "cross-site"),
			"origin":  v.send(http.MethodPost, address+"/answer", good, "Origin", "https://evil.example"),
			"close":   v.send(http.MethodPost, address+"/close", url.Values{}),
		} {
			if p.status != http.StatusForbidden {
				t.Errorf("%s: %d", name, p.status)
			}
		}
		if p := v.get(address); strings.Contains(p.body, "forged") {
			t.Error("it was sent")
		}
	})
	s.run(t, "a note, an edit and a reaction are shown", func(t *testing.T) {
		thread := int(ticket.Home.TelegramTopicID)
		say := func(text string) simulator.Message {
			m, err := s.sim.Post(simulator.Post{From: s.ann, Chat: s.support, Thread: thread, Text: text})
			s.must(err)
			return m
		}
		say("// just for us")
		edited := say("Third flor")
		shows := func(parts ...string) func() bool {
			return func() bool {
				body := v.get(address).body
				return !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(body, part) })
			}
		}
		s.await("the note and the message", shows("just for us", "internal note", "Third flor"))
		_, err := s.sim.Edit(s.ann, s.support, edited.ID, "Third floor")
		s.must(err)
		s.must(s.sim.React(s.ann, s.support, edited.ID, "👍"))
		s.await("the edit and the reaction", shows("Third floor", "edited", "👍"))
		outsider := s.newPerson("Otto", s.sales)
		if p := s.signIn(outsider).get(address); p.status != http.StatusNotFound {
			t.Errorf("a member of another group: %d", p.status)
		}
	})
	s.run(t, "close and reopen as in Telegram", func(t *testing.T) {
		form := url.Values{"csrf": {v.csrf()}, "form": {"c"}, "reason": {"Put out"}}
		if p := v.send(http.MethodPost, address+"/close", form); p.status != http.StatusSeeOther {
			t.Fatal(p.status, p.body)
		}
		s.awaitText(s.support, int(ticket.Home.TelegramTopicID), "Put out")
		s.await("the page says closed", func() bool { return strings.Contains(v.get(address).body, `class="state closed"`) })
		answer := url.Values{"csrf": {v.csrf()}, "form": {"late"}, "text": {"late"}}
		if p := v.send(http.MethodPost, address+"/answer", answer, "HX-Request", "true"); p.status != http.StatusConflict ||
			!strings.Contains(p.body, "closed") {
			t.Errorf("an answer to a closed ticket: %d %s", p.status, p.body)
		}
		form.Set("form", "r")
		v.send(http.MethodPost, address+"/reopen", form)
		s.await("the page says open", func() bool { return strings.Contains(v.get(address).body, `class="state open"`) })
		member := s.signIn(s.newPerson("Max", s.support))
		form = url.Values{"csrf": {member.csrf()}}
		if p := member.send(http.MethodPost, address+"/close", form); p.status != http.StatusForbidden {
			t.Errorf("somebody who is only a member closes: %d", p.status)
		}
	})
}
