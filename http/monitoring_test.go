package httpedge_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

const monitoring = "/api/v1/monitoring"

func init() {
	ranges := func(path string) map[string]func(*service) request {
		return map[string]func(*service) request{"range": get(path + "?range=2h"), "range ": get(path + "?range=1h,24h")}
	}
	pages := func(path string) map[string]func(*service) request {
		return map[string]func(*service) request{"limit": get(path + "?limit=101"), "cursor": get(path + "?cursor=nonsense")}
	}
	operationTests["getOverview"] = operationTest{good: get(monitoring + "/overview")}
	operationTests["getThroughput"] = operationTest{good: get(monitoring + "/throughput?range=24h"),
		invalid: ranges(monitoring + "/throughput")}
	operationTests["getLatency"] = operationTest{good: get(monitoring + "/latency?range=7d"), invalid: ranges(monitoring + "/latency")}
	operationTests["listGroupStates"] = operationTest{good: get(monitoring + "/groups"), invalid: pages(monitoring + "/groups")}
	operationTests["listWebhookStates"] = operationTest{
		good:    func(s *service) request { s.endpoint(); return request{path: monitoring + "/webhooks"} },
		invalid: pages(monitoring + "/webhooks")}
}

// monitored is a service that stores its figures often, with a key that may see them.
func monitored(t *testing.T) (*service, string) {
	t.Helper()
	s := newService(t, serviceOptions{recordEvery: 20 * time.Millisecond})
	s.register()
	return s, s.key(nil, messages.ScopeMonitoringRead)
}

func TestThroughputAndLatency(t *testing.T) {
	s, key := monitored(t)
	admin := s.key(nil, "admin")
	begin := time.Now()
	ticket := s.ticket(admin, "Counted")
	for i := range 3 {
		s.do("POST", at(ticket)+"/messages", admin, object{"text": fmt.Sprint("message ", i)}).is(202)
	}
	s.do("GET", "/api/v1/tickets/TICK-0-00000000", admin, nil).is(404)
	total := func(of string) object {
		return s.do("GET", monitoring+"/throughput?range="+of, key, nil).is(200)["total"].(object)
	}
	s.await("it is all counted", func() bool {
		got := total("1h")
		return got["copies"].(object)["ok"] == 3.0 && got["apiRequests"].(object)["refused"] == 1.0 && got["events"].(float64) >= 4
	})
	check := func(when string) {
		t.Helper()
		for of, want := range map[string]struct {
			points int
			step   float64
		}{"1h": {60, 60}, "24h": {144, 600}, "7d": {168, 3600}} {
			got := s.do("GET", monitoring+"/throughput?range="+of, key, nil).is(200)
			sum, points := 0.0, got["points"].([]any)
			for _, p := range points {
				sum += p.(object)["copies"].(object)["ok"].(float64)
			}
			last, err := time.Parse(time.RFC3339, points[len(points)-1].(object)["at"].(string))
			s.must(err)
			if len(points) != want.points || got["stepSeconds"] != want.step || sum != 3 || total(of)["copies"].(object)["ok"] != 3.0 ||
				last.After(time.Now()) || last.Before(begin.Add(-time.Duration(want.step)*time.Second)) {
				t.Errorf("%s, %s: %d points of %v s with %v copies, the last at %s: %v", when, of, len(points), got["stepSeconds"], sum, last, got["total"])
			}
			times := s.do("GET", monitoring+"/latency?range="+of, key, nil).is(200)
			calls, requests := times["total"].(object)["calls"].(object), times["total"].(object)["apiRequests"].(object)
			if calls["count"].(float64) < 4 || calls["p50"].(float64) <= 0 || calls["p99"].(float64) < calls["p50"].(float64) ||
				requests["count"].(float64) < 5 || len(times["points"].([]any)) != want.points {
				t.Errorf("%s, %s: %v", when, of, times["total"])
			}
			first := times["points"].([]any)[0].(object)["calls"].(object)
			if first["count"] != 0.0 || first["p50"] != nil {
				t.Errorf("%s, %s: of a time before the desk: %v", when, of, first)
			}
		}
		overview := s.do("GET", monitoring+"/overview", key, nil).is(200)
		if overview["lastHour"].(object)["copies"].(object)["ok"] != 3.0 || overview["latency"].(object)["calls"].(object)["count"].(float64) < 4 {
			t.Errorf("%s: %v", when, overview)
		}
	}
	check("first")
	s.restart()
	check("after a restart")
	s.await("entities are counted after the restart", func() bool {
		work := s.do("GET", monitoring+"/overview", key, nil).is(200)["work"].(object)
		return work["entities"].(float64) > 0
	})
}

func TestOldFiguresAreDeleted(t *testing.T) {
	s, key := monitored(t)
	now := time.Now()
	for _, minutes := range []int{1, 10} {
		for _, age := range []time.Duration{30 * time.Minute, 5 * time.Hour, 7 * 24 * time.Hour, 30 * 24 * time.Hour} {
			s.must(s.store.SaveSample(t.Context(), storage.Sample{Minutes: minutes, At: now.Add(-age), Node: "old/1"}))
		}
	}
	ages := func(minutes int) (all []string) {
		page, err := s.store.Samples(t.Context(), minutes, time.Time{}, "", 100)
		s.must(err)
		for _, sample := range page {
			if sample.Node == "old/1" {
				all = append(all, now.Sub(sample.At).Round(time.Hour).String())
			}
		}
		return all
	}
	s.restart()
	s.await("only what charts show is left", func() bool {
		return len(ages(1)) == 1 && strings.Join(ages(10), " ") == "168h0m0s 5h0m0s 1h0m0s"
	})
	s.do("GET", monitoring+"/throughput?range=7d", key, nil).is(200)
}

func TestKeysOfAGroupSeeNoDesk(t *testing.T) {
	s, _ := monitored(t)
	key := s.key(of(s.place(s.sales)), "monitoring:*", "webhooks:*")
	for _, path := range []string{"/overview", "/throughput", "/latency"} {
		s.do("GET", monitoring+path, key, nil).is(403, "scope_missing")
	}
	groups := s.do("GET", monitoring+"/groups", key, nil).is(200)["data"].([]any)
	if len(groups) != 1 || groups[0].(object)["telegramGroupId"] != float64(s.sales) {
		t.Errorf("a key of Sales sees %v", groups)
	}
	s.endpoint()
	own := s.do("POST", webhooks, key, quiet()).is(201)["webhookId"]
	endpoints := s.do("GET", monitoring+"/webhooks", key, nil).is(200)["data"].([]any)
	if len(endpoints) != 1 || endpoints[0].(object)["webhookId"] != own {
		t.Errorf("a key of Sales sees %v", endpoints)
	}
}

func TestGroupStates(t *testing.T) {
	s, key := monitored(t)
	admin := s.key(nil, "admin")
	s.do("POST", "/api/v1/users", admin, object{"telegramId": 990002, "firstName": "Ben", "defaultGroupId": s.sales}).is(201)
	states := func() map[float64]object {
		all := map[float64]object{}
		for path := monitoring + "/groups?limit=1"; ; {
			page := s.do("GET", path, key, nil).is(200)
			for _, g := range page["data"].([]any) {
				all[g.(object)["telegramGroupId"].(float64)] = g.(object)
			}
			if page["nextCursor"] == nil {
				return all
			}
			path = monitoring + "/groups?limit=1&cursor=" + page["nextCursor"].(string)
		}
	}
	got := states()
	support, sales := got[float64(s.support)], got[float64(s.sales)]
	if len(got) != 2 || support["isDefault"] != false || sales["isDefault"] != true || support["title"] != "Support" ||
		support["canManageTopics"] != true || support["botIsAdmin"] != true || support["held"] != nil || support["lagMs"] != 0.0 {
		t.Errorf("%v", got)
	}
	place := s.place(s.support)
	chat, err := s.store.Chat(t.Context(), place)
	if err != nil {
		chat = &storage.Chat{ChatID: place}
	}
	now := time.Now()
	chat.Suspended, chat.Oldest, chat.Waiting, chat.BlockedUntil = "not enough rights", now.Add(-time.Minute), 7, now.Add(time.Hour)
	s.must(s.store.SaveChat(t.Context(), chat))
	support = states()[float64(s.support)]
	if support["held"] != "not enough rights" || support["lagMs"].(float64) < 60_000 || support["waiting"] != 7.0 ||
		support["blockedUntil"] == nil || support["budget"] != 0.0 {
		t.Errorf("%v", support)
	}
}

func TestWebhookStates(t *testing.T) {
	t.Parallel()
	s, key := monitored(t)
	admin := s.key(nil, "admin")
	hears := s.do("POST", webhooks, admin, object{"url": deaf, "events": []string{"ticket.*"}, "description": "CRM"}).is(201)["webhookId"]
	off := strings.TrimPrefix(s.disabled(), webhooks+"/")
	s.ticket(admin, "Told to nobody")
	state := func(id any) object {
		for _, w := range s.do("GET", monitoring+"/webhooks", key, nil).is(200)["data"].([]any) {
			if w.(object)["webhookId"] == id {
				return w.(object)
			}
		}
		return object{}
	}
	s.await("its event waits", func() bool {
		w := state(hears)
		backlog, _ := w["backlog"].(float64)
		oldest, _ := w["oldestPendingSeconds"].(float64)
		return backlog > 0 && oldest > 0 && w["state"] == "failing" && w["host"] == "127.0.0.1:9" && w["description"] == "CRM"
	})
	if w := state(off); w["state"] != "disabled" || w["disabledReason"] == nil {
		t.Errorf("%v", w)
	}
	r := s.do(http.MethodGet, monitoring+"/webhooks", key, nil)
	if strings.Contains(string(r.body), "/hook") {
		t.Errorf("the path of an endpoint, which may be a secret, is shown: %s", r.body)
	}
}
