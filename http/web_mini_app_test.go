package httpedge_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	httpedge "github.com/topicdesk/topicdesk/http"
	"github.com/topicdesk/topicdesk/simulator"
)

// TestWebMiniApp: Telegram's word about who opened the desk signs in, once, for five minutes.
func TestWebMiniApp(t *testing.T) {
	var passed atomic.Int64
	s := newService(t, serviceOptions{api: httpedge.APIOptions{PublicURL: "https://desk.example.org"},
		now: func() time.Time { return time.Now().Add(time.Duration(passed.Load())) }})
	s.register()
	max := s.newPerson("Max", s.support)
	stranger := s.newPerson("Sam", 0)
	ticket := s.opened(s.ann, s.support, "Printer is on fire")
	s.opened(max, s.support, "Known since then")
	data := func(person int64, age time.Duration) string {
		t.Helper()
		signed, err := s.sim.InitData(person, time.Now().Add(time.Duration(passed.Load())-age))
		s.must(err)
		return signed
	}
	post := func(v *visitor, data string, headers ...string) *page {
		t.Helper()
		return v.send(http.MethodPost, "/sign-in/mini-app", url.Values{"data": {data}}, append([]string{"HX-Request", "true"}, headers...)...)
	}
	s.run(t, "the bot offers it", func(t *testing.T) {
		s.offer(s.ann)
		offers := func(m simulator.Message) bool {
			return len(m.Buttons) == 1 && m.Buttons[0][0].App == "https://desk.example.org/sign-in/mini-app"
		}
		if !slices.ContainsFunc(s.sim.Messages(s.ann, 0), offers) {
			t.Error("it does not")
		}
	})
	s.run(t, "once, with a cookie for https only", func(t *testing.T) {
		v, signed := &visitor{s: s}, data(s.ann, 0)
		p := post(v, signed)
		cookie := strings.ToLower(p.header.Get("Set-Cookie"))
		if p.status != http.StatusNoContent || !strings.HasPrefix(cookie, "__host-") || !strings.Contains(cookie, "secure") || !strings.Contains(cookie, "httponly") {
			t.Fatal(p.status, p.header, p.body)
		}
		v.take(p)
		if !v.shows("/", ticket.TicketID)() {
			t.Error(v.get("/").body)
		}
		if p := post(v, signed); p.status != http.StatusNoContent || p.header.Get("Set-Cookie") != "" {
			t.Errorf("loaded again: %d %v", p.status, p.header)
		}
		q, err := url.ParseQuery(signed)
		s.must(err)
		q.Set("hash", strings.ToUpper(q.Get("hash")))
		shuffled := "user=" + url.QueryEscape(q.Get("user")) + "&hash=" + q.Get("hash") + "&query_id=" + q.Get("query_id") + "&auth_date=" + q.Get("auth_date")
		for name, again := range map[string]string{"again": signed, "written in another way": shuffled} {
			if p := post(&visitor{s: s}, again); p.status != http.StatusForbidden || p.header.Get("Set-Cookie") != "" {
				t.Errorf("%s: %d", name, p.status)
			}
		}
		s.restart()
		if p := post(&visitor{s: s}, signed); p.status != http.StatusForbidden {
			t.Errorf("after a restart: %d", p.status)
		}
	})
	s.run(t, "not when it is old, from the future, forged, from another site, or about somebody whom the desk does not know", func(t *testing.T) {
		good := data(s.ann, 0)
		for name, bad := range map[string]string{"old": data(s.ann, 5*time.Minute+time.Second), "early": data(s.ann, -2*time.Minute),
			"forged": good[:len(good)-10], "unknown": data(stranger, 0), "empty": "",
			"another": strings.Replace(good, "Ann", "Eve", 1), "long": strings.Repeat("x", 100_000)} {
			if p := post(&visitor{s: s}, bad); p.status != http.StatusForbidden || p.header.Get("Set-Cookie") != "" || strings.Contains(p.body, "{") {
				t.Errorf("%s: %d %s", name, p.status, p.body)
			}
		}
		if p := post(&visitor{s: s}, good, "Sec-Fetch-Site", "cross-site"); p.status != http.StatusForbidden {
			t.Errorf("from another site: %d", p.status)
		}
		if p := post(&visitor{s: s}, good); p.status != http.StatusNoContent {
			t.Errorf("it is used up: %d", p.status)
		}
	})
	s.run(t, "another person in the same browser replaces the session", func(t *testing.T) {
		v := &visitor{s: s}
		v.take(post(v, data(s.ann, 2*time.Second)))
		former := *v
		v.take(post(v, data(max, 0)))
		if !v.shows("/", "Max")() || former.get("/tickets/1").status != http.StatusSeeOther {
			t.Error("the former session lives on")
		}
	})
	s.run(t, "at most twenty within five minutes", func(t *testing.T) {
		passed.Add(int64(10 * time.Minute))
		status := http.StatusNoContent
		n := 0
		for ; n < 40 && status == http.StatusNoContent; n++ {
			status = post(&visitor{s: s}, data(s.ann, time.Duration(n)*time.Second)).status
		}
		if n != 21 || status != http.StatusForbidden {
			t.Errorf("%d, %d", n, status)
		}
	})
	s.run(t, "the page keeps to the policy, and an address that fails often has to wait", func(t *testing.T) {
		p := (&visitor{s: s}).get("/sign-in/mini-app")
		if p.status != 200 || !strings.Contains(p.header.Get("Content-Security-Policy"), "script-src 'self'") || strings.Contains(p.body, "<script>") {
			t.Error(p.status, p.body)
		}
		status := 0
		for i := 0; i < 80 && status != http.StatusTooManyRequests; i++ {
			p = post(&visitor{s: s}, "x")
			status = p.status
		}
		if !strings.HasPrefix(p.body, "Too many failures") {
			t.Error("a script shows it, and no page:", p.body)
		}
		if status != http.StatusTooManyRequests {
			t.Error(status)
		}
	})
}

// TestWebMiniAppNeedsHTTPS: Telegram opens none at another address, so there is no page for it.
func TestWebMiniAppNeedsHTTPS(t *testing.T) {
	s := newService(t, serviceOptions{})
	s.register()
	signed, err := s.sim.InitData(s.ann, time.Now())
	s.must(err)
	v := &visitor{s: s}
	if v.get("/sign-in/mini-app").status != http.StatusNotFound ||
		v.send(http.MethodPost, "/sign-in/mini-app", url.Values{"data": {signed}}).status != http.StatusNotFound {
		t.Error("there is one")
	}
	s.offer(s.ann)
	if slices.ContainsFunc(s.sim.Messages(s.ann, 0), func(m simulator.Message) bool { return len(m.Buttons) > 0 }) {
		t.Error("the bot offers it")
	}
}
