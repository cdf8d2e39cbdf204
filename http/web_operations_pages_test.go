package httpedge_test

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/simulator"
	"github.com/topicdesk/topicdesk/storage"
)

// secret is what a page shows once.
func (p *page) secret(t *testing.T) string {
	t.Helper()
	found := regexp.MustCompile(`data-testid="secret"[^>]*>([^<]+)<`).FindStringSubmatch(p.body)
	if p.status != http.StatusOK || found == nil || p.header.Get("Cache-Control") != "no-store" {
		t.Fatalf("no secret: %d %v %s", p.status, p.header, p.body)
	}
	return html.UnescapeString(found[1])
}

// has says whether a page has all of these, as people read them.
func (p *page) has(parts ...string) bool {
	body := html.UnescapeString(p.body)
	return !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(body, part) })
}

func TestWebOperationsOnWebhooks(t *testing.T) {
	s := newService(t, serviceOptions{})
	s.register()
	r, v := newReceiver(t), s.signInByKey(s.key(nil, "webhooks:*", "messages:read"))
	base := ""
	s.run(t, "made once, also if the form is sent twice", func(t *testing.T) {
		form := url.Values{"url": {r.URL}, "description": {`<b>CRM</b> "x"`}, "events": {"ticket.*, message.sent"}, "form": {"one"}}
		secret := v.post("/operations/webhooks", form).secret(t)
		again := v.post("/operations/webhooks", form)
		if !strings.HasPrefix(secret, "whsec_") || strings.Contains(again.body, "<b>CRM") {
			t.Error(secret, again.body)
		}
		listed := v.get("/operations/webhooks")
		found := regexp.MustCompile(`href="(/operations/webhooks/[^"]+)" data-testid="webhook"`).FindAllStringSubmatch(listed.body, -1)
		if len(found) != 1 || strings.Contains(listed.body, secret) || strings.Contains(listed.body, "<b>CRM") || !listed.has(`<b>CRM</b> "x"`) {
			t.Fatal(listed.body)
		}
		base = found[0][1]
	})
	s.run(t, "what is wrong is said, and what was entered stays", func(t *testing.T) {
		for _, wrong := range []string{"ftp://x.example", "https://10.0.0.1/x", "", strings.Repeat("x", 3000)} {
			p := v.post("/operations/webhooks", url.Values{"url": {wrong}, "description": {"kept"}})
			if p.status != http.StatusUnprocessableEntity || !p.has("not valid", `value="kept"`) {
				t.Errorf("%.40q: %d %s", wrong, p.status, p.body)
			}
		}
		if p := v.post("/operations/webhooks", url.Values{"url": {r.URL}, "events": {"no.such"}}); p.status != http.StatusUnprocessableEntity {
			t.Error(p.status)
		}
		if p := v.get("/operations/webhooks?url=https://evil.example"); strings.Contains(p.body, `value="https://evil`) {
			t.Error("an address fills the form in")
		}
	})
	s.run(t, "a test, and what came of it", func(t *testing.T) {
		p := v.post(base+"/test", url.Values{"type": {"ticket.created"}})
		if p.status != 200 || !p.has("HTTP 204", `"type":"ticket.created"`) || len(r.all()) != 1 {
			t.Errorf("%d %s", p.status, p.body)
		}
		r.answer(500)
		if p := v.post(base+"/test", url.Values{"type": {"ticket.created"}}); !p.has("was not taken", "HTTP 500") {
			t.Error(p.body)
		}
		if p := v.post(base+"/test", url.Values{"type": {"<script>"}}); p.status != http.StatusUnprocessableEntity || strings.Contains(p.body, "<script>\"") {
			t.Error(p.status)
		}
		r.answer(204)
	})
	s.run(t, "deliveries, one again, and a replay", func(t *testing.T) {
		before := len(r.all())
		s.opened(s.ann, s.support, "Printer is on fire")
		s.await("the delivery is listed", v.shows(base, `data-state="sent"`, "ticket.created"))
		if p := v.get(base + "?state=exhausted"); strings.Contains(p.body, `data-testid="delivery"`) {
			t.Error("the filter does not filter")
		}
		event := regexp.MustCompile(`/deliveries/([^/"]+)/retry`).FindStringSubmatch(v.get(base).body)
		if p := v.post(base+"/deliveries/"+event[1]+"/retry", nil); p.status != 200 || !p.has("delivered again") {
			t.Error(p.status, p.body)
		}
		s.await("it comes again", func() bool { return len(r.all()) >= before+2 })
		since := time.Now().UTC().Add(-time.Hour).Format("2006-01-02T15:04")
		p := v.post(base+"/replay", url.Values{"since": {since}})
		if p.status != 200 || !p.has(`data-testid="replay"`) {
			t.Errorf("%d %s", p.status, p.body)
		}
		if p := v.post(base+"/replay", url.Values{}); p.status != http.StatusUnprocessableEntity {
			t.Error("a replay of nothing:", p.status)
		}
		for _, wrong := range []string{"tomorrow", "2026-13-01T00:00"} {
			p := v.post(base+"/replay", url.Values{"since": {since}, "until": {wrong}})
			if p.status != http.StatusUnprocessableEntity || !p.has("not valid", "until") {
				t.Errorf("a replay that goes further than asked: %d %s", p.status, p.body)
			}
		}
	})
	s.run(t, "templates", func(t *testing.T) {
		p := v.post(base+"/templates", url.Values{"templates": {`{"preset":"slack"}`}})
		if p.status != 200 || !p.has("templates are saved", `"preset": "slack"`) {
			t.Fatal(p.status, p.body)
		}
		if p := v.post(base+"/test", url.Values{"type": {"ticket.created"}}); !p.has(`"text"`) {
			t.Error(p.body)
		}
		for _, wrong := range []string{`{"preset":"no"}`, "{", `{"*":{"body":"{{.nothing.at.all | no}}"}}`} {
			if p := v.post(base+"/templates", url.Values{"templates": {wrong}}); p.status != http.StatusUnprocessableEntity || !p.has(">"+wrong+"<") {
				t.Errorf("%s: %d %s", wrong, p.status, p.body)
			}
		}
		if p := v.post(base+"/templates", url.Values{"templates": {" "}}); p.status != 200 || p.has("slack\"\n") {
			t.Error(p.status)
		}
	})
	s.run(t, "a preview sends and saves nothing", func(t *testing.T) {
		before := len(r.all())
		s.do("PATCH", "/api/v1"+strings.TrimPrefix(base, "/operations"), s.key(nil, "admin"), object{"headers": object{"X-Secret": "hush"}}).is(200)
		given := `{"ticket.*":{"method":"PUT","headers":{"X-Kind":"{{.type}}"},"body":"{\"title\":{{json .data.ticket.title}}}"}}`
		p := v.post(base+"/preview", url.Values{"type": {"ticket.closed"}, "templates": {given}})
		if p.status != 200 || !p.has(`{"title":"`, "PUT ", "x-kind: ticket.closed", "x-secret: ***", "Nothing was sent", given, `<option selected>ticket.closed<`) ||
			strings.Contains(p.body, "hush") {
			t.Errorf("%d %s", p.status, p.body)
		}
		if p := v.post(base+"/preview", url.Values{"type": {"ticket.closed"}}); p.status != 200 || !p.has(`"type":"ticket.closed"`, "POST ") {
			t.Errorf("without templates: %d %s", p.status, p.body)
		}
		wrong := "{\r\n  \"*\": {\"body\": \"{\\n  {{.nothing}}}\"}\r\n}"
		for _, path := range []string{"/preview", "/templates"} {
			p = v.post(base+path, url.Values{"type": {"ticket.created"}, "templates": {wrong}})
			if p.status != http.StatusUnprocessableEntity || !p.has("Line 2, column 25", "<mark>.</mark>nothing", "there is no field nothing") ||
				strings.Count(p.body, `data-testid="refused"`) != 1 || strings.Count(p.body, `data-testid="spot"`) != 1 || p.has("line 2, column 5") {
				t.Errorf("%s: %d %s", path, p.status, p.body)
			}
			p = v.post(base+path, url.Values{"type": {"ticket.created"}, "templates": {"{\n \"*\"; 1}"}})
			if p.status != http.StatusUnprocessableEntity || !p.has("Line 2, column 5", "<mark>;</mark> 1}", "not valid JSON") {
				t.Errorf("no JSON, %s: %d %s", path, p.status, p.body)
			}
		}
		if p := v.post(base+"/preview", url.Values{"type": {"<script>"}}); p.status != http.StatusUnprocessableEntity || strings.Contains(p.body, "<script>\"") {
			t.Errorf("an unknown type: %d %s", p.status, p.body)
		}
		if len(r.all()) != before || v.get(base).has("X-Kind") {
			t.Error("it was sent, or saved")
		}
	})
	s.run(t, "off, on, a new secret, deleted", func(t *testing.T) {
		if p := v.post(base+"/disable", nil); !p.has("The webhook is disabled", "Somebody has disabled it") {
			t.Error(p.body)
		}
		if p := v.post(base+"/enable", url.Values{"from": {"now"}}); !p.has("The webhook is enabled", ">works<") {
			t.Error(p.body)
		}
		if secret := v.post(base+"/secret", nil).secret(t); !strings.HasPrefix(secret, "whsec_") {
			t.Error(secret)
		}
		reader := s.signInByKey(s.key(nil, "webhooks:read"))
		if p := reader.get(base); p.status != 200 || strings.Contains(p.body, base+"/test") {
			t.Error("who only reads has the forms:", p.status)
		}
		for _, path := range []string{"/test", "/disable", "/delete", "/secret", "/templates", "/preview", "/replay"} {
			if p := reader.post(base+path, url.Values{"type": {"ticket.created"}}); p.status != http.StatusForbidden {
				t.Errorf("who only reads: %s: %d", path, p.status)
			}
		}
		if p := v.post(base+"/delete", nil); p.status != 200 || !p.has("The webhook is deleted", "no webhooks") {
			t.Error(p.status, p.body)
		}
		if p := v.get(base); p.status != http.StatusNotFound {
			t.Error(p.status)
		}
	})
}

func TestWebOperationsOnKeys(t *testing.T) {
	s := newService(t, serviceOptions{})
	s.register()
	own := s.key(nil, "keys:*", "webhooks:read", "groups:read")
	v := s.signInByKey(own)
	form := url.Values{"name": {`<i>CRM</i> `}, "scope": {"webhooks:read", "groups:read"}, "days": {"30"}, "form": {"k"},
		"group": {strconv.FormatInt(s.support, 10)}}
	first := v.post("/operations/keys", form).secret(t)
	if p := v.post("/operations/keys", form); !p.has(first[:20]) {
		t.Error("the form sent twice makes another key:", p.body) // of the same id, with a secret that somebody has received
	}
	made := regexp.MustCompile(`td_live_\w+`).FindString(v.post("/operations/keys", form).body)
	if key := s.do("GET", "/api/v1/me", made, nil).is(200); key["groupId"] != float64(s.support) || key["expiresAt"] == nil {
		t.Error(key)
	}
	if p := v.get("/operations/keys"); p.status != 200 || strings.Contains(p.body, made) || strings.Contains(p.body, "<i>CRM") ||
		!p.has("<i>CRM</i>", "Support", "you are signed in with it") || strings.Count(p.body, `data-testid="key"`) != 2 {
		t.Errorf("%d %s", p.status, p.body)
	}
	for _, wrong := range []url.Values{{"name": {"x"}, "scope": {"admin"}}, {"name": {"x"}}, {"name": {" "}, "scope": {"webhooks:read"}}} {
		if p := v.post("/operations/keys", wrong); p.status != http.StatusUnprocessableEntity && p.status != http.StatusForbidden ||
			!p.has(`data-testid="refused"`) {
			t.Errorf("%v: %d %s", wrong, p.status, p.body)
		}
	}
	wide := url.Values{"name": {"x"}, "scope": {"admin"}, "days": {"7"}, "group": {strconv.FormatInt(s.support, 10)}}
	if p := v.post("/operations/keys", wide); !p.has(fmt.Sprintf(`value="%d" selected`, s.support), `value="7" selected`) {
		t.Error("what narrows the key is lost:", p.body)
	}
	rotated := v.post("/operations/keys/"+idOf(made)+"/rotate", url.Values{"overlap": {"0"}}).secret(t)
	s.do("GET", "/api/v1/me", rotated, nil).is(200)
	s.do("GET", "/api/v1/me", made, nil).is(401)
	if p := (&visitor{s: s}).send(http.MethodPost, "/sign-in", url.Values{"key": {made}}); p.status != http.StatusForbidden || !p.has("was replaced") {
		t.Error(p.status, p.body)
	}
	theirs := s.signInByKey(rotated)
	if p := v.post("/operations/keys/"+idOf(made)+"/revoke", nil); !p.has("is revoked") {
		t.Error(p.body)
	}
	if p := theirs.get("/operations/webhooks"); p.status != http.StatusSeeOther {
		t.Error("a session outlives its key:", p.status)
	}
	reader := s.signInByKey(s.key(nil, "keys:read"))
	if p := reader.post("/operations/keys/"+idOf(own)+"/revoke", nil); p.status != http.StatusForbidden {
		t.Error(p.status)
	}
}

func TestWebOperationsOnErrors(t *testing.T) {
	s := newService(t, serviceOptions{})
	path := s.failed(func(e *messages.ErrorReport) { e.Message, e.Facts[0].Value = "<b>it failed</b>", "<i>Bad</i> Request" })
	base := "/operations/errors/" + strings.TrimPrefix(path, errorsPath+"/")
	key := s.key(nil, "monitoring:*")
	v := s.signInByKey(key)
	p := v.get("/operations/errors")
	if p.status != 200 || strings.Contains(p.body, "<b>it failed") || !p.has("<b>it failed</b>", "<i>Bad</i> Request", "2 times", base+"/resolve") {
		t.Fatal(p.status, p.body)
	}
	if p := v.post(base+"/mute", url.Values{"for": {"day"}}); p.status != 200 || !p.has("is muted") || p.has("it failed") {
		t.Error(p.status, p.body)
	}
	if p := v.get("/operations/errors?state=muted"); !p.has("it failed", "muted until") {
		t.Error(p.body)
	}
	if p := v.post(base+"/mute", url.Values{"for": {"not"}}); !p.has("muted no more", "it failed") {
		t.Error(p.body)
	}
	if p := v.post(base+"/resolve", nil); p.status != 200 || !p.has("marked as resolved") || p.has(base) {
		t.Error(p.status, p.body)
	}
	if got := s.do("GET", path, key, nil).is(200); got["state"] != "resolved" || got["mutedUntil"] != nil {
		t.Error(got)
	}
	if p := v.post("/operations/errors/nothing/resolve", nil); p.status != http.StatusNotFound || !p.has(`data-testid="refused"`) {
		t.Error(p.status, p.body)
	}
	if p := v.post(base+"/mute", url.Values{"for": {"ever"}}); p.status != http.StatusNotFound {
		t.Error(p.status)
	}
	reader := s.signInByKey(s.key(nil, "monitoring:read"))
	if p := reader.get("/operations/errors?state=all"); p.status != 200 || p.has(base+"/resolve") || !p.has("it failed") {
		t.Error("who only reads:", p.status, p.body)
	}
	if p := reader.post(base+"/resolve", nil); p.status != http.StatusForbidden {
		t.Error(p.status)
	}
}

// TestWebOperationsOnProblems: the pages say what is wrong and what to do about it, in the reader's language; what something is called
// is text.
func TestWebOperationsOnProblems(t *testing.T) {
	const evil = `"><script>alert(1)</script>`
	s := newService(t, serviceOptions{})
	s.register()
	endpoints := s.broken(evil)
	v, watcher := s.signInByKey(s.key(nil, "admin")), s.signInByKey(s.key(nil, messages.ScopeMonitoringRead))
	s.await("they are found", func() bool { return strings.Count(v.get("/operations/errors").body, `data-testid="problem"`) == 2 })
	disabled, low := messages.ProblemKindOf(messages.ProblemWebhookDisabled), messages.ProblemKindOf(messages.ProblemDiskLow)
	const disabledThai, lowThai = "เมื่อระบบนั้นใช้งานได้แล้ว ให้เปิดเว็บฮุก", "กรุณาเพิ่มพื้นที่ว่างหรือขยายดิสก์"
	for _, shown := range []struct {
		path, lang string
		n          int
		has        []string
		hasNot     []string
	}{
		{"/operations/errors", "en", 2, []string{disabled.Title, disabled.Advice, evil, "HTTP 410"}, []string{low.Title}},
		{"/operations/errors?state=all", "en", 5, []string{disabled.Advice, low.Title, low.Advice, "/data" + evil, "12 MB are free", ">over<"}, nil},
		{"/operations/overview", "en", 2, []string{disabled.Title, disabled.Advice, evil}, []string{low.Title}},
		{"/operations/errors?state=all", "th", 5, []string{"เว็บฮุกถูกปิด", disabledThai, lowThai, evil, ">สิ้นสุดแล้ว<"}, []string{disabled.Advice, low.Advice}},
		{"/operations/overview", "th", 2, []string{"เว็บฮุกถูกปิด", disabledThai, evil}, []string{disabled.Advice}},
	} {
		p := v.send(http.MethodGet, shown.path, nil, "Accept-Language", shown.lang)
		if p.status != 200 || !p.has(shown.has...) || strings.Count(p.body, `data-testid="problem"`) != shown.n || strings.Contains(p.body, "<script>alert") ||
			slices.ContainsFunc(shown.hasNot, func(part string) bool { return p.has(part) }) {
			t.Errorf("%s in %s: %d %s", shown.path, shown.lang, p.status, p.body)
		}
	}
	for _, id := range endpoints {
		link := `href="/operations/webhooks/` + id + `"`
		if !v.get("/operations/errors").has(link) || watcher.get("/operations/errors").has(link) {
			t.Errorf("%s: a link for who may not follow it, or none", id)
		}
	}
}

// TestWebOperationsShowHostileNames: what people and programs have named is text on every page.
func TestWebOperationsShowHostileNames(t *testing.T) {
	const evil = `"><script>alert(1)</script>`
	s := newService(t, serviceOptions{recordEvery: 20 * time.Millisecond, countEvery: 20 * time.Millisecond})
	g, err := s.sim.AddGroup(simulator.Group{Title: evil + "\u202eRTL", Forum: true})
	s.must(err)
	p, err := s.sim.AddPerson(simulator.Person{FirstName: evil, LastName: "שלום", LanguageCode: "en"})
	s.must(err)
	s.must(s.sim.SetMember(g.ID, p.ID, simulator.Creator))
	s.must(s.sim.SetBot(g.ID, simulator.Administrator, simulator.BotRights{CanManageTopics: true, CanPinMessages: true}))
	for _, text := range []string{"/register", "/default_group"} {
		_, err = s.sim.Post(simulator.Post{From: p.ID, Chat: g.ID, Text: text})
		s.must(err)
	}
	s.await("the group is registered", func() bool {
		u, err := s.store.User(t.Context(), p.ID)
		return err == nil && u.DefaultGroupID != ""
	})
	s.opened(p.ID, g.ID, evil)
	key := s.key(func(k *storage.APIKey) { k.Name, k.Owner = evil, evil }, "admin")
	s.do("POST", "/api/v1/webhooks", key, object{"url": "https://crm.example/x", "description": evil}).is(201)
	v := s.signInByKey(key)
	s.await("the ticket is counted", v.shows("/operations/reports?by=person", evil))
	for name := range operationsPages {
		page := v.get("/operations/" + name)
		if page.status != 200 || strings.Contains(page.body, "<script>alert") {
			t.Errorf("%s: %d %s", name, page.status, page.body)
		}
		if regexp.MustCompile(`(?i)<style|\sstyle=|\son[a-z]+=|<script>`).MatchString(page.body) {
			t.Errorf("%s has something inline", name)
		}
		if csp := page.header.Get("Content-Security-Policy"); strings.Contains(csp, "unsafe") {
			t.Error(csp)
		}
		if name != "overview" && name != "errors" && name != "nodes" && !page.has(evil) {
			t.Errorf("%s does not name them", name)
		}
		thai := v.send(http.MethodGet, "/operations/"+name, nil, "Accept-Language", "th")
		if !strings.Contains(thai.body, `<html lang="th">`) || !strings.Contains(thai.body, "การดูแลระบบ") {
			t.Errorf("%s is not in Thai", name)
		}
	}
	t.Run("the first paint is small", func(t *testing.T) {
		size := 0
		body := v.get("/operations/overview?range=7d").body
		for _, found := range regexp.MustCompile(`(?:href|src)="(/static/[^"]+)"`).FindAllStringSubmatch(body, -1) {
			size += len(v.get(found[1]).body)
		}
		if size += len(body); size > 100_000 {
			t.Errorf("%d bytes", size)
		}
	})
	t.Run("the charts move", func(t *testing.T) {
		total := func(chart string) int {
			found := regexp.MustCompile(`data-testid="chart-` + chart + `"(?s:.*?)data-testid="total">([\d,]+)<`).FindStringSubmatch(v.get("/operations/overview").body)
			if found == nil {
				return -1
			}
			n, _ := strconv.Atoi(strings.ReplaceAll(found[1], ",", ""))
			return n
		}
		s.await("what was done is drawn", func() bool { return total("updates") > 0 && total("calls") > 0 })
		was := total("updates")
		_, err := s.sim.Post(simulator.Post{From: p.ID, Text: "/help"})
		s.must(err)
		s.await("one update more", func() bool { return total("updates") > was })
		for _, r := range []string{"24h", "7d", "<x>"} {
			if p := v.get("/operations/overview?range=" + url.QueryEscape(r)); p.status != 200 || !strings.Contains(p.body, "<polyline") {
				t.Errorf("%s: %d", r, p.status)
			}
		}
	})
	t.Run("a report, also as a file", func(t *testing.T) {
		body := v.get("/operations/reports").body
		link := regexp.MustCompile(`href="([^"]+)" data-testid="activity-csv"`).FindStringSubmatch(body)
		p := v.get(html.UnescapeString(link[1]))
		if p.status != 200 || !strings.HasPrefix(p.header.Get("Content-Type"), "text/csv") || !strings.Contains(p.header.Get("Content-Disposition"), "activity-") ||
			!strings.HasPrefix(p.body, "key,name,") {
			t.Errorf("%d %v %s", p.status, p.header, p.body)
		}
		if p := v.get("/operations/reports?from=2026-05-01&to=2026-04-01"); p.status != http.StatusUnprocessableEntity || !p.has("before from", `value="2026-05-01"`) {
			t.Errorf("%d %s", p.status, p.body)
		}
	})
	t.Run("a group's language", func(t *testing.T) {
		path := fmt.Sprint("/operations/groups/", g.ID)
		if p := v.post(path, url.Values{"language": {"th"}, "enabled": {"1"}}); p.status != 200 || !p.has("The group is changed", "<dd>Thai</dd>") {
			t.Errorf("%d %s", p.status, p.body)
		}
		if p := v.post(path, url.Values{"language": {"xx"}}); p.status != http.StatusUnprocessableEntity {
			t.Error(p.status)
		}
		api := strings.Replace(path, "/operations", "/api/v1", 1)
		s.do("PUT", api, key, object{"supportTopicsEnabled": false}).is(200)
		stale := url.Values{"language": {"en"}, "was-language": {"th"}, "enabled": {"1"}, "was-enabled": {"1"}}
		if p := v.post(path, stale); p.status != 200 {
			t.Errorf("%d %s", p.status, p.body)
		}
		if got := s.do("GET", api, key, nil).is(200); got["supportTopicsEnabled"] != false || got["language"] != "en" {
			t.Errorf("a page that is out of date registers the group again: %v", got)
		}
		reader := s.signInByKey(s.key(nil, messages.ScopeMonitoringRead))
		if p := reader.post(path, url.Values{"language": {"en"}}); p.status != http.StatusForbidden {
			t.Error(p.status)
		}
	})
}

// TestWebOperationsOnGroups: the page says of each group what the bot may do there, how far behind and how free it is, and whose default
// group it is.
func TestWebOperationsOnGroups(t *testing.T) {
	s := newService(t, serviceOptions{})
	s.register()
	s.colleague("Ben", s.sales)
	v := s.signInByKey(s.key(nil, messages.ScopeMonitoringRead))
	card := func(chat int64) string {
		for _, part := range strings.Split(v.get("/operations/groups").body, `data-testid="group"`)[1:] {
			if strings.Contains(part, "<dd>"+strconv.FormatInt(chat, 10)+"</dd>") {
				part, _, _ = strings.Cut(part, "</li>")
				return html.UnescapeString(part)
			}
		}
		return ""
	}
	shows := func(t *testing.T, chat int64, has []string, hasNot ...string) {
		t.Helper()
		part := card(chat)
		for _, say := range has {
			if !strings.Contains(part, say) {
				t.Errorf("it does not say %q: %s", say, part)
			}
		}
		for _, say := range hasNot {
			if strings.Contains(part, say) {
				t.Errorf("it says %q: %s", say, part)
			}
		}
	}
	const good, isDefault, held = "The bot has its rights", "Somebody's default group", "The bot may not write there"
	s.await("nothing waits", func() bool {
		part := card(s.support)
		return strings.Contains(part, "<dt>Lag</dt><dd>0 ms</dd>") && strings.Contains(part, "<dt>Waiting</dt><dd>0</dd>")
	})
	shows(t, s.support, []string{"Support", good, "<dt>Calls left</dt><dd>–</dd>"}, isDefault, held) // this desk has no limits
	shows(t, s.sales, []string{"Sales", good, isDefault})
	now := time.Now()
	chat, err := s.store.Chat(t.Context(), s.place(s.support))
	if err != nil {
		chat = &storage.Chat{ChatID: s.place(s.support)}
	}
	chat.Suspended, chat.Oldest, chat.Waiting, chat.BlockedUntil = "not enough <i>rights</i>", now.Add(-time.Hour), 7, now.Add(time.Hour)
	s.must(s.store.SaveChat(t.Context(), chat))
	shows(t, s.support, []string{held, "not enough <i>rights</i>", "<dt>Waiting</dt><dd>7</dd>", "<dt>Calls left</dt><dd>0</dd>", "Telegram takes nothing"}, "<dt>Lag</dt><dd>0 ms</dd>")
	for _, is := range []struct {
		status simulator.Role
		rights simulator.BotRights
		says   string
	}{{simulator.Administrator, simulator.BotRights{CanPinMessages: true}, "The bot may not manage topics"}, {simulator.Member, simulator.BotRights{}, "The bot is not an administrator"},
		{simulator.Administrator, simulator.BotRights{CanManageTopics: true}, good}} {
		s.must(s.sim.SetBot(s.sales, is.status, is.rights))
		s.await(is.says, func() bool { return strings.Contains(card(s.sales), is.says) })
		for _, other := range []string{"The bot may not manage topics", "The bot is not an administrator", good} {
			if other != is.says && strings.Contains(card(s.sales), other) {
				t.Errorf("%s, and: %s", is.says, other)
			}
		}
	}
}

// TestWebOperationsOnNodes: the page has what the API tells of each node.
func TestWebOperationsOnNodes(t *testing.T) {
	s := newService(t, serviceOptions{})
	s.register()
	key := s.key(nil, "admin")
	v := s.signInByKey(key)
	s.await("the node polls", func() bool {
		nodes := s.do("GET", "/api/v1/monitoring/nodes", key, nil).is(200)["nodes"].([]any)
		return len(nodes) == 1 && nodes[0].(object)["polls"] == true
	})
	node := s.do("GET", "/api/v1/monitoring/nodes", key, nil).is(200)["nodes"].([]any)[0].(object)
	p := v.get("/operations/nodes")
	if p.status != http.StatusOK || strings.Count(p.body, `data-testid="node"`) != 1 ||
		!p.has("This node, alone", "Asks Telegram for updates", "<dt>Shards</dt><dd>256</dd>", "<dt>Version</dt><dd>"+node["version"].(string)+"</dd>",
			`<dt>Running since</dt><dd><time datetime="`) || p.has("<dt>Entities in memory</dt><dd>0</dd>") {
		t.Errorf("%v: %d %s", node, p.status, p.body)
	}
}
