package httpedge_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
)

// receiver is an endpoint's other side. It keeps what it gets, and answers 204 unless it is told otherwise.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	got    []received
	status int
}

type received struct {
	header http.Header
	body   []byte
}

func newReceiver(t testing.TB) *receiver {
	r := &receiver{status: http.StatusNoContent}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.got = append(r.got, received{req.Header, body})
		w.WriteHeader(r.status)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) answer(status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status = status
}

func (r *receiver) all() []received {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got)
}

// awaitOne waits for the n-th request, from 1.
func (s *service) awaitOne(r *receiver, n int) received {
	s.t.Helper()
	s.await(fmt.Sprint("request ", n), func() bool { return len(r.all()) >= n })
	return r.all()[n-1]
}

// signedBy says whether a request bears a signature by the secret. It shares no code with the desk.
func (r received) signedBy(secret string) bool {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		return false
	}
	h := hmac.New(sha256.New, key)
	h.Write([]byte(r.header.Get("webhook-id") + "." + r.header.Get("webhook-timestamp") + "." + string(r.body)))
	return slices.Contains(strings.Fields(r.header.Get("webhook-signature")), "v1,"+base64.StdEncoding.EncodeToString(h.Sum(nil)))
}

func TestWebhooks(t *testing.T) {
	s, key := ticketService(t)
	to := newReceiver(t)
	created := func(more ...any) object {
		return quiet(append([]any{"url", to.URL, "events", []string{"ticket.created"}}, more...)...)
	}
	s.run(t, "an event arrives, signed, and its delivery is listed", func(t *testing.T) {
		made := s.do("POST", webhooks, key, created("headers", object{"Authorization": "s3cr3t"})).is(201)
		path := webhooks + "/" + made["webhookId"].(string)
		ticket := s.ticket(key, "Told")
		got := s.awaitOne(to, 1)
		if !got.signedBy(made["secret"].(string)) || got.header.Get("Authorization") != "s3cr3t" ||
			!strings.Contains(string(got.body), ticket["ticketId"].(string)) {
			t.Errorf("%v %s", got.header, got.body)
		}
		var list *response
		s.await("the delivery is listed", func() bool {
			list = s.do("GET", path+"/deliveries?state=sent", key, nil)
			return len(list.is(200)["data"].([]any)) == 1
		})
		d := list.is(200)["data"].([]any)[0].(object)
		attempt := d["attempts"].([]any)[0].(object)
		if d["eventId"] != got.header.Get("webhook-id") || d["ticketId"] != ticket["ticketId"] || attempt["status"] != 204.0 ||
			strings.Contains(string(list.body), "s3cr3t") {
			t.Errorf("%s", list.body)
		}
		again := s.do("POST", path+"/deliveries/"+d["eventId"].(string)+"/retry", key, nil)
		again.is(202)
		if got := s.awaitOne(to, 2); got.header.Get("webhook-id") != d["eventId"] {
			t.Error(got.header)
		}
		s.await("it is counted", func() bool {
			stats := s.do("GET", path+"/stats", key, nil).is(200)
			return stats["periods"].([]any)[0].(object)["sent"] == 2.0
		})
		s.do("DELETE", path, key, nil).is(204)
		s.do("GET", path, key, nil).is(404)
		s.do("DELETE", path, key, nil).is(404)
		if list := s.do("GET", webhooks, key, nil); strings.Contains(string(list.body), made["webhookId"].(string)) {
			t.Errorf("it is listed yet: %s", list.body)
		}
	})
	s.run(t, "after a rotation both secrets sign", func(t *testing.T) {
		made := s.do("POST", webhooks, key, created()).is(201)
		path := webhooks + "/" + made["webhookId"].(string)
		rotated := s.do("POST", path+"/rotate-secret", key, nil).is(200)
		if rotated["oldSecretUntil"] == nil || rotated["secret"] == made["secret"] {
			t.Error(rotated)
		}
		before := len(to.all())
		s.do("POST", path+"/test", key, object{"type": "ticket.closed"}).is(200)
		if got := s.awaitOne(to, before+1); !got.signedBy(made["secret"].(string)) || !got.signedBy(rotated["secret"].(string)) {
			t.Error(got.header)
		}
		alone := s.do("POST", path+"/rotate-secret", key, object{"overlapSeconds": 0}).is(200)
		s.do("POST", path+"/test", key, object{"type": "ticket.closed"}).is(200)
		if got := s.awaitOne(to, before+2); got.signedBy(rotated["secret"].(string)) || !got.signedBy(alone["secret"].(string)) {
			t.Error("the old secret signs after its end:", got.header)
		}
		s.do("DELETE", path, key, nil).is(204)
	})
	s.run(t, "a test tells what the receiver did", func(t *testing.T) {
		path := s.endpoint("url", to.URL+"/path?token=s3cr3t", "enabled", false)
		to.answer(http.StatusTeapot)
		defer to.answer(http.StatusNoContent)
		r := s.do("POST", path+"/test", key, object{"type": "message.sent"})
		told := r.is(200)
		if told["response"].(object)["status"] != 418.0 || told["error"] == nil || told["request"].(object)["host"] != strings.TrimPrefix(to.URL, "http://") ||
			!strings.Contains(told["request"].(object)["body"].(string), `"message.sent"`) || strings.Contains(string(r.body), "s3cr3t") {
			t.Errorf("%s", r.body)
		}
		if told := s.do("POST", s.endpoint()+"/test", key, object{"type": "message.sent"}).is(200); told["response"] != nil || told["error"] == nil {
			t.Error(told)
		}
	})
	s.run(t, "what was skipped is missing, and a replay brings it", func(t *testing.T) {
		to := newReceiver(t)
		path := webhooks + "/" + s.do("POST", webhooks, key, created("url", to.URL)).is(201)["webhookId"].(string)
		if off := s.do("POST", path+"/disable", key, nil).is(200); off["enabled"] != false || off["disabledReason"] != "program" {
			t.Error(off)
		}
		ticket := s.ticket(key, "Missed")
		if on := s.do("POST", path+"/enable", key, object{"from": "now"}).is(200); on["enabled"] != true || on["disabledReason"] != nil {
			t.Error(on)
		}
		s.await("it is skipped", func() bool {
			return len(s.do("GET", path+"/deliveries?state=skipped", key, nil).is(200)["data"].([]any)) == 1
		})
		r := s.do("POST", path+"/replay", key, object{"missing": true})
		r.is(202)
		s.await("the replay is done", func() bool {
			return s.do("GET", r.header.Get("Location"), key, nil).is(200)["state"] == "done"
		})
		if got := to.all(); len(got) != 1 || !strings.Contains(string(got[0].body), ticket["ticketId"].(string)) {
			t.Errorf("%d requests", len(got))
		}
		if done := s.do("GET", r.header.Get("Location"), key, nil).is(200); done["total"] != 1.0 || done["sent"] != 1.0 {
			t.Error(done)
		}
	})
}

func TestWebhookSettings(t *testing.T) {
	s, key := ticketService(t)
	s.run(t, "what is not sent stays, and *** keeps a header", func(t *testing.T) {
		to := newReceiver(t)
		path := s.endpoint("url", to.URL, "headers", object{"X-One": "s3cr3t-1", "X-Two": "s3cr3t-2"}, "description", "Mine",
			"filter", object{"priorities": []string{"high"}, "metadata": object{"plan": []string{"gold"}}}, "schedule", []any{0, 0.5},
			"maxPerSecond", 5)
		changed := s.do("PATCH", path, key, object{"headers": object{"x-one": "***", "X-Three": "3"}, "maxConcurrency": 3}).is(200)
		if changed["description"] != "Mine" || changed["maxConcurrency"] != 3.0 || changed["maxPerSecond"] != 5.0 ||
			fmt.Sprint(changed["schedule"]) != "[0 0.5]" || len(changed["headers"].(object)) != 2 || fmt.Sprint(changed["filter"]) !=
			"map[createdBy:[] groupIds:[] metadata:map[plan:[gold]] priorities:[high]]" {
			t.Error(changed)
		}
		s.do("POST", path+"/test", key, object{"type": "ticket.created"}).is(200)
		if h := s.awaitOne(to, 1).header; h.Get("X-One") != "s3cr3t-1" || h.Get("X-Two") != "" || h.Get("X-Three") != "3" {
			t.Error(h)
		}
		reset := s.do("PUT", path, key, object{"maxPerSecond": nil, "schedule": nil, "filter": nil, "templates": nil, "headers": object{},
			"events": []string{"*"}}).is(200)
		if reset["maxPerSecond"] != nil || reset["schedule"] != nil || len(reset["headers"].(object)) != 0 || reset["description"] != "Mine" ||
			fmt.Sprint(reset["events"]) != "[*]" {
			t.Error(reset)
		}
	})
	s.run(t, "no value of a header is ever shown", func(t *testing.T) {
		path := s.endpoint("headers", object{"Authorization": "s3cr3t"}, "templates",
			object{"*": object{"body": "{}", "headers": object{"X": "{{.type}}"}}})
		for _, r := range []*response{s.do("GET", path, key, nil), s.do("GET", webhooks, key, nil), s.do("PATCH", path, key, object{}),
			s.do("POST", path+"/rotate-secret", key, nil), s.do("POST", path+"/test", key, object{"type": "ticket.created"}),
			s.do("POST", path+"/disable", key, nil), s.do("POST", path+"/enable", key, nil),
			s.do("PATCH", path, key, object{"headers": object{"Authorization": "s3cr3t\n"}}),
			s.do("PATCH", path, key, object{"url": "https://user:s3cr3t@example.org"})} {
			if strings.Contains(string(r.body), "s3cr3t") {
				t.Errorf("%s", r.body)
			}
		}
	})
	s.run(t, "a change is made to what was read, or not at all", func(t *testing.T) {
		path := s.endpoint()
		r := s.do("GET", path, key, nil)
		r.is(200)
		tag := r.header.Get("ETag")
		s.do("GET", path, key, nil, "If-None-Match", tag).is(304)
		changed := s.do("PATCH", path, key, object{"description": "1"}, "If-Match", tag)
		changed.is(200)
		s.do("GET", path, key, nil, "If-None-Match", tag).is(200)
		s.do("PATCH", path, key, object{"nonsense": "2"}, "If-Match", tag).is(412, "precondition_failed")
		s.do("DELETE", path, key, nil, "If-Match", tag).is(412, "precondition_failed")
		s.do("PATCH", path, key, object{"description": "2"}, "If-Match", "*").is(200)
		if now := s.do("GET", path, key, nil).is(200); now["description"] != "2" {
			t.Error(now)
		}
	})
	s.run(t, "two changes at the same time lose nothing of each other", func(t *testing.T) {
		path := s.endpoint()
		var both sync.WaitGroup
		for _, change := range []object{{"description": "Both"}, {"maxConcurrency": 3}, {"content": "ids"}} {
			both.Go(func() { s.do("PATCH", path, key, change).is(200) })
		}
		both.Wait()
		if now := s.do("GET", path, key, nil).is(200); now["description"] != "Both" || now["maxConcurrency"] != 3.0 || now["content"] != "ids" {
			t.Error(now)
		}
	})
	s.run(t, "a template that is wrong is named with its place", func(t *testing.T) {
		p := s.do("POST", webhooks, key, quiet("events", []string{"ticket.*"}, "templates",
			object{"ticket.*": object{"body": "{\n \"a\": {{json .data.ticket.titel}}}"}})).is(422, "invalid")
		if text := fmt.Sprint(p["errors"]); !mentions(p, "#/templates/ticket.*/body") || !strings.Contains(text, "line 2, column") {
			t.Error(text)
		}
		s.do("POST", webhooks, key, quiet("templates", object{"preset": "slack"})).is(201)
	})
	s.run(t, "a repeated request makes one endpoint, and gets the same secret", func(t *testing.T) {
		first, again := s.do("POST", webhooks, key, quiet(), "Idempotency-Key", "w"), s.do("POST", webhooks, key, quiet(), "Idempotency-Key", "w")
		if first.is(201)["secret"] != again.is(201)["secret"] || first.header.Get("ETag") != again.header.Get("ETag") {
			t.Errorf("%s, then %s", first.body, again.body)
		}
	})
}

func TestListsOfWebhooks(t *testing.T) {
	s := newService(t, serviceOptions{})
	key := s.key(nil, "webhooks:read")
	// all reads a list page by page.
	all := func(path, id string) (ids []string) {
		for cursor := any(""); cursor != nil; {
			page := s.do("GET", path+"limit=2&cursor="+fmt.Sprint(cursor), key, nil).is(200)
			if len(page["data"].([]any)) > 2 {
				t.Fatal(page)
			}
			for _, item := range page["data"].([]any) {
				ids = append(ids, item.(object)[id].(string))
			}
			cursor = page["nextCursor"]
		}
		return ids
	}
	var made []string
	for range 5 {
		made = append(made, strings.TrimPrefix(s.endpoint(), webhooks+"/"))
	}
	slices.Sort(made)
	if got := all(webhooks+"?", "webhookId"); !slices.Equal(got, made) {
		t.Errorf("%v, want %v", got, made)
	}
	path := webhooks + "/" + made[0]
	var newest []string
	for range 5 {
		d := strings.TrimPrefix(s.delivery(path), path+"/deliveries/")
		newest = slices.Insert(newest, 0, d)
	}
	got := all(path+"/deliveries?", "eventId")
	if slices.Sort(got); len(got) != 5 || !slices.Equal(got, slices.Sorted(slices.Values(newest))) {
		t.Errorf("%v, want %v", got, newest)
	}
	if page := s.do("GET", path+"/deliveries?limit=2", key, nil).is(200); page["nextCursor"] == nil {
		t.Error(page)
	} else {
		s.do("GET", path+"/deliveries?state=sent&cursor="+page["nextCursor"].(string), key, nil).is(422, "invalid")
		s.do("GET", webhooks+"/"+made[1]+"/deliveries?cursor="+page["nextCursor"].(string), key, nil).is(422, "invalid")
	}
}

func TestWebhooksByName(t *testing.T) {
	s, key := ticketService(t)
	path := webhooks + "/by-name/crm"
	s.run(t, "made once, then changed: what is left out gets its usual value", func(t *testing.T) {
		first := s.do("PUT", path, key, quiet("headers", object{"X-One": "s3cr3t", "X-Two": "2"}, "description", "Mine", "maxConcurrency", 3))
		made := first.is(201)
		if made["name"] != "crm" || !strings.HasPrefix(made["secret"].(string), "whsec_") ||
			first.header.Get("Location") != webhooks+"/"+made["webhookId"].(string) {
			t.Errorf("%s %v", first.body, first.header)
		}
		s.do("POST", first.header.Get("Location")+"/disable", key, nil).is(200)
		second := s.do("PUT", path, key, quiet("headers", object{"X-One": "***"}))
		same := second.is(200)
		if same["webhookId"] != made["webhookId"] || same["secret"] != nil || same["description"] != "" || same["maxConcurrency"] != 8.0 ||
			fmt.Sprint(same["headers"]) != "map[X-One:***]" || same["enabled"] != false || second.header.Get("Location") != "" {
			t.Errorf("%s", second.body)
		}
		s.do("PUT", path, key, quiet(), "If-Match", first.header.Get("ETag")).is(412, "precondition_failed")
		s.do("PUT", path, key, quiet("enabled", true), "If-Match", second.header.Get("ETag")).is(200)
	})
	s.run(t, "a name is free again when its endpoint is deleted", func(t *testing.T) {
		before := s.do("PUT", path, key, quiet()).is(200)
		s.do("DELETE", webhooks+"/"+before["webhookId"].(string), key, nil).is(204)
		if after := s.do("PUT", path, key, quiet()).is(201); after["webhookId"] == before["webhookId"] {
			t.Error(after)
		}
	})
	s.run(t, "of many at the same time one makes it", func(t *testing.T) {
		var all sync.WaitGroup
		statuses := make(chan int, 8)
		ids := sync.Map{}
		for range cap(statuses) {
			all.Go(func() {
				r, err := s.try("PUT", webhooks+"/by-name/raced", key, quiet())
				if err != nil {
					t.Error(err)
					return
				}
				var body struct{ WebhookID string }
				if err := json.Unmarshal(r.body, &body); err != nil || body.WebhookID == "" {
					t.Errorf("%d %s", r.status, r.body)
				}
				ids.Store(body.WebhookID, true)
				statuses <- r.status
			})
		}
		all.Wait()
		close(statuses)
		made, different := 0, 0
		for status := range statuses {
			if status == http.StatusCreated {
				made++
			}
		}
		ids.Range(func(any, any) bool { different++; return true })
		if made != 1 || different != 1 {
			t.Errorf("%d were made, of %d ids", made, different)
		}
	})
	s.run(t, "each group has names of its own", func(t *testing.T) {
		for _, k := range []string{s.bound(s.support), s.bound(s.sales), key} {
			s.do("PUT", webhooks+"/by-name/shared", k, quiet()).is(201)
		}
	})
}

func TestWebhooksOfOneGroup(t *testing.T) {
	s, key := ticketService(t)
	to := newReceiver(t)
	bound := s.bound(s.support)
	made := s.do("POST", webhooks, bound, quiet("url", to.URL, "events", []string{"ticket.created"},
		"filter", object{"groupIds": []int64{s.support}})).is(201)
	path := webhooks + "/" + made["webhookId"].(string)
	s.run(t, "its endpoint hears that group alone", func(t *testing.T) {
		if made["groupId"] != float64(s.support) || fmt.Sprint(made["filter"].(object)["groupIds"].([]any)[0]) == "" {
			t.Error(made)
		}
		s.do("POST", "/api/v1/tickets", key, object{"title": "Theirs", "groupId": s.sales}, "Prefer", "wait=20").is(201)
		mine := s.ticket(key, "Mine")
		if got := s.awaitOne(to, 1); !strings.Contains(string(got.body), mine["ticketId"].(string)) {
			t.Errorf("%s", got.body)
		}
	})
	s.run(t, "the key sees its group's endpoints", func(t *testing.T) {
		other := s.endpoint()
		s.do("GET", other, bound, nil).is(404)
		s.do("GET", path, s.bound(s.support), nil).is(200)
		s.do("GET", path, s.bound(s.sales), nil).is(404)
		if list := s.do("GET", webhooks, bound, nil).is(200)["data"].([]any); len(list) != 1 {
			t.Error(list)
		}
		if list := s.do("GET", webhooks, s.bound(s.sales), nil).is(200)["data"].([]any); len(list) != 0 {
			t.Error(list)
		}
	})
	s.run(t, "nobody makes it name another group", func(t *testing.T) {
		for _, k := range []string{bound, key} {
			if p := s.do("PATCH", path, k, object{"filter": object{"groupIds": []int64{s.sales}}}).is(422); !mentions(p, "#/filter/groupIds/0") {
				t.Error(p)
			}
		}
	})
	s.run(t, "internal notes need messages:read, also to change where they go", func(t *testing.T) {
		writer, reader := s.key(nil, "webhooks:write"), s.key(nil, "webhooks:write", "messages:read")
		s.do("POST", webhooks, writer, quiet("includeInternal", true)).is(403, "scope_missing")
		notes := webhooks + "/" + s.do("POST", webhooks, reader, quiet("includeInternal", true)).is(201)["webhookId"].(string)
		s.do("PATCH", notes, writer, object{"url": to.URL}).is(403, "scope_missing")
		s.do("PATCH", notes, writer, object{"includeInternal": false}).is(200)
	})
}
