package httpedge_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/topicdesk/topicdesk/messages"
	"github.com/topicdesk/topicdesk/storage"
)

// How the operations on endpoints, and on consumers of the feed, are tested. What they do is tested in webhooks_test.go and
// consumers_test.go.

const (
	webhooks  = "/api/v1/webhooks"
	noWebhook = webhooks + "/wh_aaaaaaaaaaaaaaaaaaaa"
	// deaf is where nobody listens.
	deaf = "http://127.0.0.1:9/hook"
)

// quiet are the settings of an endpoint that hears of nothing that tests cause.
func quiet(more ...any) object {
	settings := object{"url": deaf, "events": []string{messages.EventErrorOccurred}}
	for i := 0; i < len(more); i += 2 {
		settings[more[i].(string)] = more[i+1]
	}
	return settings
}

// endpoint makes an endpoint and returns its path. A key of its own makes it, since a key makes at most 100.
func (s *service) endpoint(more ...any) string {
	s.t.Helper()
	return webhooks + "/" + s.do("POST", webhooks, s.key(nil, "admin"), quiet(more...)).is(201)["webhookId"].(string)
}

func (s *service) disabled() string { return s.endpoint("enabled", false) }

// replay starts a replay, and returns its path.
func (s *service) replay(path string) string {
	s.t.Helper()
	r := s.do("POST", path+"/replay", s.key(nil, "admin"), object{"missing": true})
	r.is(202)
	return r.header.Get("Location")
}

// delivery adds a delivery to an endpoint that did not succeed, and returns its path.
func (s *service) delivery(path string) string {
	return s.deliveryOf(path, "TICK-0-00000000", storage.DeliveryExhausted)
}

// deliveryOf adds a delivery of an event of a ticket, and returns its path.
func (s *service) deliveryOf(path, ticketID, state string) string {
	s.t.Helper()
	d := &storage.Delivery{WebhookID: strings.TrimPrefix(path, webhooks+"/"), EventID: fmt.Sprintf("evt_%026d", nextID()),
		Type: messages.EventTicketCreated, TicketID: ticketID, Number: 1, Partition: 1, Position: 1,
		State: state, CreatedAt: time.Now(), UpdatedAt: time.Now()}
	s.must(s.store.SaveDeliveries(s.t.Context(), []*storage.Delivery{d}))
	return path + "/deliveries/" + d.EventID
}

// unheard is a delivery of an event that its endpoint no longer hears.
func (s *service) unheard() string {
	s.t.Helper()
	path, ticketID := s.endpoint(), fmt.Sprintf("TICK-0-%08X", nextID())
	e := storage.Event{EventID: fmt.Sprintf("evt_%026d", nextID()), TicketID: ticketID, Number: 1, Type: messages.EventTicketCreated,
		Partition: storage.PartitionOf(ticketID), At: time.Now(), Data: []byte(`{}`)}
	heads, err := s.store.LogBounds(s.t.Context())
	s.must(err)
	e.Position = heads[e.Partition].Last + 1
	s.must(s.store.AppendEvents(s.t.Context(), []storage.Event{e}))
	s.must(s.store.SaveDeliveries(s.t.Context(), []*storage.Delivery{{WebhookID: strings.TrimPrefix(path, webhooks+"/"),
		EventID: e.EventID, EventAt: e.At, Type: e.Type, TicketID: ticketID, Number: 1, Partition: e.Partition, Position: e.Position,
		State: storage.DeliveryExhausted, CreatedAt: time.Now(), UpdatedAt: time.Now()}}))
	return path + "/deliveries/" + e.EventID
}

// replaying is an endpoint whose replay lasts: its receiver refuses the first request, and does not answer the others.
func (s *service) replaying() string {
	s.t.Helper()
	ended, asked := make(chan struct{}), make(chan struct{}, 10)
	first := true
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		if !first {
			<-ended
		}
		first = false
		w.WriteHeader(http.StatusInternalServerError)
	}))
	s.t.Cleanup(func() {
		close(ended)
		receiver.Close()
	})
	path := s.endpoint("url", receiver.URL, "events", []string{messages.EventTicketCreated}, "schedule", []int{0}, "maxConcurrency", 1)
	s.do("POST", "/api/v1/tickets", s.key(nil, "admin"), object{"title": "To replay", "groupId": s.support}).is(201)
	<-asked
	s.await("the event is given up", func() bool {
		list := s.do("GET", path+"/deliveries?state=exhausted", s.key(nil, "admin"), nil).is(200)["data"].([]any)
		return len(list) == 1
	})
	s.replay(path)
	<-asked
	return path
}

func init() {
	on := func(endpoint func(*service) string, rest string, body any, headers ...string) func(*service) request {
		return func(s *service) request { return request{path: endpoint(s) + rest, body: body, headers: headers} }
	}
	fresh := func(s *service) string { return s.endpoint() }
	add := func(id, rest string, body any, test operationTest) {
		if test.good == nil {
			test.good = on(fresh, rest, body)
		}
		test.missing = send(noWebhook+rest, body)
		test.hidden = func(s *service) request { return request{path: fresh(s) + rest, token: s.bound(s.sales), body: body} }
		if test.invalid == nil {
			test.invalid = map[string]func(*service) request{}
		}
		test.invalid["id"] = send(webhooks+"/"+strings.Repeat("x", 200)+rest, body)
		operationTests[id] = test
	}

	operationTests["listWebhooks"] = operationTest{good: get(webhooks), invalid: map[string]func(*service) request{
		"limit": get(webhooks + "?limit=101"), "limit ": get(webhooks + "?limit=x"), "cursor": get(webhooks + "?cursor=nonsense")}}
	add("getWebhook", "", nil, operationTest{})
	foreign := func(make func(path string, settings object) request) func(*service) request {
		return func(s *service) request {
			r := make(fresh(s), quiet("filter", object{"groupIds": []int64{s.support}}))
			r.token = s.bound(s.sales)
			return r
		}
	}
	operationTests["createWebhook"] = operationTest{
		good: func(*service) request { return request{path: webhooks, body: quiet()} },
		check: func(t *testing.T, s *service, r *response) {
			made := r.is(201)
			if !strings.HasPrefix(made["secret"].(string), "whsec_") || r.header.Get("ETag") == "" ||
				r.header.Get("Location") != webhooks+"/"+made["webhookId"].(string) || made["format"] != "standard" ||
				made["ordering"] != "ticket" || made["updatedAt"] != made["createdAt"] || made["maxConcurrency"] != 8.0 || made["content"] != "full" || made["enabled"] != true {
				t.Errorf("%s %v", r.body, r.header)
			}
			if read := s.do("GET", r.header.Get("Location"), s.key(nil, "admin"), nil); strings.Contains(string(read.body), "whsec_") {
				t.Errorf("the secret is read back: %s", read.body)
			}
		},
		invalid: invalidSettings(func(s *service, settings object) request { return request{path: webhooks, body: settings} }),
		refused: map[string]func(*service) request{
			"group_not_found": foreign(func(_ string, settings object) request { return request{path: webhooks, body: settings} }),
			"webhook_limit": func(s *service) request {
				token := s.key(nil, "admin")
				keyID, _ := messages.APIKeyID(token)
				for range 100 {
					s.must(s.store.SaveWebhook(s.t.Context(), &storage.Webhook{WebhookID: messages.NewWebhookID(fmt.Sprint(nextID())),
						KeyID: keyID, URL: deaf, Format: "standard", Ordering: "ticket", Content: "full", CreatedAt: time.Now()}))
				}
				return request{path: webhooks, token: token, body: quiet()}
			},
		},
	}
	named := func(s *service) string {
		path := fmt.Sprintf("%s/by-name/n%d", webhooks, nextID())
		s.do("PUT", path, s.key(nil, "admin"), quiet()).is(201)
		return path
	}
	byName := operationTest{
		good: on(named, "", quiet()),
		invalid: invalidSettings(func(_ *service, settings object) request {
			return request{path: webhooks + "/by-name/x", body: settings}
		}),
		refused: map[string]func(*service) request{
			"precondition_failed": on(named, "", quiet(), "If-Match", `"x"`),
			"precondition_failed: none": func(*service) request {
				return request{path: webhooks + "/by-name/nothing", body: quiet(), headers: []string{"If-Match", "*"}}
			},
			"group_not_found": foreign(func(_ string, settings object) request {
				return request{path: webhooks + "/by-name/x", body: settings}
			}),
			"webhook_limit": func(s *service) request {
				r := operationTests["createWebhook"].refused["webhook_limit"](s)
				r.path = webhooks + "/by-name/one-too-many"
				return r
			},
		},
	}
	byName.invalid["name"] = send(webhooks+"/by-name/a%20b", quiet())
	byName.invalid["name "] = send(webhooks+"/by-name/"+strings.Repeat("x", 65), quiet())
	operationTests["putWebhookByName"] = byName
	for _, id := range []string{"putWebhook", "patchWebhook"} {
		invalid := invalidSettings(func(s *service, settings object) request {
			if settings["url"] == deaf {
				delete(settings, "url")
			}
			return request{path: s.endpoint(), body: settings}
		})
		delete(invalid, "#") // the URL may be left out
		add(id, "", object{"maxConcurrency": 2}, operationTest{
			invalid: invalid,
			refused: map[string]func(*service) request{
				"precondition_failed": on(fresh, "", object{"maxConcurrency": 2}, "If-Match", `"x"`),
				"group_not_found": func(s *service) request {
					token := s.bound(s.sales)
					path := webhooks + "/" + s.do("POST", webhooks, token, quiet()).is(201)["webhookId"].(string)
					return request{path: path, token: token, body: object{"filter": object{"groupIds": []int64{s.support}}}}
				},
			},
		})
	}
	add("deleteWebhook", "", nil, operationTest{refused: map[string]func(*service) request{
		"precondition_failed": on(fresh, "", nil, "If-Match", `"x"`)}})
	add("rotateWebhookSecret", "/rotate-secret", object{"overlapSeconds": 60}, operationTest{
		invalid: map[string]func(*service) request{
			"#/overlapSeconds":  on(fresh, "/rotate-secret", object{"overlapSeconds": -1}),
			"#/overlapSeconds ": on(fresh, "/rotate-secret", object{"overlapSeconds": 604801}),
		}})
	add("enableWebhook", "/enable", object{"from": "now"}, operationTest{invalid: map[string]func(*service) request{
		"#/from": on(fresh, "/enable", object{"from": "yesterday"})}})
	add("disableWebhook", "/disable", nil, operationTest{})
	add("testWebhook", "/test", object{"type": "ticket.created"}, operationTest{invalid: map[string]func(*service) request{
		"#/type": on(fresh, "/test", object{"type": "ticket.*"}), "#/type ": on(fresh, "/test", object{"type": "ticket.evil"})}})
	preview := func(type_ string, templates any) func(*service) request {
		return on(fresh, "/preview", object{"type": type_, "templates": templates})
	}
	body := func(text string) object { return object{"*": object{"body": text}} }
	add("previewWebhook", "/preview", object{"type": "ticket.created", "templates": body(`{"is":{{json .type}}}`)}, operationTest{
		check: func(t *testing.T, s *service, r *response) {
			made := r.is(200)
			headers, _ := made["headers"].(object)
			if made["body"] != `{"is":"ticket.created"}` || made["method"] != "POST" || headers["content-type"] != "application/json" {
				t.Error(made)
			}
		},
		invalid: map[string]func(*service) request{
			"#/type": preview("ticket.evil", nil), "#/templates/*/body": preview("ticket.created", body("{{.nothing}}")),
			"#/templates/preset": preview("ticket.created", object{"preset": "fax"}), "#/templates": preview("ticket.created", 1)}})
	addReplays(add, on)
	addConsumers()
	addConsumerLists()
}

func addReplays(add func(id, rest string, body any, test operationTest), on func(func(*service) string, string, any, ...string) func(*service) request) {
	fresh := func(s *service) string { return s.endpoint() }
	missing := object{"missing": true}
	with := func(body object) func(*service) request { return on(fresh, "/replay", body) }
	add("startReplay", "/replay", missing, operationTest{
		check: func(t *testing.T, s *service, r *response) {
			started := r.is(202)
			if at := r.header.Get("Location"); s.do("GET", at, s.key(nil, "admin"), nil).is(200)["replayId"] != started["replayId"] {
				t.Error(at, started)
			}
		},
		invalid: map[string]func(*service) request{
			"#": with(object{}), "# ": with(object{"missing": true, "types": []string{"ticket.*"}}),
			"#  ":        with(object{"missing": true, "eventIds": []string{"evt_1"}}),
			"#/types/0":  with(object{"types": []string{"ticket"}}),
			"#/types":    with(object{"types": []string{}}),
			"#/eventIds": with(object{"eventIds": []string{}}),
			"#/until":    with(object{"since": "2026-03-01T09:00:00Z", "until": "2026-03-01T09:00:00Z"}),
			"#/since":    with(object{"since": "yesterday"}),
			"#/ticketId": with(object{"ticketId": "TICK-0-00000000"}),
		},
		refused: map[string]func(*service) request{
			"webhook_disabled": on((*service).disabled, "/replay", missing),
			"replay_running":   on((*service).replaying, "/replay", missing),
		},
	})
	replay := func(s *service) string { return s.replay(s.endpoint()) }
	for _, id := range []string{"getReplay", "cancelReplay"} {
		add(id, "/replays/rpl_none", nil, operationTest{good: on(replay, "", nil)})
	}
	list := func(query string) func(*service) request { return on(fresh, "/deliveries?"+query, nil) }
	add("listDeliveries", "/deliveries", nil, operationTest{
		good: func(s *service) request {
			path, about := s.endpoint(), s.do("POST", "/api/v1/tickets", s.key(nil, "admin"),
				object{"title": "Delivered", "groupId": s.support}).is(201)
			s.delivery(path)
			s.deliveryOf(path, about["ticketId"].(string), storage.DeliveryExhausted)
			return request{path: fmt.Sprint(path, "/deliveries?state=exhausted&type=ticket.created&ticketId=", about["number"],
				"&since=2026-01-01T00:00:00Z")}
		},
		check: func(t *testing.T, _ *service, r *response) {
			if list := r.is(200)["data"].([]any); len(list) != 1 || list[0].(object)["ticketId"] == "TICK-0-00000000" {
				t.Error(list)
			}
		},
		invalid: map[string]func(*service) request{
			"state": list("state=lost"), "state ": list("state=sent&state=lost"), "type": list("type=ticket"), "type ": list("type=ticket.closed,x"),
			"ticketId": list("ticketId=x"), "ticketId ": list("ticketId=4711"), "since": list("since=x"),
			"limit": list("limit=0"), "cursor": list("cursor=x")},
	})
	add("retryDelivery", "/deliveries/evt_none/retry", nil, operationTest{
		good: on(func(s *service) string { return s.delivery(s.endpoint()) }, "/retry", nil),
		refused: map[string]func(*service) request{
			"webhook_disabled": on(func(s *service) string { return s.delivery(s.disabled()) }, "/retry", nil),
			"event_not_heard":  on((*service).unheard, "/retry", nil),
		},
	})
	add("getWebhookStats", "/stats", nil, operationTest{check: func(t *testing.T, _ *service, r *response) {
		if periods := r.is(200)["periods"].([]any); len(periods) != 3 {
			t.Error(periods)
		}
	}})
}

// invalidSettings are requests that set an endpoint's settings to what is refused.
func invalidSettings(ask func(s *service, settings object) request) map[string]func(*service) request {
	all := map[string]func(*service) request{}
	for at, setting := range map[string][]any{
		"#/url": {"url", "ftp://example.org"}, "#/url ": {"url", "https://user:pw@example.org/"}, "#/url  ": {"url", "https://10.0.0.1/"},
		"#/url   ": {"url", "https://example.org/" + strings.Repeat("x", 2048)}, "#/url    ": {"url", ""},
		"#/url     ": {"url", nil}, "#/events": {"events", []string{}}, "#/events/1": {"events", []string{"ticket.*", "nonsense"}}, "#/events/0": {"events", []string{"tick*"}},
		"#/description": {"description", strings.Repeat("x", 501)}, "#/format": {"format", "xml"}, "#/ordering": {"ordering", "random"},
		"#/maxConcurrency": {"maxConcurrency", 0}, "#/maxConcurrency ": {"maxConcurrency", 65},
		"#/maxPerSecond": {"maxPerSecond", 0}, "#/maxPerSecond ": {"maxPerSecond", -1}, "#/content": {"content", "some"},
		"#/filter/groupIds/0": {"filter", object{"groupIds": []int64{5}}}, "#/filter/groupIds/1": {"filter", object{"groupIds": []int64{-5, 7}}},
		"#/filter/priorities/0":  {"filter", object{"priorities": []string{"highest"}}},
		"#/filter/createdBy/0":   {"filter", object{"createdBy": []string{"ben"}}},
		"#/filter/metadata/a":    {"filter", object{"metadata": object{"a": object{"b": 1}}}},
		"#/filter/metadata/a~1b": {"filter", object{"metadata": object{"a/b": []any{1, nil}}}},
		"#/filter/metadata":      {"filter", object{"metadata": object{"a": strings.Repeat("x", 9000)}}},
		"#/filter/other":         {"filter", object{"other": 1}},
		"#/headers/Host":         {"headers", object{"Host": "x"}}, "#/headers/webhook-id": {"headers", object{"webhook-id": "x"}},
		"#/headers/X": {"headers", object{"X": "a\nb"}}, "#/headers/Y": {"headers", object{"Y": "***"}}, "#/headers/Z": {"headers", object{"Z": 1}},
		"#/includeInternal": {"includeInternal", "yes"}, "#/schedule": {"schedule", []int{}}, "#/schedule ": {"schedule", make([]int, 33)},
		"#/schedule/1": {"schedule", []any{0, 172801}}, "#/schedule/0": {"schedule", []any{-0.5}},
		"#/templates": {"templates", "slack"}, "#/templates/preset": {"templates", object{"preset": "fax"}},
		"#/templates/*/body":              {"templates", object{"*": object{"body": "{{.data.nonsense}}"}}},
		"#/templates/error.occurred/body": {"templates", object{"error.occurred": object{"body": "{{.data.nonsense}}"}}},
		"#/templates/*/headers":           {"templates", object{"*": object{"body": "{}", "headers": object{"Host": "x"}}}},
		"#/enabled":                       {"enabled", nil}, "#/secret": {"secret", "whsec_x"}, "#/webhookId": {"webhookId", "wh_x"},
	} {
		all[at] = func(s *service) request {
			settings := quiet(setting...)
			if at == "#" {
				delete(settings, "url")
			}
			return ask(s, settings)
		}
	}
	return all
}
