package httpedge_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

func TestWebhooks(t *testing.T) {
	t.Parallel()
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
		to.say("I got it")
		defer to.say("")
		again := s.do("POST", path+"/deliveries/"+d["eventId"].(string)+"/retry", key, nil)
		again.is(202)
		if got := s.awaitOne(to, 2); got.header.Get("webhook-id") != d["eventId"] {
			t.Error(got.header)
		}
		shown := func(scopes ...string) bool {
			r := s.do("GET", path+"/deliveries", s.key(nil, scopes...), nil)
			r.is(200)
			return strings.Contains(string(r.body), "I got it")
		}
		s.await("what came back is shown to who may read messages", func() bool { return shown("webhooks:read", "messages:read") })
		if shown("webhooks:read") {
			t.Error("what came back is shown to others")
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
		s.await("it is logged", func() bool {
			return s.do("GET", path+"/stats", key, nil).is(200)["backlog"].(float64) > 0
		})
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
		s.do("PATCH", notes, writer, object{"includeInternal": false, "url": to.URL}).is(403, "scope_missing")
		s.do("PATCH", notes, reader, object{"includeInternal": false}).is(200)
		s.do("PATCH", notes, writer, object{"url": to.URL}).is(200)
		named := webhooks + "/by-name/notes"
		s.do("PUT", named, reader, quiet("includeInternal", true)).is(201)
		s.do("PUT", named, writer, quiet("url", to.URL)).is(403, "scope_missing")
		if now := s.do("PUT", named, reader, quiet()).is(200); now["includeInternal"] != false {
			t.Error(now)
		}
	})
}
