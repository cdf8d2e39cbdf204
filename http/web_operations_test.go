package httpedge_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// signInByKey signs in with an API key.
func (s *service) signInByKey(key string) *visitor {
	s.t.Helper()
	v := &visitor{s: s}
	p := v.send(http.MethodPost, "/sign-in", url.Values{"key": {" " + key + "\n"}})
	if p.status != http.StatusSeeOther || p.header.Get("Location") != "/operations" {
		s.t.Fatalf("signing in: %d %s", p.status, p.body)
	}
	v.take(p)
	return v
}

// idOf is the id of an API key.
func idOf(key string) string {
	id, _ := messages.APIKeyID(key)
	return id
}

// post sends a form as a page of the session has it, and follows where it leads.
func (v *visitor) post(path string, form url.Values) *page {
	v.s.t.Helper()
	if form == nil {
		form = url.Values{}
	}
	form.Set("csrf", v.token())
	p := v.send(http.MethodPost, path, form)
	if p.status == http.StatusSeeOther {
		return v.get(p.header.Get("Location"))
	}
	return p
}

// token is that of the session's forms; every page has one, to sign out.
func (v *visitor) token() string {
	v.s.t.Helper()
	first := v.get("/operations")
	if first.status == http.StatusSeeOther {
		first = v.get(first.header.Get("Location"))
	}
	found := regexp.MustCompile(`name="csrf" value="([^"]+)"`).FindStringSubmatch(first.body)
	if found == nil {
		v.s.t.Fatal("no form has a token")
	}
	return found[1]
}

// operationsPages are the pages by the scope that each needs.
var operationsPages = map[string]string{"overview": "monitoring:read", "groups": "monitoring:read", "people": "users:read", "tickets": "tickets:read",
	"webhooks": "webhooks:read", "keys": "keys:read", "errors": "monitoring:read", "reports": "reports:read", "nodes": "admin"}

func TestWebSignInByKey(t *testing.T) {
	s := newService(t, serviceOptions{})
	s.register()
	gone := func(t *testing.T, v *visitor) {
		t.Helper()
		for _, path := range []string{"/operations/webhooks", "/operations"} {
			if p := v.get(path); p.status != http.StatusSeeOther || p.header.Get("Location") != messages.WebSignInPath {
				t.Errorf("%s: %d %v", path, p.status, p.header)
			}
		}
	}
	s.run(t, "the browser keeps a secret of its own, and no page the key", func(t *testing.T) {
		key := s.key(nil, "admin")
		v := &visitor{s: s}
		p := v.send(http.MethodPost, "/sign-in", url.Values{"key": {key}})
		cookie := p.header.Get("Set-Cookie")
		for _, want := range []string{"HttpOnly", "SameSite=Lax"} {
			if !strings.Contains(cookie, want) {
				t.Errorf("the cookie lacks %s: %s", want, cookie)
			}
		}
		v.take(p)
		for name := range operationsPages {
			if page := v.get("/operations/" + name); page.status != 200 || strings.Contains(page.body+cookie, key[20:]) {
				t.Errorf("%s: %d", name, page.status)
			}
		}
		record, err := s.store.APIKey(t.Context(), idOf(key))
		s.must(err)
		if len(record.WebSessions) != 1 || strings.Contains(string(record.WebSessions[0].Hash), strings.SplitN(v.cookie, ".", 2)[1]) {
			t.Errorf("%+v", record.WebSessions)
		}
		if left := time.Until(record.WebSessions[0].ExpiresAt); left > 12*time.Hour || left < 11*time.Hour {
			t.Errorf("it lasts %v", left)
		}
	})
	s.run(t, "a revoked key, an expired one and a former secret end their sessions", func(t *testing.T) {
		admin, other := s.key(nil, "admin"), s.key(nil, "webhooks:read")
		v, rotated := s.signInByKey(other), s.key(nil, "webhooks:read")
		if p := v.get("/operations/webhooks"); p.status != 200 {
			t.Fatal(p.status, p.body)
		}
		s.do("DELETE", "/api/v1/api-keys/"+idOf(other), admin, nil).is(204)
		gone(t, v)
		v = s.signInByKey(rotated)
		s.do("POST", "/api/v1/api-keys/"+idOf(rotated)+"/rotate", admin, object{"overlapSeconds": 0}).is(200)
		gone(t, v)
		expiring := s.key(func(k *storage.APIKey) { k.ExpiresAt = time.Now().Add(time.Hour) }, "webhooks:read")
		v = s.signInByKey(expiring)
		s.changeKey(expiring, func(k *storage.APIKey) { k.ExpiresAt = time.Now().Add(-time.Second) })
		gone(t, v)
	})
	s.run(t, "an expired session, one that signed out, and no other", func(t *testing.T) {
		key := s.key(nil, "admin")
		one, two := s.signInByKey(key), s.signInByKey(key)
		if p := one.send(http.MethodPost, "/sign-out", url.Values{"csrf": {one.token()}}); p.status != http.StatusSeeOther {
			t.Fatal(p.status, p.body)
		}
		gone(t, one)
		if p := two.get("/operations/webhooks"); p.status != 200 {
			t.Error(p.status)
		}
		s.changeKey(key, func(k *storage.APIKey) { k.WebSessions[0].ExpiresAt = time.Now().Add(-time.Second) })
		gone(t, two)
		for range 12 {
			two = s.signInByKey(key)
		}
		if record, err := s.store.APIKey(t.Context(), idOf(key)); err != nil || len(record.WebSessions) != 10 {
			t.Error(err, len(record.WebSessions))
		}
		s.restart()
		if p := two.get("/operations/webhooks"); p.status != 200 {
			t.Error("it does not outlast a restart:", p.status)
		}
	})
	s.run(t, "a browser has one session: the former one ends", func(t *testing.T) {
		person, key := s.signIn(s.ann), s.key(nil, "admin")
		was := *person
		p := person.send(http.MethodPost, "/sign-in", url.Values{"key": {key}})
		if person.take(p); person.get("/operations/keys").status != 200 {
			t.Error(p.status)
		}
		if p := was.get("/tickets/1"); p.status != http.StatusSeeOther {
			t.Error("the person's session lives on:", p.status)
		}
	})
	s.run(t, "not from another site, and changes only from its own pages", func(t *testing.T) {
		key := s.key(nil, "admin")
		for _, header := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Origin", "https://evil.example"}} {
			if p := (&visitor{s: s}).send(http.MethodPost, "/sign-in", url.Values{"key": {key}}, header...); p.status != http.StatusForbidden {
				t.Errorf("%v: %d", header, p.status)
			}
		}
		v := s.signInByKey(key)
		if p := v.send(http.MethodPost, "/operations/webhooks", url.Values{"url": {"https://x.example"}}); p.status != http.StatusForbidden {
			t.Error(p.status, p.body)
		}
	})
	s.run(t, "a key at its limit can sign out, and in again", func(t *testing.T) {
		v := s.signInByKey(s.key(func(k *storage.APIKey) { k.Rate, k.Burst = 1, 10 }, "webhooks:read"))
		token, status := v.token(), 0
		for i := 0; i < 80 && status != http.StatusTooManyRequests; i++ {
			status = v.get("/operations/webhooks").status
		}
		if status != http.StatusTooManyRequests {
			t.Fatal(status)
		}
		if p := v.get("/sign-in"); p.status != http.StatusOK {
			t.Error(p.status, p.body)
		}
		if p := v.send(http.MethodPost, "/sign-out", url.Values{"csrf": {token}}); p.status != http.StatusSeeOther {
			t.Error(p.status, p.body)
		}
		gone(t, v)
	})
	s.run(t, "wrong keys, at a limited rate, whatever is right then", func(t *testing.T) {
		key := s.key(nil, "admin")
		unknown, _ := messages.NewAPIKey(messages.NewAPIKeyID("unknown"))
		other, _ := messages.NewAPIKey(idOf(key))
		revoked := s.key(func(k *storage.APIKey) { k.RevokedAt = time.Now() }, "admin")
		status := 0
		for i := 0; i < 80 && status != http.StatusTooManyRequests; i++ {
			wrong := []string{unknown, other, revoked, "td_live_x", "<script>", key[:40]}[i%6]
			p := (&visitor{s: s}).send(http.MethodPost, "/sign-in", url.Values{"key": {wrong}})
			if status = p.status; p.header.Get("Set-Cookie") != "" || strings.Contains(p.body, wrong) ||
				status != http.StatusForbidden && status != http.StatusTooManyRequests {
				t.Fatalf("%d %s", p.status, p.body)
			}
		}
		p := (&visitor{s: s}).send(http.MethodPost, "/sign-in", url.Values{"key": {key}})
		if p.status != http.StatusTooManyRequests || p.header.Get("Retry-After") == "" {
			t.Errorf("%d, %d %v", status, p.status, p.header)
		}
	})
}

// changeKey changes the record of a key while the desk is stopped.
func (s *service) changeKey(key string, change func(*storage.APIKey)) {
	s.t.Helper()
	s.stop()
	s.start()
	k, err := s.store.APIKey(s.t.Context(), idOf(key))
	s.must(err)
	change(k)
	s.must(s.store.SaveAPIKey(s.t.Context(), k))
}

// TestWebOperationsByScope: each page is shown with its scope, and to nobody else.
func TestWebOperationsByScope(t *testing.T) {
	s := newService(t, serviceOptions{})
	s.register()
	ticket := s.opened(s.ann, s.support, "Secret plans")
	support, err := s.store.GroupByTelegramID(t.Context(), s.support)
	s.must(err)
	for name, scope := range operationsPages {
		with := s.signInByKey(s.key(nil, scope))
		p := with.get("/operations/" + name)
		if p.status != 200 || !strings.Contains(p.body, `aria-current="page" data-testid="section-`+name+`"`) {
			t.Errorf("%s with %s: %d %s", name, scope, p.status, p.body)
		}
		if scope != "admin" {
			if first := with.get("/operations").header.Get("Location"); operationsPages[strings.TrimPrefix(first, "/operations/")] != scope {
				t.Errorf("with %s the first page is %s", scope, first)
			}
		}
		for _, other := range []string{"tickets:write", "messages:*", "events:read", "groups:*"} {
			without := s.signInByKey(s.key(nil, other))
			if p := without.get("/operations/" + name); p.status != http.StatusForbidden || !strings.Contains(html.UnescapeString(p.body), scope) {
				t.Errorf("%s with %s: %d %s", name, other, p.status, p.body)
			}
		}
		bound := s.signInByKey(s.key(of(support.GroupID), scope))
		whole := name == "overview" || name == "errors" || name == "nodes"
		if p := bound.get("/operations/" + name); (p.status == http.StatusForbidden) != whole || whole && !strings.Contains(p.body, "one group") {
			t.Errorf("%s, bound to a group: %d", name, p.status)
		}
	}
	none := s.signInByKey(s.key(nil, "messages:*"))
	if p := none.get("/operations"); p.status != http.StatusForbidden || !strings.Contains(p.body, "no scope for any") {
		t.Error(p.status, p.body)
	}
	admin := s.signInByKey(s.key(nil, "admin"))
	if p := admin.get("/tickets/" + ticket.TicketID); p.status != http.StatusSeeOther || p.header.Get("Location") != "/operations/tickets/"+ticket.TicketID {
		t.Error(p.status, p.header)
	}
	for _, path := range []string{"/tickets/" + ticket.TicketID + "/timeline", "/stream", "/tickets/1/people"} {
		if p := admin.get(path); p.status != http.StatusNotFound || strings.Contains(p.body, "Secret plans") {
			t.Errorf("a key at %s: %d", path, p.status)
		}
	}
	if p := admin.get("/"); p.status != http.StatusSeeOther || p.header.Get("Location") != "/operations" {
		t.Error(p.status, p.header)
	}
}

// TestWebOperationsAreClosed walks all routes of the operations pages as those for whom there are none.
func TestWebOperationsAreClosed(t *testing.T) {
	s := newService(t, serviceOptions{})
	s.register()
	key := s.key(nil, "admin")
	hook := s.do("POST", "/api/v1/webhooks", key, object{"url": "https://crm.example.org/x"})
	id, _ := hook.is(201)["webhookId"].(string)
	expired, former := s.signInByKey(key), s.signInByKey(key)
	former.send(http.MethodPost, "/sign-out", url.Values{"csrf": {former.token()}})
	s.changeKey(key, func(k *storage.APIKey) { k.WebSessions[0].ExpiresAt = time.Now().Add(-time.Second) })
	visitors := map[string]*visitor{"nobody": {s: s}, "garbage": {s: s, cookie: "topicdesk=key-" + idOf(key) + ".x"},
		"no key": {s: s, cookie: "topicdesk=key-nothing.x"}, "a person": s.signIn(s.ann), "expired": expired, "signed out": former,
		"too little": s.signInByKey(s.key(nil, "messages:*"))}
	walked := 0
	for _, r := range s.server.App.GetRoutes(true) {
		if !strings.HasPrefix(r.Path, "/operations") || r.Method == http.MethodHead {
			continue
		}
		walked++
		path := strings.NewReplacer(":id", id, ":event", "evt_x", ":replay", "rpl_x", ":fingerprint", "f", ":file", "f").Replace(r.Path)
		for who, v := range visitors {
			form := url.Values{"csrf": {"x"}}
			want := http.StatusSeeOther
			switch who {
			case "a person":
				form.Set("csrf", v.csrf())
				want = http.StatusNotFound
			case "too little":
				form.Set("csrf", v.token())
				want = http.StatusForbidden
			}
			if r.Method == http.MethodGet {
				form = nil
			}
			p := v.send(r.Method, path, form)
			if p.status != want || want == http.StatusSeeOther && p.header.Get("Location") != messages.WebSignInPath {
				t.Errorf("%s: %s %s answers %d: %s", who, r.Method, path, p.status, p.body)
			}
		}
	}
	if walked < 25 {
		t.Errorf("%d routes", walked)
	}
	s.do("GET", "/api/v1/webhooks/"+id, key, nil).is(200)
}
