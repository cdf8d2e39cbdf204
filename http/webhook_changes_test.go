package httpedge_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	httpedge "github.com/topicdesk/topicdesk/http"
	"github.com/topicdesk/topicdesk/messages"
)

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
	s.run(t, "what is secret in headers goes to no other origin", func(t *testing.T) {
		to, elsewhere := newReceiver(t), newReceiver(t)
		kept := object{"X-Two": "***", "authorization": "***"}
		path := s.endpoint("url", to.URL+"/one", "headers", object{"Authorization": "s3cr3t-1", "X-Two": "s3cr3t-2"})
		for _, url := range []string{elsewhere.URL + "/one", "https://" + strings.TrimPrefix(to.URL, "http://"),
			strings.Replace(to.URL, "127.0.0.1", "127.0.0.2", 1)} {
			for _, body := range []object{{"url": url}, {"url": url, "headers": kept},
				{"url": url, "headers": object{"Authorization": "***", "X-Two": "new"}}} {
				p := s.do("PATCH", path, key, body).is(422, "invalid")
				if !mentions(p, "#/headers/Authorization") && !mentions(p, "#/headers/authorization") {
					t.Error(body, p)
				}
			}
		}
		s.do("PATCH", path, key, object{"url": to.URL + "/two"}).is(200)
		s.do("PATCH", path, key, object{"url": elsewhere.URL, "headers": object{"Authorization": "s3cr3t-3"}}).is(200)
		s.do("POST", path+"/test", key, object{"type": "ticket.created"}).is(200)
		if h := s.awaitOne(elsewhere, 1).header; h.Get("Authorization") != "s3cr3t-3" || h.Get("X-Two") != "" {
			t.Error(h)
		}
		s.do("PATCH", path, key, object{"url": to.URL, "headers": object{}}).is(200)

		named := webhooks + "/by-name/secretive"
		s.do("PUT", named, key, quiet("url", to.URL, "headers", object{"Authorization": "s3cr3t-1"})).is(201)
		s.do("PUT", named, key, quiet("url", to.URL+"/two", "headers", object{"Authorization": "***"})).is(200)
		p := s.do("PUT", named, key, quiet("url", elsewhere.URL, "headers", object{"Authorization": "***"})).is(422, "invalid")
		if !mentions(p, "#/headers/Authorization") {
			t.Error(p)
		}
		s.do("PUT", named, key, quiet("url", elsewhere.URL, "headers", object{"Authorization": "s3cr3t-4"})).is(200)
		s.do("PUT", named, key, quiet("url", to.URL)).is(200)
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
	s.run(t, "a header is there once, whatever the case of its name", func(t *testing.T) {
		path := s.endpoint("headers", object{"X-One": "1"})
		for _, headers := range []object{{"X-One": "1", "x-one": "2"}, {"X-One": "***", "x-one": "***"}, {"X-One": "***", "x-one": "2"}} {
			if p := s.do("PATCH", path, key, object{"headers": headers}).is(422, "invalid"); !mentions(p, "#/headers") {
				t.Error(p["errors"])
			}
		}
	})
	s.run(t, "a repeated request makes one endpoint, and gets the same secret", func(t *testing.T) {
		first, again := s.do("POST", webhooks, key, quiet(), "Idempotency-Key", "w"), s.do("POST", webhooks, key, quiet(), "Idempotency-Key", "w")
		if first.is(201)["secret"] != again.is(201)["secret"] || first.header.Get("ETag") != again.header.Get("ETag") {
			t.Errorf("%s, then %s", first.body, again.body)
		}
	})
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

// previewing is a desk whose previews wait for a gate.
type previewing struct {
	httpedge.Desk
	begun *atomic.Int64
	gate  chan struct{}
}

func (p previewing) PreviewWebhook(ctx context.Context, id, kind string, templates json.RawMessage) (*messages.WebhookTested, error) {
	p.begun.Add(1)
	<-p.gate
	return p.Desk.PreviewWebhook(context.WithoutCancel(ctx), id, kind, templates)
}

// TestPreviewsAtOnce: templates may run long, and run in the node's own time: one preview at a time, and others come again.
func TestPreviewsAtOnce(t *testing.T) {
	var begun atomic.Int64
	gate := make(chan struct{})
	open := sync.OnceFunc(func() { close(gate) })
	s := newService(t, serviceOptions{wrapDesk: func(d httpedge.Desk) httpedge.Desk { return previewing{d, &begun, gate} }})
	t.Cleanup(open)
	path, key := s.endpoint()+"/preview", s.key(nil, "admin")
	answers := make(chan *response, 3)
	for range cap(answers) {
		go func() {
			r, err := s.try("POST", path, key, object{"type": "ticket.created", "templates": object{"preset": "slack"}})
			if err != nil {
				t.Error(err)
			}
			answers <- r
		}()
	}
	for range 2 {
		if r := <-answers; r == nil || r.status != http.StatusServiceUnavailable || r.header.Get("Retry-After") == "" {
			t.Errorf("beside another one: %+v", r)
		}
	}
	if n := begun.Load(); n != 1 {
		t.Errorf("%d are being made", n)
	}
	open()
	if r := <-answers; r == nil || r.status != http.StatusOK {
		t.Errorf("the first: %+v", r)
	}
}
