package httpedge_test

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
	"github.com/topicdesk/topicdesk/storage/sqlite"
)

const (
	errorsPath = "/api/v1/errors"
	noError    = errorsPath + "/0000000000000000"
)

// failed has the monitor hear of an error, and returns its path.
func (s *service) failed(change ...func(*messages.ErrorReport)) string {
	s.t.Helper()
	n := nextID()
	e := &messages.ErrorReport{Fingerprint: fmt.Sprintf("%016x", n), Component: "chat", Place: "actors (x.go)", Message: "it failed",
		Level: "error", Count: 2, FirstMs: time.Now().UnixMilli(), LastMs: time.Now().UnixMilli(), TicketIds: []string{"TICK-A"},
		Facts: []*messages.ErrorFact{{Name: "error", Value: "Bad Request"}}}
	for _, f := range change {
		f(e)
	}
	reply, err := s.system.Ask(s.t.Context(), messages.KindMonitor, "desk",
		&messages.ReportErrors{Boot: fmt.Sprint("boot", n), Sequence: 1, Errors: []*messages.ErrorReport{e}})
	s.must(err)
	if reply.(*messages.Reply).Code != messages.Code_OK {
		s.t.Fatal(reply)
	}
	return errorsPath + "/" + e.Fingerprint
}

func init() {
	long := errorsPath + "/" + strings.Repeat("x", 65)
	list := func(path string) map[string]func(*service) request {
		return map[string]func(*service) request{"limit": get(path + "?limit=101"), "cursor": get(path + "?cursor=nonsense"),
			"state": get(path + "?state=nonsense")}
	}
	one := func(rest string, body any) operationTest {
		return operationTest{
			good:    func(s *service) request { return request{path: s.failed() + rest, body: body} },
			missing: send(noError+rest, body),
			hidden:  func(s *service) request { return request{path: s.failed() + rest, body: body, token: s.bound(s.sales)} },
			invalid: map[string]func(*service) request{"fingerprint": send(long+rest, body)},
		}
	}
	operationTests["listErrors"] = operationTest{good: get(errorsPath), invalid: list(errorsPath)}
	operationTests["listProblems"] = operationTest{good: get("/api/v1/problems"), invalid: list("/api/v1/problems")}
	operationTests["getError"] = one("", nil)
	operationTests["resolveError"] = one("/resolve", nil)
	mute := one("/mute", object{"seconds": 60})
	mute.invalid["#/seconds"] = func(s *service) request { return request{path: s.failed() + "/mute", body: object{"seconds": -1}} }
	mute.invalid["#/seconds "] = func(s *service) request {
		return request{path: s.failed() + "/mute", body: object{"seconds": 31536001}}
	}
	operationTests["muteError"] = mute
}

func TestErrorsOverHTTP(t *testing.T) {
	s := newService(t, serviceOptions{})
	s.register()
	key := s.key(nil, messages.ScopeMonitoringRead, messages.ScopeMonitoringWrite)
	group := s.place(s.support)
	first, last := time.Now().Add(-time.Hour).UTC().Truncate(time.Millisecond), time.Now().UTC().Truncate(time.Millisecond)
	path := s.failed(func(e *messages.ErrorReport) {
		e.GroupIds, e.FirstMs, e.LastMs = []string{group}, first.UnixMilli(), last.UnixMilli()
	})
	s.run(t, "an error is shown with what it is about", func(t *testing.T) {
		got := s.do("GET", path, key, nil).is(200)
		if got["state"] != "open" || got["count"] != 2.0 || got["component"] != "chat" || got["kind"] != nil ||
			fmt.Sprint(got["groupIds"]) != fmt.Sprint([]any{float64(s.support)}) || fmt.Sprint(got["ticketIds"]) != "[TICK-A]" ||
			fmt.Sprint(got["example"]) != "[map[name:error value:Bad Request]]" {
			t.Errorf("%v", got)
		}
		for name, want := range map[string]time.Time{"firstAt": first, "lastAt": last} {
			if at, err := time.Parse(time.RFC3339, got[name].(string)); err != nil || !at.Equal(want) {
				t.Errorf("%s is %v, not %s", name, got[name], want)
			}
		}
	})
	s.run(t, "resolving and muting show in the lists, and change the ETag", func(t *testing.T) {
		other := s.failed()
		tag := s.do("GET", path, key, nil).header.Get("ETag")
		s.do("GET", path, key, nil, "If-None-Match", tag).is(304)
		if got := s.do("POST", path+"/resolve", key, nil).is(200); got["state"] != "resolved" || got["resolvedAt"] == nil {
			t.Errorf("%v", got)
		}
		s.do("GET", path, key, nil, "If-None-Match", tag).is(200)
		if got := s.do("POST", other+"/mute", key, object{"seconds": 60}).is(200); got["mutedUntil"] == nil {
			t.Errorf("%v", got)
		}
		in := func(state, path string) bool {
			list := s.do("GET", errorsPath+"?state="+state, key, nil).is(200)["data"].([]any)
			return slices.ContainsFunc(list, func(e any) bool { return strings.HasSuffix(path, e.(map[string]any)["fingerprint"].(string)) })
		}
		if in("open", path) || !in("resolved", path) || in("open", other) || !in("muted", other) {
			t.Error("they are in the wrong lists")
		}
		for _, several := range []string{"resolved,muted", "muted&state=resolved", ""} {
			if !in(several, path) || !in(several, other) {
				t.Errorf("state=%s lacks one", several)
			}
		}
		if in("open,resolved", other) || in("muted,open", path) {
			t.Error("lists of two states have what is in neither")
		}
		if got := s.do("POST", other+"/mute", key, object{"seconds": 0}).is(200); got["mutedUntil"] != nil || !in("open", other) {
			t.Errorf("%v", got)
		}
	})
	s.run(t, "pages, those that occurred last first", func(t *testing.T) {
		var want []string
		for i := range 7 {
			at := time.Now().Add(time.Hour + time.Duration(i)*time.Second).UnixMilli()
			want = append([]string{strings.TrimPrefix(s.failed(func(e *messages.ErrorReport) { e.LastMs = at }), errorsPath+"/")}, want...)
		}
		var got []string
		for cursor := ""; len(got) < 7; {
			page := s.do("GET", errorsPath+"?limit=2&cursor="+cursor, key, nil).is(200)
			for _, e := range page["data"].([]any) {
				got = append(got, e.(map[string]any)["fingerprint"].(string))
			}
			cursor, _ = page["nextCursor"].(string)
			if cursor == "" {
				break
			}
		}
		if len(got) < 7 || !slices.Equal(got[:7], want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
	s.run(t, "a key of a group sees nothing of it", func(t *testing.T) {
		bound := s.bound(s.sales)
		s.do("GET", errorsPath, bound, nil).is(403, "scope_missing")
		s.do("GET", "/api/v1/problems", bound, nil).is(403, "scope_missing")
		s.do("POST", path+"/resolve", bound, nil).is(404, "not_found")
	})
}

// broken is a desk with problems: two endpoints that are disabled, described so, and three problems that are over. The ids of the
// endpoints are returned.
func (s *service) broken(called string) (endpoints []string) {
	s.t.Helper()
	for range 2 {
		endpoints = append(endpoints, path.Base(s.endpoint("description", called)))
	}
	s.stop()
	store, err := sqlite.Open(s.t.Context(), s.path, sqlite.WithoutSync())
	s.must(err)
	for _, id := range endpoints {
		w, err := store.Webhook(s.t.Context(), id)
		s.must(err)
		w.Enabled, w.DisabledReason, w.LastError = false, "gone", "HTTP 410"
		s.must(store.SaveWebhook(s.t.Context(), w))
	}
	for i := range 3 {
		at := time.Now().Add(-time.Duration(i+1) * time.Hour)
		s.must(store.SaveProblem(s.t.Context(), &storage.Problem{ProblemID: fmt.Sprintf("prb_%020d", i), Kind: messages.ProblemDiskLow,
			Name: "/data" + called, Detail: "12 MB are free", OpenedAt: at, ClosedAt: at.Add(time.Minute), Times: 3}))
	}
	s.must(store.Close())
	s.start()
	return endpoints
}

func TestProblemsOverHTTP(t *testing.T) {
	s := newService(t, serviceOptions{})
	s.register()
	endpoints := s.broken("CRM")
	key := s.key(nil, messages.ScopeMonitoringRead)
	listed := func(query string) (all []object) {
		for cursor := ""; ; {
			page := s.do("GET", "/api/v1/problems?limit=2&cursor="+cursor+query, key, nil).is(200)
			for _, p := range page["data"].([]any) {
				all = append(all, p.(object))
			}
			if cursor, _ = page["nextCursor"].(string); cursor == "" {
				return all
			}
		}
	}
	s.await("the endpoints are found", func() bool { return len(listed("&state=open")) == 2 })
	kind := messages.ProblemKindOf(messages.ProblemWebhookDisabled)
	var about []string
	for _, p := range listed("&state=open") {
		id, _ := p["webhookId"].(string)
		about = append(about, id)
		if p["kind"] != kind.Kind || p["title"] != kind.Title || p["advice"] != kind.Advice || kind.Advice == "" || p["state"] != "open" || p["times"] != 1.0 ||
			p["detail"] != "HTTP 410" || !strings.HasPrefix(p["about"].(string), "CRM (") || p["closedAt"] != nil || p["groupId"] != nil {
			t.Errorf("%v", p)
		}
	}
	slices.Sort(about)
	slices.Sort(endpoints)
	if !slices.Equal(about, endpoints) {
		t.Errorf("they are about %q, not %q", about, endpoints)
	}
	kind = messages.ProblemKindOf(messages.ProblemDiskLow)
	closed := listed("&state=closed")
	for _, both := range []string{"&state=open,closed", "&state=closed&state=open", ""} {
		if got := len(listed(both)); got != len(closed)+2 {
			t.Errorf("%q lists %d problems", both, got)
		}
	}
	for i, p := range closed {
		if p["problemId"] != fmt.Sprintf("prb_%020d", i) || p["title"] != kind.Title || p["advice"] != kind.Advice || p["state"] != "closed" ||
			p["closedAt"] == nil || p["times"] != 3.0 || p["webhookId"] != nil {
			t.Errorf("%d: %v", i, p)
		}
	}
	all := listed("")
	if len(closed) != 3 || len(all) != 5 || all[0]["state"] != "open" || all[4]["problemId"] != closed[2]["problemId"] {
		t.Errorf("%d are over, of %v", len(closed), all)
	}
	first := s.do("GET", "/api/v1/problems?limit=2", key, nil).is(200)
	s.do("GET", "/api/v1/problems?state=open&cursor="+first["nextCursor"].(string), key, nil).is(422)
}
